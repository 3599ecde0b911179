package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/bearerproof/bearerproof/bench/internal/figure"
)

// number writes a figure with three digits and, from a thousand on, with commas.
func number(x float64) string {
	switch size := math.Abs(x); {
	case size == 0:
		return "0"
	case size < 0.01:
		return strconv.FormatFloat(x, 'f', 4, 64)
	case size < 0.1:
		return strconv.FormatFloat(x, 'f', 3, 64)
	case size < 10:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case size < 100:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case size < 1000:
		return strconv.FormatFloat(x, 'f', 0, 64)
	default:
		digits := math.Pow(10, math.Floor(math.Log10(size))-2)
		return commas(int64(math.Round(x/digits) * digits))
	}
}

func commas(n int64) string { return figure.Grouped(float64(n)) }

// whole writes a count that is a whole number in truth, with what collections and fetches
// in the background add.
func whole(count float64) string { return commas(int64(math.Round(count))) }

// micro writes nanoseconds in microseconds.
func micro(ns float64) string { return number(ns / 1000) }

// kibi and mebi write octets.
func kibi(octets float64) string { return number(octets / (1 << 10)) }
func mebi(octets float64) string { return number(octets / (1 << 20)) }

// wide writes a spread, in a unit.
func wide(of spread, unit func(float64) string) string {
	return fmt.Sprintf("%s (%s–%s)", unit(of.median), unit(of.low), unit(of.high))
}
