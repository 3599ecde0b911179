package peers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/core"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
)

// auth0Peer is auth0/go-jwt-middleware, set up as its README says ("Production Example
// with JWKS and Auth0"): a caching provider for the issuer, and a validator. Its
// middleware calls the validator for each request, and so does Verify.
//
// The default client of the provider has a timeout of 30 s. There is no option that
// demands "exp".
//
// Every refusal is a core.ValidationError with a code. The code for keys that could
// not be fetched is told apart here, although the default error handler of the
// middleware answers 401 to it too.
func auth0Peer() Peer {
	return Peer{
		Name:     "go-jwt-middleware",
		Module:   "github.com/auth0/go-jwt-middleware/v3",
		New:      newAuth0,
		classify: classifyAuth0,
		Unchecked: map[Check]string{
			HasExpiry: "no option demands \"exp\"",
		},
	}
}

type auth0Subject struct{ validator *validator.Validator }

func newAuth0(_ context.Context, s Setup) (Subject, error) {
	issuer, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, err
	}
	provider, err := jwks.NewCachingProvider(
		jwks.WithIssuerURL(issuer),
		jwks.WithCustomClient(withTimeout(s.Client, 30*time.Second)),
	)
	if err != nil {
		return nil, err
	}
	v, err := validator.New(
		validator.WithKeyFunc(provider.KeyFunc),
		validator.WithAlgorithm(validator.SignatureAlgorithm(s.algorithm())),
		validator.WithIssuer(s.Issuer),
		validator.WithAudience(s.Audience),
	)
	if err != nil {
		return nil, err
	}
	return auth0Subject{v}, nil
}

func (s auth0Subject) Verify(ctx context.Context, raw string) error {
	_, err := s.validator.ValidateToken(ctx, raw)
	return err
}

func (s auth0Subject) Close() {}

// Protect implements Protector, as "Basic Usage" in its README does.
func (s auth0Subject) Protect(next http.Handler) (http.Handler, error) {
	middleware, err := jwtmiddleware.New(jwtmiddleware.WithValidator(s.validator))
	if err != nil {
		return nil, err
	}
	return middleware.CheckJWT(next), nil
}

func classifyAuth0(err error) Class {
	refusal, ok := errors.AsType[*core.ValidationError](err)
	if !ok {
		return Unclear
	}
	switch refusal.Code {
	case core.ErrorCodeJWKSFetchFailed:
		return Unavailable
	case core.ErrorCodeTokenMalformed, core.ErrorCodeTokenExpired, core.ErrorCodeTokenNotYetValid,
		core.ErrorCodeInvalidSignature, core.ErrorCodeInvalidAlgorithm, core.ErrorCodeInvalidIssuer,
		core.ErrorCodeInvalidAudience, core.ErrorCodeInvalidClaims, core.ErrorCodeInvalidToken,
		core.ErrorCodeJWKSKeyNotFound:
		return Invalid
	default:
		return Unclear
	}
}
