//go:build !race

package verifier_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
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

// allocationsOfFirst counts the allocations of one Verify of a token that v has not
// seen before.
func allocationsOfFirst(tb testing.TB, v *verifier.Verifier, alg verifier.Algorithm, key string) float64 {
	const runs = 100
	var tokens []string
	for i := range runs + 1 { // AllocsPerRun has a run for warming up
		header := goodHeader.object("alg", quote(alg.String()), "kid", quote(key))
		payload := strings.Replace(keycloakPayload, `"jti":"`, `"jti":"`+strconv.Itoa(i), 1)
		tokens = append(tokens, jwstest.Sign(jws.Algorithm(alg), signer(key), header, payload))
	}
	ctx := tb.Context()
	return testing.AllocsPerRun(runs, func() {
		if _, err := v.Verify(ctx, tokens[0]); err != nil {
			tb.Fatal(err)
		}
		tokens = tokens[1:]
	})
}

// A token takes memory for what is kept of it: the Token, its payload, its audiences
// and its entry in the cache. The rest is that of crypto/rsa.
func TestAllocVerify(t *testing.T) {
	for _, test := range []struct {
		alg  verifier.Algorithm
		key  string
		most float64
	}{
		{verifier.RS256, "rsa-2048", 9 + 3},
		{verifier.EdDSA, "ed25519", 3},
	} {
		t.Run(test.alg.String(), func(t *testing.T) {
			raw := keycloakToken(test.alg, test.key)
			if len(raw) < 1000 || len(raw) > 1800 {
				t.Fatalf("the sample has %d bytes", len(raw))
			}
			if got := allocationsOf(uncached(t, test.alg, keyOf(t, test.key, test.alg)), raw, 0, t); got > test.most {
				t.Errorf("%v allocations without cache, want at most %v", got, test.most)
			}
			v := listing(t, exactly{keyOf(t, test.key, test.alg)}, test.alg)
			if got := allocationsOfFirst(t, v, test.alg, test.key); got > test.most+1 {
				t.Errorf("%v allocations, want at most %v", got, test.most+1)
			}
			if got := allocationsOf(v, raw, 0, t); got > 0 {
				t.Errorf("%v allocations for a token that comes again", got)
			}
		})
	}
}

// A header is read once for all tokens that have it, but only after a signature under
// it was good: else whoever sends garbage would say what is remembered.
func TestAllocHeaderIsRememberedAfterAGoodSignature(t *testing.T) {
	v := uncached(t, verifier.EdDSA, keyOf(t, "ed25519", verifier.EdDSA))
	good := signed(goodHeader.object("kid", `"ed25519"`), goodPayload.object())
	forged := good[:len(good)-20] + strings.Repeat("A", 20)
	before := allocationsOf(v, forged, verifier.ErrSignature, t)
	wantAccepted(t, v, good)
	if after := allocationsOf(v, forged, verifier.ErrSignature, t); after != before-1 {
		t.Errorf("%v allocations for a forged token before there was a good one, and %v after", before, after)
	}
}

// Garbage costs its sender more than us: what has the wrong form takes no memory at
// all, and what is refused for its header is not copied.
func TestAllocRefusal(t *testing.T) {
	v := verifierWith(t)
	router, err := verifier.ByIssuer(v)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Repeat("x", 5400)
	for name, test := range map[string]struct {
		raw  string
		most float64
	}{
		"no dots":       {strings.Repeat("x", 16000), 0},
		"many dots":     {strings.Repeat(".", 16000), 0},
		"one dot":       {strings.Repeat("x", 8000) + "." + strings.Repeat("x", 8000), 0},
		"five parts":    {strings.Repeat(strings.Repeat("x", 3000)+".", 4) + "x", 0},
		"1 MiB of text": {strings.Repeat("x", 1<<20), 0},
		"1 MiB of dots": {strings.Repeat(".", 1<<20), 0},

		"three parts of letters":            {part + "." + part + "." + part, 2},
		"three parts, the first in the end": {strings.Repeat("x", 16000) + ".x.x", 2},
		"three empty parts":                 {"..", 2},
		"line breaks":                       {part + "." + part + "\n." + part, 2},
		"no base64url":                      {strings.Repeat("!", 5400) + "." + part + "." + part, 2},
		"a character too many":              {"e." + part + "." + part, 2},
		"an array":                          {jwstest.Encode("["+part) + ".x.x", 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocationsOf(v, test.raw, verifier.ErrMalformed, t); got > test.most {
				t.Errorf("%v allocations, want at most %v", got, test.most)
			}
			most := test.most
			if most > 0 {
				most++ // for what iss is read into
			}
			if got := allocationsOf(router, test.raw, verifier.ErrMalformed, t); got > most {
				t.Errorf("%v allocations through ByIssuer, want at most %v", got, most)
			}
		})
	}
}

// Looking for a token that is not there takes no memory, and hashes nothing slowly.
func TestAllocCacheMiss(t *testing.T) {
	keys := exactly{keyOf(t, "ed25519", verifier.EdDSA)}
	cached := verifierWith(t, func(c *verifier.Config) { c.Keys = keys })
	bare := verifierWith(t, func(c *verifier.Config) { c.Keys, c.CacheSize = keys, verifier.NoCache })
	wantAccepted(t, cached, tokenWith()) // so that there is a table to look in
	part := strings.Repeat("x", 5400)
	for name, raw := range map[string]string{"garbage": part + "." + part + "." + part, "no dots": part, "empty parts": ".."} {
		if with, without := allocationsOf(cached, raw, verifier.ErrMalformed, t), allocationsOf(bare, raw, verifier.ErrMalformed, t); with > without {
			t.Errorf("%s: %v allocations with the cache, %v without", name, with, without)
		}
	}
}

// nobody is an Observer that looks at nothing.
type nobody struct{}

func (nobody) Verified(context.Context, verifier.Outcome) {}

func TestAllocObserver(t *testing.T) {
	key := exactly{keyOf(t, "ed25519", verifier.EdDSA)}
	anew := func(c *verifier.Config) { c.Keys, c.CacheSize = key, verifier.NoCache }
	silent, watched := verifierWith(t, anew), verifierWith(t, anew, observedBy(nobody{}))
	raw := tokenWith()
	if without, with := allocationsOf(silent, raw, 0, t), allocationsOf(watched, raw, 0, t); with > without {
		t.Errorf("%v allocations with an observer, %v without", with, without)
	}
}

// Routing reads the payload once more, and keeps nothing of it.
func TestAllocRouting(t *testing.T) {
	key := exactly{keyOf(t, "ed25519", verifier.EdDSA)}
	direct := verifierWith(t, func(c *verifier.Config) { c.Keys, c.CacheSize = key, verifier.NoCache })
	fixed, err := verifier.ByIssuer(direct, verifierWith(t, func(c *verifier.Config) { c.Issuer = otherIssuer }))
	if err != nil {
		t.Fatal(err)
	}
	found, err := verifier.ByIssuerFunc(func(_ context.Context, iss string) (*verifier.Verifier, error) {
		if iss != issuer {
			return nil, verifier.ErrIssuer
		}
		return direct, nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	good, large := tokenWith(), tokenWith("x", `{"x":[`+strings.Repeat(`{"y":"z"},`, 900)+`1]}`)
	stranger := tokenWith("iss", `"https://stranger.example"`, "x", `[`+strings.Repeat(`{"y":"z"},`, 900)+`1]`)
	for name, router := range map[string]*verifier.Verifier{"ByIssuer": fixed, "ByIssuerFunc": found} {
		for size, raw := range map[string]string{"small": good, "large": large} {
			if bare, routed := allocationsOf(direct, raw, 0, t), allocationsOf(router, raw, 0, t); routed > bare+1 {
				t.Errorf("%s, %s: %v allocations, and %v without routing", name, size, routed, bare)
			}
		}
		if got := allocationsOf(router, stranger, verifier.ErrIssuer, t); got > 8 {
			t.Errorf("%s: a stranger costs %v allocations", name, got)
		}
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
