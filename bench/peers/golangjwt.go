package peers

import (
	"context"
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// golangJWTPeer is golang-jwt with the key in hand, with the parser options of
// keyfuncPeer. The registered claims are decoded, not the rest, which is in its favour.
func golangJWTPeer() Peer {
	return Peer{
		Name:     "golang-jwt (key in hand)",
		Module:   "github.com/golang-jwt/jwt/v5",
		New:      newGolangJWT,
		classify: classifyKeyfunc,
	}
}

type golangJWTSubject struct {
	key    jwt.Keyfunc
	parser *jwt.Parser
}

func newGolangJWT(_ context.Context, s Setup) (Subject, error) {
	return golangJWTSubject{
		key:    func(*jwt.Token) (any, error) { return s.Key, nil },
		parser: newParser(s),
	}, nil
}

func (s golangJWTSubject) Verify(_ context.Context, raw string) error {
	token, err := s.parser.ParseWithClaims(raw, &jwt.RegisteredClaims{}, s.key)
	if err != nil {
		return err
	}
	if !token.Valid {
		return errors.New("the token is not valid")
	}
	return nil
}

func (s golangJWTSubject) Close() {}
