package main

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/bearerproof/bearerproof/bench/internal/drawing"
)

// bars is a plot with a group of bars for each library.
type bars struct {
	title, axis string
	libraries   []string
	groups      []group
	line        float64 // to compare with, or zero for none
}

// group is what each library has a bar of. It has a value for each of them.
type group struct {
	name   string
	values plotter.Values
}

// Colors that stay apart for those who do not see all of them (Okabe and Ito).
func palette() []color.Color {
	return []color.Color{
		color.RGBA{R: 0, G: 114, B: 178, A: 255},
		color.RGBA{R: 230, G: 159, B: 0, A: 255},
		color.RGBA{R: 0, G: 158, B: 115, A: 255},
		color.RGBA{R: 204, G: 121, B: 167, A: 255},
	}
}

// images returns the plots by the names of their files.
func (r *results) images() (map[string][]byte, error) {
	all := map[string]bars{
		"performance-first-verify.svg": r.firstBars(),
		"performance-http.svg":         r.servingBars(overHTTP),
		"performance-grpc.svg":         r.servingBars(overGRPC),
	}
	drawn := make(map[string][]byte)
	for name, b := range all {
		var err error
		if drawn[name], err = b.svg(); err != nil {
			return nil, err
		}
	}
	return drawn, nil
}

func (r *results) firstBars() bars {
	b := bars{
		title:     "First verification of a token",
		axis:      "processor time, as a multiple of the bare cryptography",
		libraries: names(contenders())[1:],
		line:      1,
	}
	for _, algorithm := range algorithms() {
		g := group{name: algorithm}
		for _, library := range b.libraries {
			g.values = append(g.values, r.times(firstVerify, algorithm, library).median)
		}
		b.groups = append(b.groups, g)
	}
	return b
}

func (r *results) servingBars(transport string) bars {
	b := bars{
		title:     transport + ": processor time of the server for a request",
		axis:      "µs",
		libraries: guarded(),
		line:      spreadOf(r.of(transport, repeated, open).CPU).median / 1000,
	}
	for _, of := range []string{repeated, distinct} {
		g := group{name: of}
		for _, library := range b.libraries {
			g.values = append(g.values, spreadOf(r.of(transport, of, library).CPU).median/1000)
		}
		b.groups = append(b.groups, g)
	}
	return b
}

// svg draws the bars, the first library at the top.
func (b bars) svg() ([]byte, error) {
	const (
		height = vg.Length(8) // of a bar
		width  = 20 * vg.Centimeter
		margin = vg.Length(24)
	)
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text = b.title, b.axis
	p.X.Min = 0
	p.Legend.Top = true // where bars are short
	names := slices.Clone(b.libraries)
	slices.Reverse(names)
	p.NominalY(names...)
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font = drawing.Sans(style.Font.Size)
	}
	p.Y.Padding = 20 // for whoever has another font, which may be wider
	for i, g := range b.groups {
		values := slices.Clone(g.values)
		slices.Reverse(values)
		chart, err := plotter.NewBarChart(values, height)
		if err != nil {
			return nil, err
		}
		chart.Horizontal = true
		chart.Color = palette()[i]
		chart.LineStyle.Width = 0
		chart.Offset = height * vg.Length(float64(len(b.groups)-1)/2-float64(i))
		p.Add(chart)
		p.Legend.Add(g.name, chart)
	}
	if b.line > 0 {
		line, err := plotter.NewLine(plotter.XYs{{X: b.line, Y: -0.5}, {X: b.line, Y: float64(len(names)) - 0.5}})
		if err != nil {
			return nil, err
		}
		line.Dashes = []vg.Length{3, 3}
		p.Add(line)
	}
	space := height*vg.Length(len(b.groups)+1)*vg.Length(len(names)) + 100
	canvas := vgsvg.New(width, space)
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	return drawing.SVG(canvas)
}
