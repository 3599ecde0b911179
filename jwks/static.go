package jwks

import (
	"context"
	"slices"

	"github.com/bearerproof/bearerproof/verifier"
)

// Static is a key set that does not change. It is a [verifier.KeySet].
type Static struct{ set *keySet }

// NewStatic reads a JWK set (RFC 7517 §5) of at most 1 MiB and 1,024 keys. Keys that
// are unfit to verify signatures are skipped, see [Static.Skipped]; a set without a
// usable key is an error.
func NewStatic(set []byte) (*Static, error) {
	if len(set) > maxSetBytes {
		return nil, errTooLong
	}
	parsed, err := readSet(set)
	if err != nil {
		return nil, err
	}
	return &Static{parsed}, nil
}

// Keys implements [verifier.KeySet]. It never fails.
func (s *Static) Keys(_ context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	return s.set.find(kid, alg), nil
}

// Skipped lists the keys that are not used, and why.
func (s *Static) Skipped() []SkippedKey { return slices.Clone(s.set.skipped) }
