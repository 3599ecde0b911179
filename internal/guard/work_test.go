package guard

import (
	"slices"
	"strings"
	"testing"
)

// The tables are read by the works' names, and works name each other by them.
func TestWorksAreNamed(t *testing.T) {
	works, err := Works()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{""}
	for _, w := range works {
		if slices.Contains(names, w.Name) || strings.Contains(w.Name, "  ") {
			t.Errorf("%q is there twice, or has two spaces", w.Name)
		}
		if !slices.Contains(names, w.Beyond) || !slices.Contains(names, w.Beside) {
			t.Errorf("%s names a work that does not stand before it: %q, %q", w.Name, w.Beyond, w.Beside)
		}
		names = append(names, w.Name)
	}
}
