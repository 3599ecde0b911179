package bench

import (
	"context"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// bearerproofPeer is this library, as its README and the package comment of verifier
// set it up.
//
// Errors have a kind: faults of the token match verifier.ErrInvalidToken, and keys that
// cannot be had are verifier.ErrKeysUnavailable.
func bearerproofPeer() Peer {
	return Peer{
		Name:     "bearerproof",
		Module:   "github.com/bearerproof/bearerproof",
		New:      newBearerproof,
		classify: classifyBearerproof,
	}
}

type bearerproofSubject struct{ verifier *verifier.Verifier }

func newBearerproof(_ context.Context, s Setup) (Subject, error) {
	keys, err := jwks.Discover(s.Issuer, &jwks.Options{Client: s.Client})
	if err != nil {
		return nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     s.Issuer,
		Audience:   verifier.AnyOf(s.Audience),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	if err != nil {
		return nil, err
	}
	return bearerproofSubject{v}, nil
}

func (s bearerproofSubject) Verify(ctx context.Context, raw string) error {
	_, err := s.verifier.Verify(ctx, raw)
	return err
}

func (s bearerproofSubject) Close() {}

func classifyBearerproof(err error) Class {
	switch {
	case isOneOf(err, verifier.ErrInvalidToken):
		return Invalid
	case isOneOf(err, verifier.ErrKeysUnavailable):
		return Unavailable
	case isOneOf(err, verifier.ErrCanceled):
		return Canceled
	default:
		return Unclear
	}
}
