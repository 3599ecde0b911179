// Package bars draws horizontal bars, for readers who have a white page or a black one.
package bars

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/bearerproof/bearerproof/bench/internal/drawing"
)

// The picture has no background, and its colours are of middle brightness.
var (
	ink    = color.RGBA{0x7d, 0x85, 0x90, 0xff}
	Orange = color.RGBA{0xd9, 0x82, 0x2b, 0xff}
	Blue   = color.RGBA{0x2f, 0x81, 0xf7, 0xff}
	Grey   = ink
)

// Bar is one bar with its name on the left and its label at its end.
type Bar struct {
	Name, Label string
	Length      float64 // on the chart's axis
	Color       color.Color
}

// Chart is a picture of bars, the first one at the top.
type Chart struct {
	Title string
	Bars  []Bar
	Most  float64     // where the axis ends
	Ticks []plot.Tick // on the axis
}

// SVG draws the chart.
func (c Chart) SVG() ([]byte, error) {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = c.Title
	var names []string
	var labels plotter.XYLabels
	for n := range c.Bars {
		b := c.Bars[len(c.Bars)-1-n] // the first bar is at the bottom
		bar, err := plotter.NewBarChart(plotter.Values{b.Length}, vg.Points(20))
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width = true, float64(n), 0
		bar.Color = b.Color
		p.Add(bar)
		names = append(names, b.Name)
		labels.XYs = append(labels.XYs, plotter.XY{X: b.Length, Y: float64(n)})
		labels.Labels = append(labels.Labels, b.Label)
	}
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for n := range texts.TextStyle {
		texts.TextStyle[n].Font, texts.TextStyle[n].Color, texts.TextStyle[n].YAlign = drawing.Sans(11), ink, draw.YCenter
	}
	texts.Offset = vg.Point{X: vg.Points(5)}
	p.Add(texts)
	p.NominalY(names...)
	p.X.Min, p.X.Max = 0, c.Most
	p.X.Tick.Marker = plot.ConstantTicks(c.Ticks)
	dress(p)
	canvas := vgsvg.New(vg.Points(680), vg.Points(68+32*float64(len(c.Bars))))
	// A margin for whoever has another font, which may be wider.
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(24), -vg.Points(24), 0, -vg.Points(6)))
	return drawing.SVG(canvas)
}

// dress gives everything that is not a bar its font and colour.
func dress(p *plot.Plot) {
	p.Title.TextStyle.Font, p.Title.TextStyle.Color, p.Title.Padding = drawing.Sans(13), ink, vg.Points(8)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Tick.Color, axis.Tick.Label.Color = ink, ink, ink
		axis.Tick.Label.Font = drawing.Sans(11)
	}
	p.Y.Tick.Length, p.Y.LineStyle.Width, p.Y.Padding = 0, 0, vg.Points(20)
}
