package main

import "testing"

func TestSpread(t *testing.T) {
	if got, want := spreadOf([]float64{5, 1, 4}), (spread{1, 4, 5}); got != want {
		t.Errorf("of three: %+v, want %+v", got, want)
	}
	if got, want := spreadOf([]float64{8, 1, 4, 5}), (spread{1, 4.5, 8}); got != want {
		t.Errorf("of four: %+v, want %+v", got, want)
	}
	if got, want := spreadOf([]float64{3}), (spread{3, 3, 3}); got != want {
		t.Errorf("of one: %+v, want %+v", got, want)
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct{ got, want string }{
		{spread{0.00158, 0.00162, 0.0017}.times(), "1.62 ms (1.58–1.70)"},
		{spread{0.0000999, 0.000163, 0.0017}.times(), "163 µs (99.9–1,700)"},
		{spread{0.9, 1.25, 12}.times(), "1.25 s (0.900–12.0)"},
		{spread{999, 1234, 1234567.8}.numbers(), "1,234 (999–1,234,568)"},
		{significant(0), "0"},
		{significant(1000), "1,000"},
		{significant(0.0123), "0.0123"},
		{ratio(0.72), "0.7"},
		{ratio(9.94), "9.9"},
		{ratio(45.4), "45"},
		{ratio(512), "510"},
		{ratio(1249), "1,200"},
		{percent(1, 8), "12 %"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}
