package main

import "slices"

// spread is what some rounds come to.
type spread struct{ low, median, high float64 }

func spreadOf(f figures) spread {
	if len(f) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(f))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return spread{sorted[0], median, sorted[len(sorted)-1]}
}

// over is one divided by another, round by round: what both have of the machine's mood in
// that round is in neither.
func (f figures) over(other figures) figures {
	ratios := make(figures, min(len(f), len(other)))
	for i := range ratios {
		ratios[i] = f[i] / other[i]
	}
	return ratios
}

// less is the difference, round by round.
func (f figures) less(other figures) figures {
	differences := make(figures, min(len(f), len(other)))
	for i := range differences {
		differences[i] = f[i] - other[i]
	}
	return differences
}
