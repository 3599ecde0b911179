// Package figure writes measured numbers for readers.
package figure

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Spread is a few measurements of one thing.
type Spread struct{ Least, Median, Most float64 }

// Of returns the spread of at least one value.
func Of(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{sorted[0], (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[n-1]}
}

// Times writes seconds in the unit that suits the median: "1.62 ms (1.58–1.70)".
func (s Spread) Times() string {
	factor, unit := Unit(s.Median)
	return fmt.Sprintf("%s %s (%s–%s)", Significant(s.Median*factor), unit, Significant(s.Least*factor), Significant(s.Most*factor))
}

// Numbers writes "1,234 (1,200–1,300)".
func (s Spread) Numbers() string {
	return fmt.Sprintf("%s (%s–%s)", Grouped(s.Median), Grouped(s.Least), Grouped(s.Most))
}

// Unit returns the unit for a time, and how many of it a second has.
func Unit(seconds float64) (factor float64, unit string) {
	switch {
	case seconds < time.Millisecond.Seconds():
		return 1e6, "µs"
	case seconds < 1:
		return 1e3, "ms"
	default:
		return 1, "s"
	}
}

// Time writes seconds in the unit that suits them: "1.62 ms".
func Time(seconds float64) string {
	factor, unit := Unit(seconds)
	return Significant(seconds*factor) + " " + unit
}

// Significant writes a number with three digits, or with all before its point.
func Significant(x float64) string {
	if x <= 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(x)))
	if digits <= 0 {
		return Grouped(x)
	}
	return fmt.Sprintf("%.*f", digits, x)
}

// Grouped writes a whole number with commas.
func Grouped(x float64) string {
	text := fmt.Sprintf("%.0f", x)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// Percent writes a part of a whole.
func Percent(part, whole float64) string { return fmt.Sprintf("%.0f %%", 100*part/whole) }

// Ratio writes a factor with two digits.
func Ratio(x float64) string {
	if x >= 10 {
		unit := math.Pow(10, math.Floor(math.Log10(x))-1)
		return Grouped(math.Round(x/unit) * unit)
	}
	return fmt.Sprintf("%.1f", x)
}
