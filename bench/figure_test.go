package main

import "testing"

func TestNumber(t *testing.T) {
	tests := map[float64]string{
		0: "0", 0.00123: "0.0012", 0.0543: "0.054", 1.049: "1.05", 12.34: "12.3", 123.4: "123", -1.5: "-1.50",
		999.4: "999", 1234: "1,230", 744123: "744,000", 1234567: "1,230,000", -12345: "-12,300",
	}
	for figure, want := range tests {
		if got := number(figure); got != want {
			t.Errorf("number(%v) = %q, want %q", figure, got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	tests := map[string]string{
		micro(25_706):                          "25.7",
		kibi(1382):                             "1.35",
		mebi(16 << 20):                         "16.0",
		whole(16.97):                           "17",
		whole(21_946.3):                        "21,946",
		whole(-0.2):                            "0",
		wide(spread{1000, 2000, 30000}, micro): "2.00 (1.00–30.0)",
		commas(1_000_000):                      "1,000,000",
		commas(-1_000):                         "-1,000",
		perToken(0.0021) + perToken(0):         "under 0.01under 0.01",
		perToken(1):                            "1.00",
	}
	for got, want := range tests {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
