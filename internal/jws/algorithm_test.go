package jws_test

import (
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
)

func TestR31NamesAreComparedExactly(t *testing.T) {
	for _, s := range samples {
		name := s.alg.String()
		if got := jws.Named(name); got != s.alg {
			t.Errorf("Named(%q) = %v", name, got)
		}
		for _, wrong := range []string{strings.ToLower(name), strings.ToUpper(name), name + " ", " " + name, name[:len(name)-1], name + "\x00"} {
			if got := jws.Named(wrong); got != 0 && wrong != name {
				t.Errorf("Named(%q) = %v", wrong, got)
			}
		}
	}
	for _, none := range []string{"", "none", "HS256", "RSA1_5", "ES256K"} {
		if got := jws.Named(none); got != 0 {
			t.Errorf("Named(%q) = %v", none, got)
		}
	}
	if jws.Algorithm(0).String() != "" || jws.Algorithm(200).String() != "" {
		t.Error("what is no algorithm has a name")
	}
}

func TestOnlyEdDSAAndEd25519AreTheSame(t *testing.T) {
	for _, a := range samples {
		for _, b := range samples {
			want := a.alg == b.alg || a.key == "ed25519" && b.key == "ed25519"
			if got := a.alg.Same(b.alg); got != want {
				t.Errorf("%v same as %v: %t", a.alg, b.alg, got)
			}
		}
	}
}
