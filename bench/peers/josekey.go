package peers

import (
	"context"
	"crypto"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// joseKeyPeer is go-jose with the key in hand, as its ExampleParseSigned and the comment
// of jwt.Claims.ValidateWithLeeway say. The registered claims are decoded, not the
// rest, which is in its favour.
//
// There is no option that demands "exp".
func joseKeyPeer() Peer {
	return Peer{
		Name:      "go-jose (key in hand)",
		Module:    "github.com/go-jose/go-jose/v4",
		New:       newJoseKey,
		Unchecked: map[Check]string{HasExpiry: "no option demands \"exp\""},
		classify:  func(error) Class { return Unclear },
	}
}

type joseKeySubject struct {
	key        crypto.PublicKey
	algorithms []jose.SignatureAlgorithm
	expected   jwt.Expected
}

func newJoseKey(_ context.Context, s Setup) (Subject, error) {
	return joseKeySubject{
		key:        s.Key,
		algorithms: []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.algorithm())},
		expected:   jwt.Expected{Issuer: s.Issuer, AnyAudience: jwt.Audience{s.Audience}},
	}, nil
}

func (s joseKeySubject) Verify(_ context.Context, raw string) error {
	token, err := jwt.ParseSigned(raw, s.algorithms)
	if err != nil {
		return err
	}
	var claims jwt.Claims
	if err := token.Claims(s.key, &claims); err != nil {
		return err
	}
	return claims.Validate(s.expected.WithTime(time.Now()))
}

func (s joseKeySubject) Close() {}
