package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// spread is a few measurements of one thing.
type spread struct{ least, median, most float64 }

// spreadOf returns the spread of at least one value.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{sorted[0], (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[n-1]}
}

// over returns the spread of a value of samples.
func over(samples []sample, value func(sample) float64) spread {
	var values []float64
	for _, s := range samples {
		values = append(values, value(s))
	}
	return spreadOf(values)
}

// times writes seconds in the unit that suits the median: "1.62 ms (1.58–1.70)".
func (s spread) times() string {
	factor, unit := unitOf(s.median)
	return fmt.Sprintf("%s %s (%s–%s)", significant(s.median*factor), unit, significant(s.least*factor), significant(s.most*factor))
}

// numbers writes "1,234 (1,200–1,300)".
func (s spread) numbers() string {
	return fmt.Sprintf("%s (%s–%s)", grouped(s.median), grouped(s.least), grouped(s.most))
}

// unitOf returns the unit for a time, and how many of it a second has.
func unitOf(seconds float64) (factor float64, unit string) {
	switch {
	case seconds < time.Millisecond.Seconds():
		return 1e6, "µs"
	case seconds < 1:
		return 1e3, "ms"
	default:
		return 1, "s"
	}
}

// significant writes a number with three digits, or with all before its point.
func significant(x float64) string {
	if x <= 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(x)))
	if digits <= 0 {
		return grouped(x)
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// grouped writes a whole number with commas.
func grouped(x float64) string {
	text := fmt.Sprintf("%.0f", x)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
