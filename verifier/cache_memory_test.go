//go:build !race

package verifier_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/verifier"
)

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The memory of a cache of the default size is at most 16 MiB, whatever it is full of:
// the largest tokens, the smallest, and those whose parts take more memory than their
// text.
func TestCacheMemoryIsBounded(t *testing.T) {
	const most = 16 << 20
	for _, shape := range []struct {
		name  string
		count int
		token func(i int) string
	}{
		{"the largest tokens", 2500, func(i int) string {
			return tokenWith("jti", quote(fmt.Sprint(i)), "x", quote(strings.Repeat("x", 11900)))
		}},
		{"large headers", 2500, func(i int) string {
			return headerWith("n", fmt.Sprint(i), "x", quote(strings.Repeat("x", 11800)))
		}},
		{"escapes", 2500, func(i int) string {
			return tokenWith("jti", quote(fmt.Sprint(i)), "sub", `"\u0020`+strings.Repeat("x", 11000)+`"`)
		}},
		{"many audiences", 2500, func(i int) string {
			return tokenWith("jti", quote(fmt.Sprint(i)), "aud", `["todo-api"`+strings.Repeat(`,""`, 511)+`]`)
		}},
		{"Keycloak's", 6000, func(i int) string { return signed(goodHeader.object("n", fmt.Sprint(i)), keycloakPayload) }},
		{"the smallest", 8000, func(i int) string {
			return signed(`{"alg":"EdDSA"}`, fmt.Sprintf(`{"iss":%q,"aud":%q,"exp":%d,"n":%d}`, issuer, audience, expires, i))
		}},
	} {
		t.Run(shape.name, func(t *testing.T) {
			v := verifierWith(t, func(c *verifier.Config) { c.Keys = exactly{keyOf(t, "ed25519", verifier.EdDSA)} })
			empty := heap()
			longest := 0
			for i := range shape.count {
				raw := shape.token(i)
				longest = max(longest, len(raw))
				wantAccepted(t, v, raw)
			}
			used := heap() - empty
			entries, counted := verifier.Cached(v)
			t.Logf("%d tokens of up to %d bytes take %.1f MiB, counted as %.1f", entries, longest, float64(used)/(1<<20), float64(counted)/(1<<20))
			if used > most || int64(counted) < used*9/10 {
				t.Errorf("%d bytes are used, counted as %d; at most %d are allowed", used, counted, most)
			}
			if counted < most*8/10 && entries < 3500 {
				t.Errorf("the cache is not full: %d entries, %d bytes", entries, counted)
			}
			runtime.KeepAlive(v)
		})
	}
}

// A verifier that has accepted nothing has no cache, so that ten thousand tenants'
// cost nothing until they come.
func TestCacheOfIdleVerifierIsEmpty(t *testing.T) {
	keys := exactly{keyOf(t, "ed25519", verifier.EdDSA)}
	c := config(t)
	c.Keys = keys
	sizeOf := func(size int) int64 {
		c.CacheSize = size
		var all [1000]*verifier.Verifier
		before := heap()
		for i := range all {
			v, err := verifier.New(c)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = v
		}
		used := heap() - before
		runtime.KeepAlive(all)
		return used / int64(len(all))
	}
	if with, without := sizeOf(0), sizeOf(verifier.NoCache); with > without+100 {
		t.Errorf("an idle verifier takes %d bytes, and %d without cache", with, without)
	}
}
