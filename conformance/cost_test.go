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
	"math"
	"runtime"
	"slices"
	"strings"
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
	mostChecks    = 4        // signature checks
)

// cost is what one call of Verify takes.
type cost struct {
	row       Row
	road      string
	read      int // bytes of the token
	allocated int // bytes
	checking  int // the bytes among these that the packages below crypto allocate
	checks    int // signatures
	signed    bool
	lookUps   int
}

// TestR37AttacksCostLittle bounds the cost of every attack, and of the heaviest tokens
// that we know, on every road: to a verifier of one issuer, and through ByIssuer and
// ByIssuerFunc, which read the payload before the signature.
//
// What crypto/rsa allocates for a key of more than 2048 bits is Go's affair, and the
// issuer's, who chose the key: it is measured and taken off. Signature checks are not
// counted one by one, because nothing inside of the verifier can be replaced for that.
// What is counted are the keys that the key set hands out, and that it is asked once
// at the most; the rows "four keys of one kid, the last right" and "five keys of one
// kid, the last right" show that no more than four of them are tried.
func TestR37AttacksCostLittle(t *testing.T) {
	var costs []cost
	for _, row := range append(rows(t), heaviest()...) {
		for _, road := range roads {
			c := measure(t, row, road)
			if row.Family == heaviestFamily && c.read < mostRead*7/8 {
				t.Errorf("%s: %d bytes read", row.Name, c.read)
			}
			costs = append(costs, c)
			if c.read > mostRead || c.own() > mostAllocated || c.lookUps > 1 {
				t.Errorf("%s, %s: %d bytes read, %d allocated, %d look-ups", row.Name, road.name, c.read, c.own(), c.lookUps)
			}
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
		t.Logf("at most %d %s: %s/%s, %s", axis.of(worst), axis.name, worst.row.Family, worst.row.Name, worst.road)
	}
}

// road leads to the verifier of one issuer.
type road struct {
	name string
	to   func(*verifier.Verifier) (*verifier.Verifier, error)
}

var roads = []road{
	{"one issuer", func(v *verifier.Verifier) (*verifier.Verifier, error) { return v, nil }},
	{"ByIssuer", func(v *verifier.Verifier) (*verifier.Verifier, error) { return verifier.ByIssuer(v) }},
	{"ByIssuerFunc", func(v *verifier.Verifier) (*verifier.Verifier, error) {
		return verifier.ByIssuerFunc(func(_ context.Context, iss string) (*verifier.Verifier, error) {
			if iss != Issuer {
				return nil, verifier.ErrIssuer
			}
			return v, nil
		}, nil)
	}},
}

// heaviestFamily stands for the file that these rows would be in.
const heaviestFamily = "heaviest"

// heaviest makes the tokens that would take the most memory of a reader which keeps
// names in a map, repeats them in its errors or lets slices grow: each with a good
// signature, with a bad one, and cut off, so that it is no JSON.
func heaviest() []Row {
	auds := `"aud":["todo-api"` + strings.Repeat(`,"a"`, 511) + `]`
	var all []Row
	for name, object := range map[string]Object{
		"short names":                           {Text: `{%s%r`, Repeat: `,"#":0`, Times: 1420},
		"names behind escapes":                  {Text: `{%s%r`, Repeat: `,"\/#":0`, Times: 1140},
		"names of escapes":                      {Text: `{%s%r`, Repeat: `,"\u0061#":0`, Times: 850},
		"one name":                              {Text: `{%s,"%r":0`, Repeat: `~`, Times: 11700},
		"one name behind an escape":             {Text: `{%s,"\/%r":0`, Repeat: `a`, Times: 11700},
		"one name of escapes":                   {Text: `{%s,"%r":0`, Repeat: `\u0001`, Times: 1950},
		"nested names":                          {Text: `{%s%r`, Repeat: `,"x":{"` + strings.Repeat("~", 370) + `":0`, Times: 30},
		"objects of one member":                 {Text: `{%s,"x":[0%r]`, Repeat: `,{"":0}`, Times: 1640},
		"colons":                                {Text: `{%s,"x":"%r"`, Repeat: `:`, Times: 11700},
		"colons in strings":                     {Text: `{%s,"x":[""%r]`, Repeat: `,":"`, Times: 2900},
		"audiences and names":                   {Remove: []string{"aud"}, Text: `{%s,` + auds + `%r`, Repeat: `,"#":0`, Times: 1150},
		"audiences and a jti of escapes":        {Remove: []string{"aud", "jti"}, Text: `{%s,` + auds + `,"jti":"\/%r"`, Repeat: `:`, Times: 9300},
		"audiences and a name behind an escape": {Remove: []string{"aud"}, Text: `{%s,` + auds + `,"\/%r":0`, Repeat: `a`, Times: 9300},
		"audiences and names of escapes":        {Remove: []string{"aud"}, Text: `{%s,` + auds + `%r`, Repeat: `,"\u0061#":0`, Times: 650},
		"audiences and colons":                  {Remove: []string{"aud"}, Text: `{%s,` + auds + `,"x":[""%r]`, Repeat: `,":"`, Times: 2300},
		"audiences again and again":             {Remove: []string{"aud"}, Text: `{%s,"x":"` + strings.Repeat("x", 1200) + `"%r`, Repeat: `,"aud":["a"` + strings.Repeat(`,"\n"`, 511) + `]`, Times: 4},
		"audiences and names of line breaks":    {Remove: []string{"aud"}, Text: `{%s,"aud":["todo-api"` + strings.Repeat(`,"\n"`, 511) + `]%r,"a":0`, Repeat: `,"\n":0`, Times: 1150},
		"an issuer behind an escape":            {Remove: []string{"iss"}, Text: `{%s,"iss":"\/%r"`, Repeat: `:`, Times: 11600},
		"an array of arrays":                    {Text: `{%s,"x":[0%r]`, Repeat: `,[]`, Times: 3900},
	} {
		for _, end := range []string{"}", "x"} {
			object := object
			object.Text += end
			if object.Repeat != "" && strings.HasPrefix(name, "nested") && end == "}" {
				object.Text += strings.Repeat("}", object.Times)
			}
			header := object
			header.Remove = nil
			all = append(all,
				Row{Family: heaviestFamily, Name: "payload, " + name + ", then " + end, Recipe: Recipe{Payload: object}},
				Row{Family: heaviestFamily, Name: "unsigned payload, " + name + ", then " + end, Recipe: Recipe{Payload: object, Sign: Sign{With: "fill", Octet: 1, Length: 256}}},
				Row{Family: heaviestFamily, Name: "header, " + name + ", then " + end, Recipe: Recipe{Header: header, Sign: Sign{With: "fill", Octet: 1, Length: 1}}})
		}
	}
	return all
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

func measure(t *testing.T, row Row, road road) cost {
	t.Helper()
	static, err := row.Config.Static()
	if err != nil {
		t.Fatal(err)
	}
	token, err := row.Recipe.Token(Now)
	if err != nil {
		t.Fatal(err)
	}
	c := cost{row: row, road: road.name, allocated: math.MaxInt}
	if len(token) <= mostRead {
		c.read = len(token) // a longer one is not read: TestR37ATokenOverTheLimitIsNotRead
	}
	// Something else may allocate at the same time, but not always.
	for range 3 {
		keys := &counted{KeySet: static}
		v, err := row.Config.Verifier(keys, stopped) // a new one, which remembers nothing
		if err != nil {
			t.Fatal(err)
		}
		if v, err = road.to(v); err != nil {
			t.Fatal(err)
		}
		c.allocated = min(c.allocated, allocated(func() { _, _ = v.Verify(t.Context(), token) }))
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
