package main

import "github.com/bearerproof/bearerproof/bench/internal/figure"

// spread is what some rounds come to.
type spread struct{ low, median, high float64 }

func spreadOf(f figures) spread {
	if len(f) == 0 {
		return spread{}
	}
	of := figure.Of(f)
	return spread{of.Least, of.Median, of.Most}
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
