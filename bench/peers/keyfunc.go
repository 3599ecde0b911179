package peers

import (
	"context"
	"errors"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// keyfuncPeer is MicahParks/keyfunc with golang-jwt/jwt, set up as the README of keyfunc
// says ("Basic usage"): the defaults, and jwt.Parse. NewDefaultOverrideCtx stands in
// for NewDefaultCtx because it takes a client; what is not overridden has the same
// defaults. KeyfuncCtx stands in for Keyfunc, so that the request's context counts.
//
// The parser options are those of golang-jwt for the four checks (parser_option.go,
// where WithValidMethods is "heavily encouraged").
//
// golang-jwt has a sentinel for each fault of a token. Where no key was found, keyfunc
// says so with jwkset.ErrKeyNotFound, whether the issuer does not have the key or did
// not answer: that is unclear.
func keyfuncPeer() Peer {
	return Peer{
		Name:     "keyfunc",
		Module:   "github.com/MicahParks/keyfunc/v3",
		New:      newKeyfunc,
		classify: classifyKeyfunc,
	}
}

type keyfuncSubject struct {
	keys   keyfunc.Keyfunc
	parser *jwt.Parser
	stop   context.CancelFunc
}

func newKeyfunc(ctx context.Context, s Setup) (Subject, error) {
	// The context ends the goroutine that refreshes, so it must outlive New.
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	keys, err := keyfunc.NewDefaultOverrideCtx(life, []string{s.KeySetURL}, keyfunc.Override{Client: s.Client})
	if err != nil {
		stop()
		return nil, err
	}
	return keyfuncSubject{
		keys:   keys,
		parser: newParser(s),
		stop:   stop,
	}, nil
}

func newParser(s Setup) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{s.algorithm()}),
		jwt.WithIssuer(s.Issuer),
		jwt.WithAudience(s.Audience),
		jwt.WithExpirationRequired(),
	)
}

func (s keyfuncSubject) Verify(ctx context.Context, raw string) error {
	token, err := s.parser.Parse(raw, s.keys.KeyfuncCtx(ctx))
	if err != nil {
		return err
	}
	if !token.Valid {
		return errors.New("the token is not valid")
	}
	return nil
}

func (s keyfuncSubject) Close() { s.stop() }

func classifyKeyfunc(err error) Class {
	if isOneOf(err, jwt.ErrTokenMalformed, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenInvalidClaims) {
		return Invalid
	}
	return Unclear
}
