//go:build !race

package verifier

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
)

// abuseTokens is a number of tokens to sign and to verify, each a tenth of a
// millisecond. A million: go test -run CacheAbuse ./verifier -abuse.tokens 1000000.
var abuseTokens = flag.Int("abuse.tokens", 20_000, "how many different tokens are signed and verified")

// mostCacheMemory is what a cache of the default size may take.
const mostCacheMemory = 16 << 20

// abused is a verifier with a cache, and its issuer.
type abused struct {
	*Verifier

	signer ed25519.PrivateKey
	key    *Key
	keys   []*Key
	asked  int // how often the key set was asked
	check  error
}

func newAbused(tb testing.TB) *abused {
	tb.Helper()
	a := &abused{signer: ed25519.NewKeyFromSeed([]byte(strings.Repeat("3", ed25519.SeedSize)))}
	var err error
	if a.key, err = NewKey("kid", EdDSA, a.signer.Public()); err != nil {
		tb.Fatal(err)
	}
	a.keys = []*Key{a.key}
	a.Verifier, err = New(Config{
		Issuer: "https://id.example.com", Audience: AnyOf("todo-api"), Algorithms: []Algorithm{EdDSA}, Keys: a, Now: noon,
		Check: func(context.Context, *Token) error { return a.check },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// Keys implements [KeySet].
func (a *abused) Keys(context.Context, string, Algorithm) ([]*Key, error) {
	a.asked++
	return a.keys, nil
}

// token signs a payload with a number and other members.
func (a *abused) token(n int, members string) string {
	payload := fmt.Sprintf(`{"iss":"https://id.example.com","sub":"alice","aud":"todo-api","exp":%d,"jti":"%d"%s}`, noon().Unix()+3600, n, members)
	return jwstest.Sign(jws.EdDSA, a.signer, `{"alg":"EdDSA","kid":"kid"}`, payload)
}

func (a *abused) accepts(tb testing.TB, raw string) *Token {
	tb.Helper()
	t, err := a.Verify(tb.Context(), raw)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// enter does with a token what Verify does with one that it accepted: a million
// signatures would take minutes. It reports whether the token was known.
func (a *abused) enter(raw string, accepted *Token) bool {
	at := a.cache.visit(raw)
	if at.hit != nil {
		at.accepted(raw, at.hit.token, a.key, a.leeway)
		return true
	}
	t := *accepted
	t.payload = raw // so that it keeps as much memory
	at.accepted(raw, &t, a.key, a.leeway)
	return false
}

// mustBeBounded fails unless each shard is sound and within its limits, and the limits
// add up to no more than the cache may have.
func (a *abused) mustBeBounded(tb testing.TB) {
	tb.Helper()
	entries, bytes := 0, 0
	shards := a.cache.table.Load().shards
	for i := range shards {
		shards[i].mustBeSound(tb)
		entries, bytes = entries+shards[i].limit.entries, bytes+shards[i].limit.bytes
	}
	if entries > defaultCacheSize || bytes > mostCacheMemory {
		tb.Fatalf("%d entries and %d bytes are allowed", entries, bytes)
	}
}

// inUse is what the heap has after a collection.
func inUse() int {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A million times the same token is one entry, which is neither moved nor made again,
// and nothing is allocated for it.
func TestCacheAbuseOneTokenAMillionTimes(t *testing.T) {
	a := newAbused(t)
	raw := a.token(1, "")
	first := a.accepts(t, raw)
	entry := a.cache.visit(raw).hit
	a.asked = 0
	const times = 1_000_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if token, err := a.Verify(t.Context(), raw); token != first || err != nil {
			t.Fatalf("got another token, or %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if a.asked != times {
		t.Errorf("the key set was asked %d times for %d tokens", a.asked, times)
	}
	if entries, _ := Cached(a.Verifier); entries != 1 || a.cache.visit(raw).hit != entry {
		t.Errorf("%d entries, or another one than at first", entries)
	}
	if n := after.Mallocs - before.Mallocs; n > times/1000 {
		t.Errorf("%d allocations for %d tokens", n, times)
	}
}

// Tokens that are all different, and all good, take no more than the cache's share of
// memory, and no place from those in use: signed and verified, as many as there is
// time for, and a million through the cache alone.
func TestCacheAbuseDistinctTokens(t *testing.T) {
	t.Run("verified", func(t *testing.T) {
		a := newAbused(t)
		a.flood(t, *abuseTokens, func(n int) { a.accepts(t, a.token(n, "")) })
	})
	for name, test := range map[string]struct {
		count, length int
	}{
		"a million":            {1_000_000, 300},
		"of the greatest size": {20_000, 16 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAbused(t)
			accepted := a.accepts(t, a.token(-1, ""))
			filling := strings.Repeat("x", test.length-10)
			a.flood(t, test.count, func(n int) {
				if a.enter(fmt.Sprintf("%010d%s", n, filling), accepted) {
					t.Fatalf("token %d was known before it came", n)
				}
			})
		})
	}
}

// flood sends different tokens, and before every tenth one of some that are in use.
func (a *abused) flood(t *testing.T, count int, send func(n int)) {
	t.Helper()
	const inUseTokens = 100
	hot, known := make([]string, inUseTokens), make([]*Token, inUseTokens)
	for i := range hot {
		hot[i] = a.token(-2-i, "")
	}
	for range 2 { // the second time they are in use
		for i, raw := range hot {
			known[i] = a.accepts(t, raw)
		}
	}
	before := inUse()
	for n := range count {
		if i := n / 10 % inUseTokens; n%10 == 0 && a.accepts(t, hot[i]) != known[i] {
			t.Fatalf("token %d is in use, and was forgotten after %d others", i, n)
		}
		send(n)
		if n%(count/10) == 0 {
			a.mustBeBounded(t)
		}
	}
	a.mustBeBounded(t)
	used := inUse() - before
	entries, bytes := Cached(a.Verifier)
	t.Logf("after %d tokens %d entries are counted as %.1f MiB, and take %.1f", count, entries, float64(bytes)/(1<<20), float64(used)/(1<<20))
	if used > mostCacheMemory {
		t.Errorf("%d bytes of memory", used)
	}
	if bytes < mostCacheMemory/2 && entries < defaultCacheSize/2 {
		t.Errorf("only %d entries and %d bytes: this was no flood", entries, bytes)
	}
}

// What is not accepted does not enter, though the issuer signed it.
func TestCacheAbuseOnlyAcceptedTokensEnter(t *testing.T) {
	a := newAbused(t)
	good := a.token(0, "")
	signature := strings.LastIndexByte(good, '.') + 1
	for name, raw := range map[string]string{
		"garbage":                  "garbage",
		"two dots":                 "a.b.c",
		"another token's":          good[:signature] + a.token(1, "")[signature:],
		"a signature of zeros":     good[:signature] + jwstest.Encode(make([]byte, ed25519.SignatureSize)),
		"none":                     jwstest.Encode(`{"alg":"none"}`) + good[strings.IndexByte(good, '.'):signature],
		"not JSON":                 jwstest.Sign(jws.EdDSA, a.signer, `{"alg":"EdDSA","kid":"kid"}`, `{"iss":`),
		"a duplicate member":       a.token(2, `,"sub":"bob"`),
		"another type of a claim":  a.token(3, `,"nbf":"soon"`),
		"not yet valid":            a.token(4, fmt.Sprintf(`,"nbf":%d`, noon().Unix()+1000)),
		"issued in the future":     a.token(5, fmt.Sprintf(`,"iat":%d`, noon().Unix()+1000)),
		"bound to a key":           a.token(6, `,"cnf":{"jkt":"x"}`),
		"an ID token":              a.token(7, `,"at_hash":"x"`),
		"a refresh token":          a.token(8, `,"typ":"Refresh"`),
		"expired":                  a.signed(`{"iss":"https://id.example.com","aud":"todo-api","exp":%d}`, -1000),
		"of another issuer":        a.signed(`{"iss":"https://other.example","aud":"todo-api","exp":%d}`, 1000),
		"for another audience":     a.signed(`{"iss":"https://id.example.com","aud":"other-api","exp":%d}`, 1000),
		"without a time of expiry": jwstest.Sign(jws.EdDSA, a.signer, `{"alg":"EdDSA","kid":"kid"}`, `{"iss":"https://id.example.com","aud":"todo-api"}`),
		"too long":                 good + strings.Repeat("A", 16<<10),
	} {
		for range 3 {
			if token, err := a.Verify(t.Context(), raw); token != nil || err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if a.cache.table.Load() != nil {
			t.Fatalf("%s: something was cached", name)
		}
	}
	a.check = errors.New("not this one")
	if token, err := a.Verify(t.Context(), good); token != nil || err == nil || a.cache.table.Load() != nil {
		t.Errorf("a token that the Check refuses: got %v, or it was cached", err)
	}
	a.check = nil
	a.accepts(t, good)
	if entries, _ := Cached(a.Verifier); entries != 1 {
		t.Errorf("%d entries after a good token", entries)
	}
}

// signed signs a payload that expires some seconds after noon.
func (a *abused) signed(payload string, expires int64) string {
	return jwstest.Sign(jws.EdDSA, a.signer, `{"alg":"EdDSA","kid":"kid"}`, fmt.Sprintf(payload, noon().Unix()+expires))
}

// Who holds many good tokens cannot tell which of them share a shard: places depend on
// a secret of each cache, so those that share one here are spread there.
func TestCacheAbusePlacesCannotBeForetold(t *testing.T) {
	here, there := newTokenCache(0, noon), newTokenCache(0, noon)
	shards := len(here.made().shards)
	const count = 1600
	spread := make([]int, shards)
	for _, raw := range sharing(here, 0, count) {
		spread[there.visit(raw).place%uint64(shards)]++
	}
	for i, n := range spread {
		if n > 2*count/shards { // ten standard deviations
			t.Errorf("shard %d has %d of %d tokens", i, n, count)
		}
	}
}

// sharing returns different texts whose places are all in one shard, found by trying
// them on the cache itself.
func sharing(c *tokenCache, shard uint64, count int) []string {
	var texts []string
	shards := uint64(len(c.made().shards))
	for n := 0; len(texts) < count; n++ {
		raw := fmt.Sprintf("%0100d", n)
		if c.visit(raw).place%shards == shard {
			texts = append(texts, raw)
		}
	}
	return texts
}

// And if somebody could: all that it takes is that shard's room for newcomers. Tokens
// in use stay, there and elsewhere; what is elsewhere is not even touched.
func TestCacheAbuseAllInOneShard(t *testing.T) {
	a := newAbused(t)
	accepted := a.accepts(t, a.token(0, ""))
	shards := a.cache.table.Load().shards
	var inUse []string
	for i := range shards {
		inUse = append(inUse, sharing(a.cache, uint64(i), 100)...)
	}
	for range 2 {
		for _, raw := range inUse {
			a.enter(raw, accepted)
		}
	}
	elsewhere, _ := Cached(a.Verifier)
	elsewhere -= len(shards[0].places.all())
	for n, raw := range sharing(a.cache, 0, 100_000)[100:] {
		if a.enter(raw, accepted) {
			t.Fatalf("flooding token %d was known", n)
		}
		if n%100 == 0 && !a.enter(inUse[n/100%100], accepted) {
			t.Fatalf("a token in use was forgotten after %d others", n)
		}
	}
	a.mustBeBounded(t)
	entries, _ := Cached(a.Verifier)
	if flooded := len(shards[0].places.all()); flooded != shards[0].limit.entries || entries-flooded != elsewhere {
		t.Errorf("%d entries in the flooded shard, %d elsewhere, of which there were %d", flooded, entries-flooded, elsewhere)
	}
	for i, raw := range inUse {
		if !a.enter(raw, accepted) {
			t.Errorf("token %d is in use, and was forgotten", i)
		}
	}
}

// Tokens of one and the same place push each other out, and nobody else. None passes
// for another.
func TestCacheAbuseAllInOnePlace(t *testing.T) {
	a := newAbused(t)
	good := a.token(0, "")
	first := a.accepts(t, good)
	place := a.cache.visit(good).place + 1<<32 // of the same shard
	for n := range 10_000 {
		raw := fmt.Sprintf("%0100d", n)
		token := *first
		(visit{cache: a.cache, place: place}).accepted(raw, &token, a.key, a.leeway)
		if e := a.cache.table.Load().shard(place).places.find(place); e == nil || e.token != &token {
			t.Fatalf("token %d is not at its place", n)
		}
	}
	a.mustBeBounded(t)
	if entries, _ := Cached(a.Verifier); entries != 2 || a.accepts(t, good) != first {
		t.Errorf("%d entries, or the token in use is gone", entries)
	}
}

// The work of a newcomer is bounded by its shard: it takes marks off, one a step, and
// lets one entry go. So uses pay for the steps, and there are as many marks as entries.
func TestCacheAbuseWorkOfANewcomer(t *testing.T) {
	s := shardOf(mostShardSize, 1<<20)
	marked := func() (n int) {
		for _, e := range s.places.all() {
			if e.used.Load() {
				n++
			}
		}
		return n
	}
	for n := range uint64(mostShardSize) {
		s.uses(n)
	}
	times := 0
	clock := func() time.Time { times++; return noon() }
	marks, steps := 0, 0
	for n := range uint64(3000) {
		if n%1000 == 0 { // all come into use at once, which is the worst
			for _, e := range s.places.all() {
				e.use()
			}
			marks += mostShardSize
		}
		before := marked()
		s.keep(entryNamed(1<<32+n), clock)
		steps += before - marked()
		if len(s.places.all()) != mostShardSize {
			t.Fatalf("newcomer %d left %d entries", n, len(s.places.all()))
		}
	}
	s.mustBeSound(t)
	if steps > marks || steps < marks/2 {
		t.Errorf("%d steps for %d uses", steps, marks)
	}
	if times != 3000 {
		t.Errorf("the clock was read %d times for 3000 newcomers", times)
	}
}
