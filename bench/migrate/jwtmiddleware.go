package migrate

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	auth0jwks "github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// migrate:claims
type scopeClaims struct {
	Scope string `json:"scope"`
}

func (*scopeClaims) Validate(context.Context) error { return nil }

// migrate:end

func jwtMiddlewareBefore(_ context.Context, issuer string) (http.Handler, error) {
	mux := http.NewServeMux()
	// migrate:before
	issuerURL, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	provider, err := auth0jwks.NewCachingProvider(auth0jwks.WithIssuerURL(issuerURL))
	if err != nil {
		return nil, err
	}
	v, err := validator.New(
		validator.WithKeyFunc(provider.KeyFunc),
		validator.WithAlgorithm(validator.RS256),
		validator.WithIssuer(issuer),
		validator.WithAudience("todo-api"),
		validator.WithCustomClaims(func() *scopeClaims { return &scopeClaims{} }),
	)
	if err != nil {
		return nil, err
	}
	middleware, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /todos", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		claims := jwtmiddleware.MustGetClaims[*validator.ValidatedClaims](ctx)
		listOf(w, claims.RegisteredClaims.Subject)
	})
	mux.HandleFunc("POST /todos", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		claims := jwtmiddleware.MustGetClaims[*validator.ValidatedClaims](ctx)
		custom, ok := claims.CustomClaims.(*scopeClaims)
		if !ok || !slices.Contains(strings.Fields(custom.Scope), "todos:write") {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		createFor(w, claims.RegisteredClaims.Subject)
	})
	return middleware.CheckJWT(mux), nil
	// migrate:end
}

func jwtMiddlewareAfter(_ context.Context, issuer string) (http.Handler, error) {
	mux := http.NewServeMux()
	// migrate:after
	keys, err := jwks.Discover(issuer, nil)
	if err != nil {
		return nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	if err != nil {
		return nil, err
	}
	auth := httpauth.New(v, nil)
	mux.HandleFunc("GET /todos", func(w http.ResponseWriter, r *http.Request) {
		token, ok := verifier.FromContext(r.Context())
		if !ok { // the route is not protected
			http.Error(w, "misconfigured", http.StatusInternalServerError)
			return
		}
		listOf(w, token.Subject())
	})
	mux.Handle("POST /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, token *verifier.Token) {
		createFor(w, token.Subject())
	}, verifier.Scopes("todos:write")))
	return auth.Require()(mux), nil
	// migrate:end
}
