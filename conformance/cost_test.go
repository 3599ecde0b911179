//go:build !race

package conformance

import (
	"cmp"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/verifier"
)

// The most that one token may cost.
const (
	mostRead      = 16 << 10 // bytes, which is the default of Config.MaxTokenBytes
	mostAllocated = 64 << 10 // bytes, beside those of the signature checks
	// The payload is read after the signature only, so it is the issuer's. To find
	// duplicates among its names, encoding/json/v2 keeps them, some hundred bytes each.
	mostForSigned = 256 << 10 // bytes, for a token with a good signature
	mostChecks    = 4         // signature checks
)

// cost is what one call of Verify takes.
type cost struct {
	row       Row
	read      int // bytes of the token
	allocated int // bytes
	checking  int // the bytes among these that the packages below crypto allocate
	checks    int // signatures
	signed    bool
	lookUps   int
}

// TestR37AttacksCostLittle bounds the cost of every attack.
//
// What crypto/rsa allocates for a key of more than 2048 bits is Go's affair, and the
// issuer's, who chose the key: it is measured and taken off. Signature checks are not
// counted one by one, because nothing inside of the verifier can be replaced for that.
// What is counted are the keys that the key set hands out, and that it is asked once
// at the most; the rows "four keys of one kid, the last right" and "five keys of one
// kid, the last right" show that no more than four of them are tried.
func TestR37AttacksCostLittle(t *testing.T) {
	var costs []cost
	for _, row := range rows(t) {
		c := measure(t, row)
		costs = append(costs, c)
		most := mostAllocated
		if c.signed {
			most = mostForSigned
		}
		if c.read > mostRead || c.own() > most || c.lookUps > 1 {
			t.Errorf("%s: %d bytes read, %d allocated, %d look-ups", row.Name, c.read, c.own(), c.lookUps)
		}
	}
	for _, axis := range []struct {
		name string
		of   func(cost) int
	}{
		{"bytes read", func(c cost) int { return c.read }},
		{"bytes allocated without a good signature", cost.strangers},
		{"bytes allocated", cost.own},
		{"bytes allocated, signature checks included", func(c cost) int { return c.allocated }},
		{"signature checks", func(c cost) int { return c.checks }},
	} {
		worst := slices.MaxFunc(costs, func(a, b cost) int { return cmp.Compare(axis.of(a), axis.of(b)) })
		t.Logf("at most %d %s: %s/%s", axis.of(worst), axis.name, worst.row.Family, worst.row.Name)
	}
}

// own is what the library itself allocates.
func (c cost) own() int { return c.allocated - c.checking }

// strangers is own for a token that anybody can send.
func (c cost) strangers() int {
	if c.signed {
		return 0
	}
	return c.own()
}

// counted is a key set that remembers what it gave.
type counted struct {
	verifier.KeySet

	lookUps int
	keys    []*verifier.Key
}

// Keys implements [verifier.KeySet].
func (c *counted) Keys(ctx context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	keys, err := c.KeySet.Keys(ctx, kid, alg)
	c.lookUps++
	c.keys = keys
	return keys, err
}

func measure(t *testing.T, row Row) cost {
	t.Helper()
	static, err := row.Config.Static()
	if err != nil {
		t.Fatal(err)
	}
	token, err := row.Recipe.Token(Now)
	if err != nil {
		t.Fatal(err)
	}
	c := cost{row: row}
	if len(token) <= mostRead {
		c.read = len(token) // a longer one is not read: TestR37ATokenOverTheLimitIsNotRead
	}
	// The first time fills the pools of encoding/json. Later, something else may allocate
	// at the same time, but not always.
	for i := range 4 {
		keys := &counted{KeySet: static}
		v, err := row.Config.Verifier(keys, stopped) // a new one, which remembers no token
		if err != nil {
			t.Fatal(err)
		}
		n := allocated(func() { _, _ = v.Verify(t.Context(), token) })
		if i <= 1 || n < c.allocated {
			c.allocated = n
		}
		c.lookUps = keys.lookUps
		c.checks, c.checking, c.signed = checkAgain(t, row.Config, token, keys.keys)
	}
	return c
}

// checkAgain does the signature checks that the keys cause, one for each until one
// succeeds, and tells how many these are, what they allocate, and whether one did.
func checkAgain(t *testing.T, c Config, token string, candidates []*verifier.Key) (checks, bytes int, good bool) {
	t.Helper()
	if len(candidates) == 0 {
		return 0, 0, false
	}
	m, err := jws.Parse(token)
	if err != nil || m.ReadSignature() != nil {
		t.Fatal("keys were asked for, for a token that cannot be read")
	}
	public := publicKeys(t, c)
	for _, key := range candidates[:min(len(candidates), mostChecks)] {
		checks++
		bytes += allocated(func() { good = m.Verify(m.Header.Algorithm, public[key.Thumbprint()]) == nil })
		if good {
			break
		}
	}
	return checks, bytes, good
}

// publicKeys has the public keys of a set by their thumbprints (RFC 7638), because a
// verifier.Key does not give its own away.
func publicKeys(t *testing.T, c Config) map[string]crypto.PublicKey {
	t.Helper()
	data, err := c.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	var set publishedSet
	if err := json.Unmarshal(data, &set, jsontext.AllowDuplicateNames(true)); err != nil {
		t.Fatal(err)
	}
	public := map[string]crypto.PublicKey{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil || !key.IsPublic() {
			continue
		}
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		public[base64.RawURLEncoding.EncodeToString(sum)] = key.Key
	}
	return public
}

// allocated returns how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// BenchmarkWorstAttacks reports the CPU of the attacks that take the most of it, and,
// to compare, that of a good token.
func BenchmarkWorstAttacks(b *testing.B) {
	rows, err := Rows()
	if err != nil {
		b.Fatal(err)
	}
	type slow struct {
		row  Row
		took time.Duration
	}
	var slowest []slow
	for _, row := range rows {
		verify := prepared(b, row.Config, row.Recipe)
		took := time.Hour
		for range 3 {
			began := time.Now()
			verify()
			took = min(took, time.Since(began))
		}
		slowest = append(slowest, slow{row, took})
	}
	slices.SortFunc(slowest, func(a, b slow) int { return cmp.Compare(b.took, a.took) })
	run := func(name string, verify func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verify()
			}
		})
	}
	run("a good token", prepared(b, Config{}, Recipe{}))
	for _, s := range slowest[:10] {
		run(fmt.Sprintf("%s/%s", s.row.Family, s.row.Name), prepared(b, s.row.Config, s.row.Recipe))
	}
}

// prepared returns a function that verifies the token, each time anew.
func prepared(b *testing.B, c Config, r Recipe) func() {
	b.Helper()
	c.CacheSize = verifier.NoCache
	keys, err := c.Static()
	if err != nil {
		b.Fatal(err)
	}
	v, err := c.Verifier(keys, stopped)
	if err != nil {
		b.Fatal(err)
	}
	token, err := r.Token(Now)
	if err != nil {
		b.Fatal(err)
	}
	return func() { _, _ = v.Verify(b.Context(), token) }
}
