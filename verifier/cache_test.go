package verifier_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/verifier"
)

// wantCached fails unless v remembers that many tokens.
func wantCached(tb testing.TB, v *verifier.Verifier, want int) {
	tb.Helper()
	if got, _ := verifier.Cached(v); got != want {
		tb.Fatalf("%d tokens are cached, want %d", got, want)
	}
}

// wantHit fails unless v accepts raw without a look at its signature: then it returns
// the very Token of before.
func wantHit(tb testing.TB, v *verifier.Verifier, raw string, before *verifier.Token) {
	tb.Helper()
	if again := wantAccepted(tb, v, raw); again != before {
		tb.Fatal("the token was verified anew")
	}
}

// secondSigner is another Ed25519 key.
func secondSigner() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat("2", ed25519.SeedSize)))
}

func secondKey(tb testing.TB, kid string) *verifier.Key {
	tb.Helper()
	key, err := verifier.NewKey(kid, verifier.EdDSA, secondSigner().Public())
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestCacheRepeatedTokenIsVerifiedOnce(t *testing.T) {
	keys := sourceOf(keyOf(t, "ed25519", verifier.EdDSA))
	v := verifierWith(t, func(c *verifier.Config) { c.Keys = keys })
	raw := tokenWith()
	first := wantAccepted(t, v, raw)
	wantCached(t, v, 1)
	for range 5 {
		wantHit(t, v, strings.Clone(raw), first)
	}
	// The key set was asked each time, which also keeps it fresh.
	if len(keys.asked) != 6 {
		t.Errorf("asked %q", keys.asked)
	}
	for _, asked := range keys.asked {
		if asked != "ed25519 EdDSA" {
			t.Errorf("asked %q", asked)
		}
	}
}

func TestCacheIsOnUnlessSwitchedOff(t *testing.T) {
	for _, test := range []struct{ size, want int }{{0, 20}, {1, 1}, {3, 3}, {100, 20}, {1 << 20, 20}, {verifier.NoCache, 0}} {
		v := verifierWith(t, func(c *verifier.Config) { c.CacheSize = test.size })
		for i := range 20 {
			raw := tokenWith("sub", quote(strings.Repeat("x", i+1)))
			wantAccepted(t, v, raw)
			wantAccepted(t, v, raw)
		}
		got, _ := verifier.Cached(v)
		if got != test.want {
			t.Errorf("size %d: %d tokens are cached, want %d", test.size, got, test.want)
		}
	}
}

func TestCacheSizeIsChecked(t *testing.T) {
	for _, size := range []int{-2, 1<<20 + 1} {
		c := config(t)
		c.CacheSize = size
		if _, err := verifier.New(c); err == nil || !strings.Contains(err.Error(), "Config.CacheSize") {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

// R105: the cache goes by the whole token. Whoever knows one, but not the issuer's key,
// gains nothing from its being cached.
func TestR105CacheKeyIsTheWholeToken(t *testing.T) {
	v := verifierWith(t)
	raw := tokenWith()
	first := wantAccepted(t, v, raw)
	wantHit(t, v, raw, first)
	for i := range len(raw) {
		changed := raw[:i] + string(raw[i]^1) + raw[i+1:]
		if token, err := v.Verify(t.Context(), changed); token != nil || err == nil {
			t.Fatalf("accepted with character %d changed", i)
		}
	}
	for name, other := range map[string]string{
		"claims of a cached token, unsigned":     jwstest.Encode(`{"alg":"none"}`) + "." + strings.Split(raw, ".")[1] + ".",
		"claims of a cached token, other key":    jwstest.Sign(jws.EdDSA, secondSigner(), goodHeader.object(), goodPayload.object()),
		"cut":                                    raw[:len(raw)-1],
		"longer":                                 raw + "A",
		"padded":                                 raw + "=",
		"a line break, which some decoders skip": raw + "\n",
	} {
		if token, err := v.Verify(t.Context(), other); token != nil || err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// One more token with these very claims is another entry.
	if same := wantAccepted(t, v, headerWith("typ", `"JWT"`)); same == first {
		t.Error("two tokens shared an entry")
	}
	wantCached(t, v, 2)
}

// R105: a collision of the fast hash, by which an entry is found, changes nothing.
func TestR105CollisionOfTheFastHash(t *testing.T) {
	v := verifierWith(t)
	alice, bob := tokenWith(), tokenWith("sub", `"bob"`)
	forged := bob[:len(bob)-86] + jwstest.Encode(make([]byte, 64))
	wantAccepted(t, v, alice)
	verifier.Collide(v, alice, forged)
	wantRefused(t, v, forged, verifier.ErrSignature)
	wantAccepted(t, v, alice)
	verifier.Collide(v, alice, bob)
	if token := wantAccepted(t, v, bob); token.Subject() != "bob" {
		t.Errorf("bob's token gave %v", token)
	}
}

// R105: nothing that was refused is remembered, so what mends is accepted at once.
func TestR105RefusalsAreNotCached(t *testing.T) {
	key := keyOf(t, "ed25519", verifier.EdDSA)
	keys := sourceOf()
	var refusal error
	now := time.Unix(expires+31, 0)
	v := verifierWith(t, func(c *verifier.Config) {
		c.Keys = keys
		c.Check = func(context.Context, *verifier.Token) error { return refusal }
		c.Now = func() time.Time { return now }
	})
	raw := tokenWith()
	wantRefused(t, v, raw, verifier.ErrUnknownKey)
	keys.err = verifier.ErrKeysUnavailable
	wantRefused(t, v, raw, verifier.ErrKeysUnavailable)
	keys.err, keys.keys = nil, []*verifier.Key{secondKey(t, "ed25519")}
	wantRefused(t, v, raw, verifier.ErrSignature)
	keys.keys = []*verifier.Key{key}
	wantRefused(t, v, raw, verifier.ErrExpired)
	now, refusal = time.Unix(expires, 0), errors.New("not this one")
	wantRefused(t, v, raw, verifier.ErrClaim)
	wantRefused(t, v, "garbage", verifier.ErrMalformed)
	wantCached(t, v, 0)
	refusal = nil
	wantAccepted(t, v, raw)
	wantCached(t, v, 1)
}

// R75: a token dies with its key, though its signature was found good before.
func TestR75AbsentKeyIsRevokedForCachedTokens(t *testing.T) {
	key := keyOf(t, "ed25519", verifier.EdDSA)
	for name, test := range map[string]struct {
		after []*verifier.Key
		want  verifier.Kind
	}{
		"removed":               {nil, verifier.ErrUnknownKey},
		"removed, another left": {[]*verifier.Key{secondKey(t, "second")}, verifier.ErrUnknownKey},
		"another under its kid": {[]*verifier.Key{secondKey(t, "ed25519")}, verifier.ErrSignature},
		"under another kid":     {[]*verifier.Key{keyNamed(t, "x", "ed25519", verifier.EdDSA)}, verifier.ErrUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			keys := sourceOf(key)
			v := verifierWith(t, func(c *verifier.Config) { c.Keys = keys })
			raw := tokenWith()
			wantHit(t, v, raw, wantAccepted(t, v, raw))
			keys.keys = test.after
			wantRefused(t, v, raw, test.want)
			wantCached(t, v, 0)
			wantRefused(t, v, raw, test.want)
			keys.keys = []*verifier.Key{key}
			wantAccepted(t, v, raw)
		})
	}
}

// R75, R41: a key whose JWK now states another algorithm is another key.
func TestR75ChangedAlgIsRevokedForCachedTokens(t *testing.T) {
	keys := sourceOf(keyOf(t, "rsa-2048", 0))
	v := listing(t, keys, verifier.RS256, verifier.PS256)
	raw := signedBy(verifier.RS256, "rsa-2048")
	wantHit(t, v, raw, wantAccepted(t, v, raw))
	keys.keys = []*verifier.Key{keyOf(t, "rsa-2048", verifier.PS256)}
	wantRefused(t, v, raw, verifier.ErrUnknownKey)
	wantCached(t, v, 0)

	// The source may return more than it was asked for; the verifier binds the key.
	v = listing(t, answering(keys), verifier.RS256, verifier.PS256)
	keys.keys = []*verifier.Key{keyOf(t, "rsa-2048", verifier.RS256)}
	wantHit(t, v, raw, wantAccepted(t, v, raw))
	keys.keys = []*verifier.Key{keyOf(t, "rsa-2048", verifier.PS256)}
	wantRefused(t, v, raw, verifier.ErrUnknownKey)
}

// answering makes a KeySet of a source that returns all of its keys for any question.
func answering(s *source) verifier.KeySet { return allKeys{s} }

type allKeys struct{ s *source }

func (a allKeys) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	return a.s.keys, a.s.err
}

// An outage of the source is no reason to forget a token.
func TestCacheOutlivesAnOutage(t *testing.T) {
	keys := sourceOf(keyOf(t, "ed25519", verifier.EdDSA))
	v := verifierWith(t, func(c *verifier.Config) { c.Keys = keys })
	raw := tokenWith()
	first := wantAccepted(t, v, raw)
	keys.err = verifier.ErrKeysUnavailable
	wantRefused(t, v, raw, verifier.ErrKeysUnavailable)
	keys.err = nil
	wantHit(t, v, raw, first)
}

func TestCacheEntryDiesWithTheToken(t *testing.T) {
	now := time.Unix(expires, 0).Add(30*time.Second - 1) // the leeway's last moment
	v := verifierWith(t, func(c *verifier.Config) { c.Now = func() time.Time { return now } })
	raw := tokenWith()
	wantHit(t, v, raw, wantAccepted(t, v, raw))
	now = now.Add(1)
	wantRefused(t, v, raw, verifier.ErrExpired)
	wantCached(t, v, 0)
}

func TestCacheRunsCheckOnEveryUse(t *testing.T) {
	calls := 0
	var refusal error
	v := verifierWith(t, func(c *verifier.Config) {
		c.Check = func(_ context.Context, t *verifier.Token) error {
			calls++
			if t.Subject() != "alice" {
				return errors.New("another token")
			}
			return refusal
		}
	})
	raw := tokenWith()
	first := wantAccepted(t, v, raw)
	wantHit(t, v, raw, first)
	refusal = verifier.ErrForbidden
	if _, err := v.Verify(t.Context(), raw); !errors.Is(err, verifier.ErrForbidden) {
		t.Errorf("got %v", err)
	}
	refusal = nil
	wantHit(t, v, raw, first)
	if calls != 4 {
		t.Errorf("%d calls of Check", calls)
	}
}

// What a caller does with a Token changes no other caller's.
func TestCachedTokenCannotBeChanged(t *testing.T) {
	v := verifierWith(t)
	raw := tokenWith("aud", `["todo-api","other"]`)
	token := wantAccepted(t, v, raw)
	token.Audience()[0] = "changed"
	token.Scopes()[0] = "changed"
	claims, err := verifier.Claims[map[string]any](token)
	if err != nil {
		t.Fatal(err)
	}
	claims["sub"] = "mallory"
	again := wantAccepted(t, v, raw)
	fresh, err := verifier.Claims[map[string]any](again)
	if err != nil {
		t.Fatal(err)
	}
	if again.Audience()[0] != "todo-api" || !again.HasScope("todos:read") || again.Scopes()[0] != "todos:read" || fresh["sub"] != "alice" {
		t.Errorf("changed: %v %v %v", again.Audience(), again.Scopes(), fresh)
	}
}

// Explain walks the whole road, and keeps nothing.
func TestExplainDoesNotUseTheCache(t *testing.T) {
	v := verifierWith(t)
	raw := tokenWith()
	if !v.Explain(t.Context(), raw).Accepted {
		t.Fatal("refused")
	}
	wantCached(t, v, 0)
	wantAccepted(t, v, raw)
	r := v.Explain(t.Context(), raw)
	if !r.Accepted || r.Token.Algorithm != "EdDSA" {
		t.Errorf("report %+v of a cached token", r.Token)
	}
}

func TestObserverIsToldOfCachedTokens(t *testing.T) {
	told := &outcomes{}
	v := verifierWith(t, observedBy(told))
	raw := tokenWith()
	for range 3 {
		wantAccepted(t, v, raw)
		if o := told.last(t); o.Kind != 0 || o.Issuer != issuer {
			t.Errorf("told %+v", o)
		}
	}
}

// Two issuers' verifiers share nothing, though their keys have one kid.
func TestCacheIsOfOneIssuer(t *testing.T) {
	router, _, _ := twoIssuers(t)
	raw := jwstest.Sign(jws.EdDSA, signer("ed25519"), `{"alg":"EdDSA","kid":"shared"}`, goodPayload.object())
	first := wantAccepted(t, router, raw)
	wantHit(t, router, raw, first)
	wantRefused(t, router, jwstest.Sign(jws.EdDSA, signer("ed25519"), `{"alg":"EdDSA","kid":"shared"}`,
		goodPayload.object("iss", quote(otherIssuer))), verifier.ErrUnknownKey)
}

// Many callers with few tokens, a small cache and a key that comes and goes: no
// answer is wrong. The race detector watches.
func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	keys := &flippingKeys{keys: []*verifier.Key{keyOf(t, "ed25519", verifier.EdDSA)}}
	v := verifierWith(t, func(c *verifier.Config) { c.Keys, c.CacheSize = keys, 4 })
	var tokens []string
	for i := range 12 {
		tokens = append(tokens, tokenWith("sub", quote(strings.Repeat("x", i+1))))
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 300 {
				n := (i*(worker+1) + worker) % len(tokens)
				token, err := v.Verify(t.Context(), tokens[n])
				if err != nil && verifier.KindOf(err) != verifier.ErrUnknownKey || err == nil && len(token.Subject()) != n+1 {
					t.Errorf("got %v, %v", token, err)
				}
			}
		})
	}
	group.Wait()
	if entries, _ := verifier.Cached(v); entries > 4 {
		t.Errorf("%d entries", entries)
	}
}

// flippingKeys has its keys nine times of ten.
type flippingKeys struct {
	keys []*verifier.Key

	mu    sync.Mutex // guards what follows
	calls int
}

func (f *flippingKeys) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.calls%10 == 0 {
		return nil, nil
	}
	return f.keys, nil
}
