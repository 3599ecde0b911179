package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The picture is read on white and on black: it has no background, and its colours are
// of middle brightness.
var (
	ink    = color.RGBA{0x7d, 0x85, 0x90, 0xff}
	theirs = color.RGBA{0xd9, 0x82, 0x2b, 0xff}
	own    = color.RGBA{0x2f, 0x81, 0xf7, 0xff}
)

// shortest is where the axis begins, in seconds. A logarithmic axis has no zero.
const shortest = 10e-6

// plot draws the CPU time of a request with each way, the first one at the top.
func (r record) plot() ([]byte, error) {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = "CPU time of a request in the server's process (logarithmic)"
	all := ways()
	var names []string
	var labels plotter.XYLabels
	for n := range all {
		w := all[len(all)-1-n] // the first bar is at the bottom
		cpu := r.cpu(w.id)
		length := math.Log10(cpu / shortest)
		bar, err := plotter.NewBarChart(plotter.Values{length}, vg.Points(20))
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width = true, float64(n), 0
		bar.Color = theirs
		if w.isOurs() {
			bar.Color = own
		}
		p.Add(bar)
		names = append(names, w.name)
		labels.XYs = append(labels.XYs, plotter.XY{X: length, Y: float64(n)})
		labels.Labels = append(labels.Labels, barLabel(cpu))
	}
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for n := range texts.TextStyle {
		texts.TextStyle[n].Font, texts.TextStyle[n].Color, texts.TextStyle[n].YAlign = sans(11), ink, draw.YCenter
	}
	texts.Offset = vg.Point{X: vg.Points(5)}
	p.Add(texts)
	p.NominalY(names...)
	p.X.Min, p.X.Max = 0, math.Log10(100e-3/shortest)
	p.X.Tick.Marker = plot.ConstantTicks(decades(p.X.Max))
	dress(p)
	canvas := vgsvg.New(vg.Points(680), vg.Points(260))
	// A margin for whoever has another font, which may be wider.
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(24), -vg.Points(24), 0, -vg.Points(6)))
	var out bytes.Buffer
	_, err = canvas.WriteTo(&out)
	return bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), err
}

// barLabel is the time beside a bar.
func barLabel(seconds float64) string {
	factor, unit := unitOf(seconds)
	return significant(seconds*factor) + " " + unit
}

// decades are the ticks of the axis.
func decades(most float64) (ticks []plot.Tick) {
	for at := 0.0; at <= most+1e-9; at++ {
		factor, unit := unitOf(shortest * math.Pow(10, at))
		ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%.0f %s", shortest*math.Pow(10, at)*factor, unit)})
	}
	return ticks
}

// dress gives everything that is not a bar its font and colour.
func dress(p *plot.Plot) {
	p.Title.TextStyle.Font, p.Title.TextStyle.Color, p.Title.Padding = sans(13), ink, vg.Points(8)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Tick.Color, axis.Tick.Label.Color = ink, ink, ink
		axis.Tick.Label.Font = sans(11)
	}
	p.Y.Tick.Length, p.Y.LineStyle.Width, p.Y.Padding = 0, 0, vg.Points(20)
}

func sans(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: font.Length(size)}
}
