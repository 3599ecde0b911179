package figure

import "testing"

func TestSpread(t *testing.T) {
	if got, want := Of([]float64{5, 1, 4}), (Spread{1, 4, 5}); got != want {
		t.Errorf("of three: %+v, want %+v", got, want)
	}
	if got, want := Of([]float64{8, 1, 4, 5}), (Spread{1, 4.5, 8}); got != want {
		t.Errorf("of four: %+v, want %+v", got, want)
	}
	if got, want := Of([]float64{3}), (Spread{3, 3, 3}); got != want {
		t.Errorf("of one: %+v, want %+v", got, want)
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct{ got, want string }{
		{Spread{0.00158, 0.00162, 0.0017}.Times(), "1.62 ms (1.58–1.70)"},
		{Spread{0.0000999, 0.000163, 0.0017}.Times(), "163 µs (99.9–1,700)"},
		{Spread{0.9, 1.25, 12}.Times(), "1.25 s (0.900–12.0)"},
		{Spread{999, 1234, 1234567.8}.Numbers(), "1,234 (999–1,234,568)"},
		{Grouped(-123), "-123"},
		{Grouped(-1234), "-1,234"},
		{Significant(0), "0"},
		{Significant(1000), "1,000"},
		{Significant(0.0123), "0.0123"},
		{Ratio(0.72), "0.7"},
		{Ratio(9.94), "9.9"},
		{Ratio(45.4), "45"},
		{Ratio(512), "510"},
		{Ratio(1249), "1,200"},
		{Percent(1, 8), "12 %"},
		{Time(0.00162), "1.62 ms"},
		{Time(0.0000163), "16.3 µs"},
		{Time(12), "12.0 s"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}
