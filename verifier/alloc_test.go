//go:build !race

package verifier_test

import (
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/verifier"
)

// allocationsOf counts the allocations of one Verify, accepted or not.
func allocationsOf(v *verifier.Verifier, raw string, want verifier.Kind, tb testing.TB) float64 {
	ctx := tb.Context()
	return testing.AllocsPerRun(100, func() {
		if _, err := v.Verify(ctx, raw); verifier.KindOf(err) != want {
			tb.Fatalf("got %v, want kind %s", err, want.String())
		}
	})
}

func TestAllocVerify(t *testing.T) {
	for _, test := range []struct {
		alg  verifier.Algorithm
		key  string
		most float64
	}{
		{verifier.RS256, "rsa-2048", 18},
		{verifier.EdDSA, "ed25519", 8},
	} {
		t.Run(test.alg.String(), func(t *testing.T) {
			raw := keycloakToken(test.alg, test.key)
			if len(raw) < 1000 || len(raw) > 1800 {
				t.Fatalf("the sample has %d bytes", len(raw))
			}
			v := listing(t, exactly{keyOf(t, test.key, test.alg)}, test.alg)
			if got := allocationsOf(v, raw, 0, t); got > test.most {
				t.Errorf("%v allocations, want at most %v", got, test.most)
			}
		})
	}
}

// Garbage costs its sender more than us: what is refused here was not copied.
func TestAllocRefusal(t *testing.T) {
	v := verifierWith(t)
	for name, test := range map[string]struct {
		raw  string
		most float64
	}{
		"no dots":       {strings.Repeat("x", 16000), 3},
		"many dots":     {strings.Repeat(".", 16000), 3},
		"one dot":       {strings.Repeat("x", 8000) + "." + strings.Repeat("x", 8000), 3},
		"five parts":    {strings.Repeat(strings.Repeat("x", 3000)+".", 4) + "x", 3},
		"1 MiB of text": {strings.Repeat("x", 1<<20), 5},
		"1 MiB of dots": {strings.Repeat(".", 1<<20), 5},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocationsOf(v, test.raw, verifier.ErrMalformed, t); got > test.most {
				t.Errorf("%v allocations, want at most %v", got, test.most)
			}
		})
	}
}

func TestAllocHasScope(t *testing.T) {
	token := wantAccepted(t, verifierWith(t), tokenWith())
	check := verifier.Scopes("todos:read", "todos:write")
	if got := testing.AllocsPerRun(100, func() {
		if check(t.Context(), token) != nil {
			t.Fatal("refused")
		}
	}); got > 0 {
		t.Errorf("a satisfied Scopes allocates %v times", got)
	}
}
