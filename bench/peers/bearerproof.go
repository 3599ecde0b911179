package peers

import (
	"context"
	"net/http"

	"google.golang.org/grpc"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/adapters/httpauth"
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
		Name:   "bearerproof",
		Module: "github.com/bearerproof/bearerproof",
		New: func(_ context.Context, s Setup) (Subject, error) {
			return newBearerproof(s, 0)
		},
		classify: classifyBearerproof,
	}
}

// WithoutCache returns bearerproof with its cache of verified tokens switched off: no
// other peer has one.
func WithoutCache() Peer {
	p := bearerproofPeer()
	p.Name = "bearerproof (no cache)"
	p.New = func(_ context.Context, s Setup) (Subject, error) {
		return newBearerproof(s, verifier.NoCache)
	}
	return p
}

type bearerproofSubject struct{ verifier *verifier.Verifier }

func newBearerproof(s Setup, cacheSize int) (Subject, error) {
	alg, err := verifier.ParseAlgorithm(s.algorithm())
	if err != nil {
		return nil, err
	}
	keys, err := jwks.Discover(s.Issuer, &jwks.Options{Client: s.Client})
	if err != nil {
		return nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     s.Issuer,
		Audience:   verifier.AnyOf(s.Audience),
		Algorithms: []verifier.Algorithm{alg},
		Keys:       keys,
		CacheSize:  cacheSize,
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

// Protect implements Protector.
func (s bearerproofSubject) Protect(next http.Handler) (http.Handler, error) {
	return httpauth.New(s.verifier, nil).Require()(next), nil
}

// ServerOptions are those that protect all methods of a gRPC server.
func (s bearerproofSubject) ServerOptions() []grpc.ServerOption {
	return grpcauth.New(s.verifier, nil).ServerOptions()
}

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
