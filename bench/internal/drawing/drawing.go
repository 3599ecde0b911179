// Package drawing writes plots for readers who may have other fonts.
package drawing

import (
	"bytes"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Sans is the font of all texts.
func Sans(size font.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// SVG returns the text of what was drawn, in which [Sans] has others to fall back on.
func SVG(canvas *vgsvg.Canvas) ([]byte, error) {
	var out bytes.Buffer
	_, err := canvas.WriteTo(&out)
	return bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), err
}
