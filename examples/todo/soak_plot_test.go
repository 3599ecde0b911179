//go:build soak

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// The plots are read on white and on black: there is no background, and the colours
// are of middle brightness.
const (
	plotWidth, plotHeight = 860.0, 400.0
	plotLeft, plotRight   = 56.0, 24.0
	plotTop, plotBottom   = 40.0, 44.0

	plotInk    = "#7d8590"
	plotGood   = "#2f81f7"
	plotBad    = "#d9822b"
	plotStrong = "#d1453b"
	plotDown   = "#8b949e"
)

// plot is an SVG picture of something over time.
type plot struct {
	out       strings.Builder
	end       float64 // seconds at the right edge
	most      float64 // the value at the top
	base, top float64 // where 0 and most are
}

// newPlot begins a picture whose values are drawn between two heights.
func newPlot(title string, end, most, top, base float64) *plot {
	p := &plot{end: end, most: most, top: top, base: base}
	p.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12" fill="%s" role="img">`, plotWidth, plotHeight, plotInk)
	p.add(`<title>%s</title>`, html.EscapeString(title))
	p.text(plotLeft, 18, "start", title)
	return p
}

func (p *plot) add(format string, values ...any) { fmt.Fprintf(&p.out, format+"\n", values...) }

func (p *plot) x(at soakTime) float64 {
	return plotLeft + min(max(at.seconds()/p.end, 0), 1)*(plotWidth-plotLeft-plotRight)
}

func (p *plot) y(value float64) float64 { return p.base - value/p.most*(p.base-p.top) }

func (p *plot) text(x, y float64, anchor, text string) {
	p.add(`<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(text))
}

func (p *plot) line(x1, y1, x2, y2 float64, style string) {
	p.add(`<path d="M%.1f %.1fL%.1f %.1f" fill="none" %s/>`, x1, y1, x2, y2, style)
}

// axes draws the scales, with a grid line at each step of the value.
func (p *plot) axes(unit string, step float64) {
	for v := 0.0; v <= p.most; v += step {
		p.line(plotLeft, p.y(v), plotWidth-plotRight, p.y(v), fmt.Sprintf(`stroke="%s" stroke-opacity=".3"`, plotInk))
		p.text(plotLeft-6, p.y(v)+4, "end", fmt.Sprintf("%g", v))
	}
	p.text(plotLeft-6, p.top-10, "end", unit)
	foot := plotHeight - plotBottom + 18
	every := 10 * math.Ceil(p.end/120) // twelve at most
	for at := 0.0; at <= p.end; at += every {
		p.text(p.x(soakTime(at*float64(time.Second))), foot, "middle", fmt.Sprintf("%g s", at))
	}
}

// path draws a line through points of the picture.
func (p *plot) path(points [][2]float64, style string) {
	var d strings.Builder
	for n, point := range points {
		letter := "L"
		if n == 0 {
			letter = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", letter, point[0], point[1])
	}
	p.add(`<path d="%s" fill="none" stroke-width="2" stroke-linejoin="round" %s/>`, d.String(), style)
}

// downs shades the times in which the issuer was down.
func (p *plot) downs(phases []soakPhase, bottom float64) {
	var d strings.Builder
	for _, phase := range phases {
		if phase.Fault != "" {
			fmt.Fprintf(&d, "M%.1f %.1fV%.1fH%.1fV%.1fz", p.x(phase.From), p.top, bottom, p.x(phase.To), p.top)
		}
	}
	p.add(`<path d="%s" fill="%s" fill-opacity=".18"/>`, d.String(), plotDown)
}

// legend names the lines below the picture.
func (p *plot) legend(entries ...[2]string) {
	x, y := plotLeft, plotHeight-6
	for _, e := range entries {
		p.line(x, y-4, x+18, y-4, e[0])
		p.text(x+24, y, "start", e[1])
		x += 24 + 6.6*float64(len(e[1])) + 20
	}
}

func (p *plot) done() string {
	p.add(`</svg>`)
	return p.out.String()
}

// plotFetches shows the fetches of the key set against what the policy allows, and
// below them for how long the tokens under each new key were refused.
func plotFetches(r soakRecord) string {
	const lanes, lane = 230.0, 13.0 // where the keys begin, and the height of each
	end := (r.Fetches[0].At + r.Length).seconds()
	rotations := len(r.Keys) - 1
	allowed := float64(mayFetch(time.Duration(end*float64(time.Second)), rotations))
	p := newPlot("Fetches of the key set while the issuer is away every 2 s (grey) and has a new key every 10 s", end, math.Ceil(allowed/10)*10, plotTop+14, lanes-24)
	p.downs(r.Phases, plotHeight-plotBottom)
	p.axes("fetches", 10)
	p.path(budgetLine(p, r), fmt.Sprintf(`stroke="%s" stroke-dasharray="5 4"`, plotInk))
	for _, of := range []struct {
		good   bool
		colour string
	}{{true, plotGood}, {false, plotBad}} {
		n, points := 0.0, [][2]float64{{p.x(0), p.y(0)}}
		for _, f := range r.Fetches {
			if f.Document != "keys" || f.good() != of.good {
				continue
			}
			points = append(points, [2]float64{p.x(f.End), p.y(n)}, [2]float64{p.x(f.End), p.y(n + 1)})
			n++
		}
		p.path(append(points, [2]float64{p.x(soakTime(end * float64(time.Second))), p.y(n)}), fmt.Sprintf(`stroke="%s"`, of.colour))
	}
	p.text(plotLeft, lanes-2, "start", "keys: published (line), new tokens refused (thick)")
	for n, k := range r.Keys {
		y := lanes + 8 + lane*float64(n%9)
		to := k.Withdrawn
		if to == 0 {
			to = soakTime(end * float64(time.Second))
		}
		p.line(p.x(k.Published), y, p.x(to), y, fmt.Sprintf(`stroke="%s" stroke-width="2"`, plotGood))
		if len(k.Refused) > 0 {
			until := k.FirstAccepted
			if until == 0 {
				until = to
			}
			p.line(p.x(k.FirstAsked), y, max(p.x(until), p.x(k.FirstAsked)+1), y, fmt.Sprintf(`stroke="%s" stroke-width="8"`, plotStrong))
			p.text(p.x(k.FirstAsked)-4, y+4, "end", fmt.Sprintf("%.1f s", (until-k.FirstAsked).seconds()))
		}
	}
	p.legend([2]string{fmt.Sprintf(`stroke="%s" stroke-width="2"`, plotGood), "good fetches"},
		[2]string{fmt.Sprintf(`stroke="%s" stroke-width="2"`, plotBad), "failed fetches"},
		[2]string{fmt.Sprintf(`stroke="%s" stroke-width="2" stroke-dasharray="5 4"`, plotInk), "good fetches that the budget allows"})
	return p.done()
}

// budgetLine is what mayFetch says at each time.
func budgetLine(p *plot, r soakRecord) (points [][2]float64) {
	for at := soakTime(0); at.seconds() <= p.end; at += soakTime(500 * time.Millisecond) {
		rotations := 0
		for _, k := range r.Keys[1:] {
			if k.Published <= at {
				rotations++
			}
		}
		points = append(points, [2]float64{p.x(at), p.y(float64(mayFetch(time.Duration(at), rotations)))})
	}
	return points
}

// plotMemory shows the server's memory.
func plotMemory(r soakRecord) string {
	const mib = 1 << 20
	most := 0.0
	for _, s := range r.Samples {
		most = max(most, s.RSS/mib)
	}
	end := (r.Fetches[0].At + r.Length).seconds()
	p := newPlot("Memory of the server in MiB", end, math.Ceil(most/10)*10, plotTop+14, plotHeight-plotBottom)
	p.downs(r.Phases, p.base)
	p.axes("MiB", 10)
	for _, of := range []struct {
		colour string
		value  func(soakSample) float64
	}{{plotGood, func(s soakSample) float64 { return s.RSS }}, {plotBad, func(s soakSample) float64 { return s.Heap }}} {
		var points [][2]float64
		for _, s := range r.Samples {
			points = append(points, [2]float64{p.x(s.At), p.y(of.value(s) / mib)})
		}
		p.path(points, fmt.Sprintf(`stroke="%s"`, of.colour))
	}
	p.legend([2]string{fmt.Sprintf(`stroke="%s" stroke-width="2"`, plotGood), "resident"}, [2]string{fmt.Sprintf(`stroke="%s" stroke-width="2"`, plotBad), "heap"})
	return p.done()
}
