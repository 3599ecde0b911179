package migrate

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func goOIDCBefore(ctx context.Context, issuer string) (http.Handler, error) {
	mux := http.NewServeMux()
	// migrate:before
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	v := provider.Verifier(&oidc.Config{ClientID: "todo-api"})
	verify := func(w http.ResponseWriter, r *http.Request) (*oidc.IDToken, bool) {
		raw, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found {
			http.Error(w, "no token", http.StatusUnauthorized)
			return nil, false
		}
		token, err := v.Verify(r.Context(), raw)
		if err != nil {
			http.Error(w, "bad token", http.StatusUnauthorized)
			return nil, false
		}
		return token, true
	}
	mux.HandleFunc("GET /todos", func(w http.ResponseWriter, r *http.Request) {
		if token, ok := verify(w, r); ok {
			listOf(w, token.Subject)
		}
	})
	mux.HandleFunc("POST /todos", func(w http.ResponseWriter, r *http.Request) {
		token, ok := verify(w, r)
		if !ok {
			return
		}
		var claims struct {
			Scope string `json:"scope"`
		}
		if err := token.Claims(&claims); err != nil || !slices.Contains(strings.Fields(claims.Scope), "todos:write") {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		createFor(w, token.Subject)
	})
	// migrate:end
	return mux, nil
}

func goOIDCAfter(_ context.Context, issuer string) (http.Handler, error) {
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
	mux.Handle("GET /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, token *verifier.Token) {
		listOf(w, token.Subject())
	}))
	mux.Handle("POST /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, token *verifier.Token) {
		createFor(w, token.Subject())
	}, verifier.Scopes("todos:write")))
	// migrate:end
	return mux, nil
}
