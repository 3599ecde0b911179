package chiauth_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// newAuth returns an Auth and an issuer whose tokens it lets through.
func newAuth() (*httpauth.Auth, *issuertest.Issuer, error) {
	issuer := issuertest.New("https://id.example.com")
	issuer.AddKey(verifier.ES256)
	keys, err := jwks.NewStatic(issuer.KeySet().Content())
	if err != nil {
		return nil, nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     issuer.URL(),
		Audience:   verifier.AnyOf("api"),
		Algorithms: []verifier.Algorithm{verifier.ES256},
		Keys:       keys,
	})
	if err != nil {
		return nil, nil, err
	}
	return httpauth.New(v, &httpauth.Options{Logger: slog.New(slog.DiscardHandler)}), issuer, nil
}

func authAndIssuer(tb testing.TB) (*httpauth.Auth, *issuertest.Issuer) {
	tb.Helper()
	auth, issuer, err := newAuth()
	if err != nil {
		tb.Fatal(err)
	}
	return auth, issuer
}

// ok is an open handler.
func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// statusOf asks a handler with a token, or without one if it is "".
func statusOf(tb testing.TB, h http.Handler, method, path, token string) int {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
