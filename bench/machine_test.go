package main

import "testing"

func TestModelName(t *testing.T) {
	tests := map[string]string{
		"processor\t: 0\nmodel name\t: Some CPU @ 3 GHz: fast\nmodel name\t: other\n": "Some CPU @ 3 GHz: fast",
		"": "unknown",
	}
	for text, want := range tests {
		if got := modelName(text); got != want {
			t.Errorf("modelName(%q) = %q, want %q", text, got, want)
		}
	}
}
