package main

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"

	"github.com/bearerproof/bearerproof/bench/internal/bars"
	"github.com/bearerproof/bearerproof/bench/internal/figure"
)

// requestsPlot draws the requests a second.
func (r record) requestsPlot() ([]byte, error) {
	return r.bars("Requests a second", sample.rate, figure.Grouped)
}

// cpuPlot draws the CPU time of a request.
func (r record) cpuPlot() ([]byte, error) {
	return r.bars("CPU time of a request in the server's process", sample.server, figure.Time)
}

// bars draws a value of each cell.
func (r record) bars(title string, value func(sample) float64, text func(float64) string) ([]byte, error) {
	c := bars.Chart{Title: title}
	for _, cell := range cells() {
		v := value(r.of(cell.id()))
		c.Bars = append(c.Bars, bars.Bar{Name: cell.label(), Label: text(v), Length: v, Color: cell.color()})
		c.Most = max(c.Most, v)
	}
	step := roundStep(c.Most / 4)
	for at := 0.0; at <= c.Most; at += step {
		c.Ticks = append(c.Ticks, plot.Tick{Value: at, Label: text(at)})
	}
	c.Most *= 1.15 // for the label of the longest bar
	return c.SVG()
}

// roundStep returns 1, 2 or 5 times a power of ten, at least as much as x.
func roundStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= x {
			return factor * power
		}
	}
	return 10 * power
}

// label is the cell's name in a plot.
func (c cell) label() string {
	if c.fixed() {
		return c.short
	}
	return c.short + ", " + c.on.name
}

func (c cell) color() color.Color {
	switch {
	case c.fixed():
		return bars.Grey
	case c.on.isPostgres():
		return bars.Blue
	default:
		return bars.Orange
	}
}
