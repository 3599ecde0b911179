package verifier_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/verifier"
)

// world is all that the answer about a token depends on besides the token. Two
// verifiers that live in one world must answer alike.
type world struct {
	now     time.Time
	keys    []*verifier.Key
	broad   bool // the source returns all keys of a kid, whatever they are for
	outage  error
	refusal error  // of Check, for one subject
	denied  string // that subject, or "*"
}

func (w *world) clock() time.Time { return w.now }

func (w *world) check(_ context.Context, t *verifier.Token) error {
	if w.denied == "*" || w.denied == t.Subject() {
		return w.refusal
	}
	return nil
}

// asking is a KeySet of the world's keys that remembers what one verifier asked.
type asking struct {
	*world

	asked []string
}

func (a *asking) Keys(_ context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	a.asked = append(a.asked, kid+" "+alg.String())
	return a.find(kid, alg)
}

func (a *asking) Recheck() { a.asked = append(a.asked, "recheck") }

func (w *world) find(kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	if w.outage != nil {
		return nil, w.outage
	}
	var fit []*verifier.Key
	for _, key := range w.keys {
		if (kid == "" || key.ID() == kid) && (w.broad || key.Fits(alg)) {
			fit = append(fit, key)
		}
	}
	return fit, nil
}

// worldVerifier returns a verifier that lives in the world.
func worldVerifier(tb testing.TB, w *world, size int) (*verifier.Verifier, *asking) {
	keys := &asking{world: w}
	return verifierWith(tb, func(c *verifier.Config) {
		c.Keys, c.Now, c.Check, c.CacheSize = keys, w.clock, w.check, size
		c.Algorithms = []verifier.Algorithm{verifier.EdDSA, verifier.Ed25519, verifier.RS256, verifier.PS256}
	}), keys
}

// poolToken is a token and the name of the key that signed it.
type poolToken struct {
	raw string
	by  *verifier.Key
	kid string
	alg verifier.Algorithm
}

// tokenPool has tokens that differ in key, algorithm, kid, times and subject, good
// and bad ones.
func tokenPool(tb testing.TB) []poolToken {
	tb.Helper()
	first, second, rsa := keyOf(tb, "ed25519", 0), secondKey(tb, "ed25519"), keyOf(tb, "rsa-2048", 0)
	var pool []poolToken
	add := func(by *verifier.Key, kid string, alg verifier.Algorithm, changes ...string) {
		header := goodHeader.object("alg", quote(alg.String()), "kid", map[bool]string{true: quote(kid)}[kid != ""])
		payload := goodPayload.object(changes...)
		private := signer("ed25519")
		switch by {
		case second:
			private = secondSigner()
		case rsa:
			private = signer("rsa-2048")
		}
		pool = append(pool, poolToken{jwstest.Sign(jws.Algorithm(alg), private, header, payload), by, kid, alg})
	}
	for _, subject := range []string{"alice", "bob"} {
		sub := []string{"sub", quote(subject)}
		add(first, "ed25519", verifier.EdDSA, sub...)
		add(first, "ed25519", verifier.Ed25519, sub...)
		add(first, "", verifier.EdDSA, sub...)
		add(second, "ed25519", verifier.EdDSA, sub...)
		add(second, "other", verifier.EdDSA, sub...)
		add(rsa, "rsa-2048", verifier.RS256, sub...)
		add(rsa, "rsa-2048", verifier.PS256, sub...)
		add(rsa, "", verifier.RS256, sub...)
	}
	add(first, "ed25519", verifier.EdDSA, "exp", fmt.Sprint(issued+60))
	add(first, "ed25519", verifier.EdDSA, "nbf", fmt.Sprint(issued+300))
	add(first, "ed25519", verifier.EdDSA, "aud", `"another"`)
	add(first, "ed25519", verifier.EdDSA, "iss", `"https://other.example"`)
	add(first, "ed25519", verifier.EdDSA, "cnf", `{"jkt":"x"}`)
	add(first, "unknown", verifier.EdDSA)
	return pool
}

// keyPool has the keys that the world's set is made from: one key under several
// algorithms and kids, and several under one kid.
func keyPool(tb testing.TB) []*verifier.Key {
	tb.Helper()
	return []*verifier.Key{
		keyOf(tb, "ed25519", 0), keyOf(tb, "ed25519", verifier.EdDSA), keyOf(tb, "ed25519", verifier.Ed25519),
		keyNamed(tb, "other", "ed25519", verifier.EdDSA), keyNamed(tb, "", "ed25519", verifier.EdDSA),
		secondKey(tb, "ed25519"), secondKey(tb, "other"), secondKey(tb, ""),
		keyOf(tb, "rsa-2048", 0), keyOf(tb, "rsa-2048", verifier.RS256), keyOf(tb, "rsa-2048", verifier.PS256),
		keyNamed(tb, "rsa-2048", "rsa-3072", verifier.RS256), keyNamed(tb, "", "rsa-2048", verifier.RS256),
	}
}

// step changes the world in one way, and says which.
func (w *world) step(random *rand.Rand, keys []*verifier.Key) string {
	switch random.IntN(9) {
	case 0: // the clock goes on, is set back, or stands at an edge
		edges := []int64{issued - 31, issued, issued + 89, issued + 90, issued + 269, issued + 270, issued + 1000, expires + 29, expires + 30, expires + 1000}
		w.now = time.Unix(edges[random.IntN(len(edges))], 0)
		return "clock " + w.now.UTC().Format(time.TimeOnly)
	case 1: // a key comes
		key := keys[random.IntN(len(keys))]
		w.keys = append(slices.Clone(w.keys), key)
		return "publish " + key.ID() + " " + key.Algorithm().String()
	case 2: // a key goes
		if len(w.keys) == 0 {
			return "no key to withdraw"
		}
		i := random.IntN(len(w.keys))
		w.keys = slices.Delete(slices.Clone(w.keys), i, i+1)
		return fmt.Sprint("withdraw ", i)
	case 3: // a rotation, or a set made anew
		w.keys = nil
		for range 1 + random.IntN(7) {
			w.keys = append(w.keys, keys[random.IntN(len(keys))])
		}
		return fmt.Sprintf("%d new keys", len(w.keys))
	case 4: // a key's JWK states another alg
		if len(w.keys) == 0 {
			return "no key to change"
		}
		w.keys = slices.Clone(w.keys)
		i := random.IntN(len(w.keys))
		same := slices.Clone(keys)
		same = slices.DeleteFunc(same, func(k *verifier.Key) bool {
			return k.ID() != w.keys[i].ID() || k.Thumbprint() != w.keys[i].Thumbprint()
		})
		w.keys[i] = same[random.IntN(len(same))]
		return fmt.Sprintf("key %d is for %q now", i, w.keys[i].Algorithm())
	case 5:
		w.outage = []error{nil, nil, verifier.ErrKeysUnavailable, errors.New("broken")}[random.IntN(4)]
		return fmt.Sprint("outage ", w.outage)
	case 6:
		w.denied = []string{"", "", "alice", "*"}[random.IntN(4)]
		w.refusal = []error{errors.New("no"), verifier.ErrForbidden, verifier.ErrUnavailable, verifier.ErrExpired}[random.IntN(4)]
		return fmt.Sprintf("check denies %q: %v", w.denied, w.refusal)
	default: // back to where most tokens are good
		w.now, w.outage, w.denied = time.Unix(issued+100, 0), nil, ""
		w.keys = []*verifier.Key{keys[0], keys[6], keys[9]}
		return "a good world"
	}
}

// verifying is what is compared: a Verifier, or a copy with a flaw.
type verifying interface {
	Verify(ctx context.Context, raw string) (*verifier.Token, error)
}

// answer is all that a caller can tell of an answer.
func answer(tb testing.TB, v verifying, raw string) string {
	token, err := v.Verify(tb.Context(), raw)
	if err != nil {
		return fmt.Sprintf("%v, %v, %t", err, verifier.KindOf(err), token == nil)
	}
	claims, err := verifier.Claims[map[string]any](token)
	if err != nil {
		tb.Fatal(err)
	}
	payload, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%v %v %v %v %v %v %s", token, token.Type(), token.Algorithm(), token.Audience(), token.Scopes(), token.NotBefore(), payload)
}

// difference runs a random history through both, and returns the first difference
// with the story that led to it, or "". The hits are counted.
func difference(tb testing.TB, seed uint64, w *world, tested, reference verifying, tokens []poolToken, keys []*verifier.Key) string {
	random := rand.New(rand.NewPCG(seed, 104))
	story := ""
	favourite := tokens[random.IntN(len(tokens))]
	for range 120 {
		if random.IntN(3) == 0 {
			story += w.step(random, keys) + "; "
			continue
		}
		if random.IntN(4) == 0 {
			favourite = tokens[random.IntN(len(tokens))]
		}
		one, other := answer(tb, tested, favourite.raw), answer(tb, reference, favourite.raw)
		if one != other {
			return fmt.Sprintf("seed %d: %s\nthen got %s\nand without cache %s", seed, story, one, other)
		}
		story += fmt.Sprintf("token %d; ", slices.Index(tokens, favourite))
	}
	return ""
}

// R104: with and without the cache, any sequence of tokens, clock steps, rotations,
// removals, changed keys, outages and policies gives the same answers and asks the
// source of keys the same questions.
func TestR104CacheChangesNoAnswer(t *testing.T) {
	tokens, keys := tokenPool(t), keyPool(t)
	hits := 0
	for seed := range uint64(150) {
		w := &world{now: time.Unix(issued+100, 0), keys: keys[:1], broad: seed%8 >= 4}
		size := []int{0, 1, 3, 8}[seed%4]
		cached, askedCached := worldVerifier(t, w, size)
		bare, askedBare := worldVerifier(t, w, verifier.NoCache)
		counted := &countingHits{v: cached, before: map[*verifier.Token]bool{}}
		if d := difference(t, seed, w, counted, bare, tokens, keys); d != "" {
			t.Fatal(d)
		}
		if !slices.Equal(askedCached.asked, askedBare.asked) {
			t.Fatalf("seed %d: asked\n%q with the cache and\n%q without", seed, askedCached.asked, askedBare.asked)
		}
		hits += counted.hits
	}
	if hits < 1000 {
		t.Errorf("%d hits: the test tests nothing", hits)
	}
	t.Logf("%d hits", hits)
}

// countingHits counts the answers that were a Token of before.
type countingHits struct {
	v      *verifier.Verifier
	before map[*verifier.Token]bool
	hits   int
}

func (c *countingHits) Verify(ctx context.Context, raw string) (*verifier.Token, error) {
	token, err := c.v.Verify(ctx, raw)
	if err == nil && c.before[token] {
		c.hits++
	}
	c.before[token] = true
	return token, err
}

// flaw is what a bad cache forgets.
type flaw string

const (
	sound       flaw = "nothing"
	notToKey    flaw = "the key: any key under the kid will do"
	notToTime   flaw = "the times"
	notToCheck  flaw = "Check"
	notToAlg    flaw = "alg: the key may be for another algorithm"
	notToTheSet flaw = "the set: a key stays good for ever"
)

// flawedCache is a simple cache in front of a verifier, with one of the bugs that such
// caches have.
type flawedCache struct {
	flaw   flaw
	world  *world
	v      *verifier.Verifier
	tokens []poolToken
	kept   map[string]*verifier.Token
}

func (f *flawedCache) Verify(ctx context.Context, raw string) (*verifier.Token, error) {
	if token := f.kept[raw]; token != nil && f.holds(ctx, raw, token) {
		return token, nil
	}
	token, err := f.v.Verify(ctx, raw)
	if err == nil {
		f.kept[raw] = token
	}
	return token, err
}

// holds is what a hit must ask, but for the flaw.
func (f *flawedCache) holds(ctx context.Context, raw string, token *verifier.Token) bool {
	of := f.tokens[slices.IndexFunc(f.tokens, func(p poolToken) bool { return p.raw == raw })]
	leeway, now := 30*time.Second, f.world.now
	timely := now.Before(token.ExpiresAt().Add(leeway)) && !now.Add(leeway).Before(token.NotBefore()) && !now.Add(leeway).Before(token.IssuedAt())
	return (timely || f.flaw == notToTime) &&
		(f.world.check(ctx, token) == nil || f.flaw == notToCheck) &&
		(f.keyHolds(of) || f.flaw == notToTheSet)
}

func (f *flawedCache) keyHolds(of poolToken) bool {
	if f.world.outage != nil {
		return false
	}
	bound := 0
	for _, key := range f.world.keys {
		first := key.Algorithm()
		if first == 0 {
			first = verifier.EdDSA
			if !key.Fits(first) {
				first = verifier.RS256
			}
		}
		fits := key.Fits(of.alg) && (first == of.alg || first == verifier.EdDSA && of.alg == verifier.Ed25519 || first == verifier.Ed25519 && of.alg == verifier.EdDSA)
		if of.kid != "" && key.ID() != of.kid || !fits && f.flaw != notToAlg {
			continue
		}
		if bound++; bound > 4 {
			return false
		}
		if key.Thumbprint() == of.by.Thumbprint() || f.flaw == notToKey {
			return of.kid != "" || len(f.world.keys) <= 4
		}
	}
	return false
}

// The test above finds what a cache can forget. A cache that forgets nothing passes.
func TestR104DifferenceIsFound(t *testing.T) {
	tokens, keys := tokenPool(t), keyPool(t)
	for _, flaw := range []flaw{sound, notToKey, notToTime, notToCheck, notToAlg, notToTheSet} {
		found := ""
		for seed := uint64(0); seed < 50 && found == ""; seed++ {
			w := &world{now: time.Unix(issued+100, 0), keys: keys[:1], broad: seed%8 >= 4}
			inner, _ := worldVerifier(t, w, verifier.NoCache)
			bare, _ := worldVerifier(t, w, verifier.NoCache)
			tested := &flawedCache{flaw, w, inner, tokens, map[string]*verifier.Token{}}
			found = difference(t, seed, w, tested, bare, tokens, keys)
		}
		if (found != "") != (flaw != sound) {
			t.Errorf("a cache that forgets %s: difference %q", flaw, found)
		}
	}
}
