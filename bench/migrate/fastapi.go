package migrate

import (
	"context"
	"net/http"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/keycloak"
	"github.com/bearerproof/bearerproof/verifier"
)

func fastAPIAfter(_ context.Context, issuer string) (http.Handler, error) {
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
	mux.Handle("GET /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, user *verifier.Token) {
		listOf(w, user.Subject())
	}))
	mux.Handle("POST /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, user *verifier.Token) {
		createFor(w, user.Subject())
	}, keycloak.RealmRole("todo-writer")))
	// migrate:end
	return mux, nil
}
