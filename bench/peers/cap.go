package peers

import (
	"context"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/hashicorp/cap/jwt"
)

// capPeer is the package jwt of hashicorp/cap, set up as its ExampleValidator_Validate
// (jwt/docs_test.go, which jwt/README.md points at) says: a key set by its URL, a
// validator, and what is expected. The key set is that of go-oidc, and takes its client
// from the context.
//
// There is no option that demands "exp": a token without it expires a default leeway
// after its "iat".
//
// Errors are texts, but wrap the failure of a request for the keys. An answer that is
// no key set is a text again.
func capPeer() Peer {
	return Peer{
		Name:     "cap",
		Module:   "github.com/hashicorp/cap",
		New:      newCap,
		classify: classifyCap,
		Unchecked: map[Check]string{
			HasExpiry: "takes a token without \"exp\" for a default time after its \"iat\"",
		},
	}
}

type capSubject struct {
	validator *jwt.Validator
	expected  jwt.Expected
}

func newCap(ctx context.Context, s Setup) (Subject, error) {
	keys, err := jwt.NewJSONWebKeySet(oidc.ClientContext(ctx, s.Client), s.KeySetURL, "")
	if err != nil {
		return nil, err
	}
	v, err := jwt.NewValidator(keys)
	if err != nil {
		return nil, err
	}
	return capSubject{
		validator: v,
		expected: jwt.Expected{
			Issuer:            s.Issuer,
			Audiences:         []string{s.Audience},
			SigningAlgorithms: []jwt.Alg{jwt.Alg(s.algorithm())},
		},
	}, nil
}

func (s capSubject) Verify(ctx context.Context, raw string) error {
	_, err := s.validator.Validate(ctx, raw, s.expected)
	return err
}

func (s capSubject) Close() {}

func classifyCap(error) Class { return Unclear }
