package main

import (
	"slices"
	"testing"
)

func TestSpread(t *testing.T) {
	tests := map[string]struct {
		figures figures
		want    spread
	}{
		"none": {nil, spread{}},
		"one":  {figures{3}, spread{3, 3, 3}},
		"odd":  {figures{5, 1, 3}, spread{1, 3, 5}},
		"even": {figures{4, 1, 3, 2}, spread{1, 2.5, 4}},
	}
	for name, tt := range tests {
		if got := spreadOf(tt.figures); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestSpreadLeavesTheRoundsInOrder(t *testing.T) {
	f := figures{3, 1, 2}
	spreadOf(f)
	if !slices.Equal(f, figures{3, 1, 2}) {
		t.Errorf("the figures are %v afterwards", f)
	}
}

// A round in which the machine was half as fast has the same ratio.
func TestRatiosAreMadeWithinARound(t *testing.T) {
	library, measure := figures{20, 40, 30}, figures{10, 20, 10}
	if got := library.over(measure); !slices.Equal(got, figures{2, 2, 3}) {
		t.Errorf("ratios are %v", got)
	}
	if got := library.less(measure); !slices.Equal(got, figures{10, 20, 20}) {
		t.Errorf("differences are %v", got)
	}
}
