package main

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"

	"github.com/bearerproof/bearerproof/bench/internal/bars"
	"github.com/bearerproof/bearerproof/bench/internal/figure"
)

// The axis goes from the shortest to the longest time, in seconds. A logarithmic axis
// has no zero.
const shortest, longest = 10e-6, 100e-3

// plot draws the CPU time of a request with each way, the first one at the top.
func (r record) plot() ([]byte, error) {
	c := bars.Chart{Title: "CPU time of a request in the server's process (logarithmic)", Most: math.Log10(longest / shortest)}
	c.Ticks = decades(c.Most)
	for _, w := range ways() {
		cpu := r.cpu(w.id)
		b := bars.Bar{Name: w.name, Label: figure.Time(cpu), Length: math.Log10(cpu / shortest), Color: bars.Orange}
		if w.isOurs() {
			b.Color = bars.Blue
		}
		c.Bars = append(c.Bars, b)
	}
	return c.SVG()
}

// decades are the ticks of the axis.
func decades(most float64) (ticks []plot.Tick) {
	for at := 0.0; at <= most+1e-9; at++ {
		factor, unit := figure.Unit(shortest * math.Pow(10, at))
		ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%.0f %s", shortest*math.Pow(10, at)*factor, unit)})
	}
	return ticks
}
