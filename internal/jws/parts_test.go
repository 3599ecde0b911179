package jws_test

import (
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
)

func TestR28Dots(t *testing.T) {
	for raw, want := range map[string]string{
		"":                               "no dots",
		"abc":                            "no dots",
		"a.b":                            "one dot",
		"a.b.c.d":                        "more than two dots",
		"a.b.c.d.e":                      "JWE",
		"a.b.c.d.e.f":                    "more than two dots",
		"..":                             "header is empty",
		strings.Repeat(".", 1<<10):       "more than two dots",
		jwstest.Encode("{}") + ".e30.AA": "no alg",
	} {
		_, err := jws.Parse(raw)
		wantFault(t, err, want)
	}
}

func TestSplitFindsThePartsWithoutMemory(t *testing.T) {
	parts, wrong := jws.Split("a.bc.def")
	if parts.Header != "a" || parts.Payload != "bc" || parts.Signature != "def" || wrong != 0 {
		t.Errorf("parts %+v, %v", parts, wrong)
	}
	for _, raw := range []string{"a.bc.def", "", strings.Repeat("x", 16<<10), strings.Repeat("x.", 8<<10), "a.b", "a.b.c.d.e"} {
		if got := testing.AllocsPerRun(10, func() { _, wrong = jws.Split(raw) }); got > 0 {
			t.Errorf("%.10s…: %v allocations", raw, got)
		}
	}
}
