//go:build !race

package jwks_test

import (
	"testing"

	"github.com/bearerproof/bearerproof/verifier"
)

func TestAllocKeysOfHeldSet(t *testing.T) {
	source := heldSet(t, 100)
	ctx := t.Context()
	for name, ask := range map[string]func(){
		"a kid":  func() { _, _ = source.Keys(ctx, "99", verifier.ES256) },
		"no kid": func() { _, _ = source.Keys(ctx, "", verifier.ES256) },
		"Ready":  func() { _ = source.Ready() },
	} {
		if n := testing.AllocsPerRun(1000, ask); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}
