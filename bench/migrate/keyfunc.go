package migrate

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func keyfuncBefore(ctx context.Context, issuer, keysURL string) (http.Handler, error) {
	mux := http.NewServeMux()
	// migrate:before
	type claims struct {
		jwt.RegisteredClaims
		Name  string `json:"name"`
		Scope string `json:"scope"`
	}
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{keysURL})
	if err != nil {
		return nil, err
	}
	verify := func(r *http.Request) (*claims, error) {
		raw := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		var c claims
		_, err := jwt.ParseWithClaims(raw, &c, keys.Keyfunc,
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithAudience("todo-api"))
		return &c, err
	}
	mux.HandleFunc("GET /todos", func(w http.ResponseWriter, r *http.Request) {
		c, err := verify(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		greet(w, c.Name)
		listOf(w, c.Subject)
	})
	mux.HandleFunc("POST /todos", func(w http.ResponseWriter, r *http.Request) {
		c, err := verify(r)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusUnauthorized)
		case !slices.Contains(strings.Fields(c.Scope), "todos:write"):
			http.Error(w, "forbidden", http.StatusForbidden)
		default:
			createFor(w, c.Subject)
		}
	})
	// migrate:end
	return mux, nil
}

func keyfuncAfter(_ context.Context, issuer, keysURL string) (http.Handler, error) {
	mux := http.NewServeMux()
	// migrate:after
	type claims struct {
		Name string `json:"name"`
	}
	keys, err := jwks.NewRemote(keysURL, nil) // or jwks.Discover(issuer, nil)
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
	mux.Handle("GET /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, token *verifier.Token) {
		c, err := verifier.Claims[claims](token)
		if err != nil {
			http.Error(w, "the token's name is no string", http.StatusUnauthorized)
			return
		}
		greet(w, c.Name)
		listOf(w, token.Subject())
	}))
	mux.Handle("POST /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, token *verifier.Token) {
		createFor(w, token.Subject())
	}, verifier.Scopes("todos:write")))
	// migrate:end
	return mux, nil
}
