package chiauth_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/bearerproof/bearerproof/adapters/chiauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestGroupProtectsEveryRouteInIt(t *testing.T) {
	auth, issuer := authAndIssuer(t)
	token := issuer.Token(nil)
	r := chi.NewRouter()
	r.Get("/open", ok)
	chiauth.Group(r, auth, func(r chi.Router) {
		r.Get("/get", ok)
		r.Handle("/all", http.HandlerFunc(ok))
		r.Route("/route", func(r chi.Router) { r.Get("/{id}", ok) })
		r.Mount("/mount", http.HandlerFunc(ok))
		r.Group(func(r chi.Router) { r.Get("/group", ok) })
		r.With(func(next http.Handler) http.Handler { return next }).Get("/with", ok)
	})
	r.Get("/open/too", ok)

	for _, path := range []string{"/get", "/all", "/route/1", "/mount", "/mount/", "/mount/x", "/group", "/with"} {
		if status := statusOf(t, r, http.MethodGet, path, ""); status != http.StatusUnauthorized {
			t.Errorf("GET %s without a token: %d, want 401", path, status)
		}
		if status := statusOf(t, r, http.MethodGet, path, token); status != http.StatusOK {
			t.Errorf("GET %s with a token: %d, want 200", path, status)
		}
	}
	if status := statusOf(t, r, http.MethodDelete, "/all", ""); status != http.StatusUnauthorized {
		t.Errorf("DELETE /all without a token: %d, want 401", status)
	}
	for _, path := range []string{"/open", "/open/too"} {
		if status := statusOf(t, r, http.MethodGet, path, ""); status != http.StatusOK {
			t.Errorf("GET %s, outside of the group, without a token: %d, want 200", path, status)
		}
	}
}

func TestGroupAsksItsChecks(t *testing.T) {
	auth, issuer := authAndIssuer(t)
	r := chi.NewRouter()
	chiauth.Group(r, auth, func(r chi.Router) {
		r.Get("/todos", ok)
		r.With(auth.Require(verifier.Scopes("todos:write"))).Post("/todos", ok)
	}, verifier.Scopes("todos:read"))

	reader := issuer.Token(issuertest.Claims{"scope": "todos:read"})
	writer := issuer.Token(issuertest.Claims{"scope": "todos:read todos:write"})
	for _, tt := range []struct {
		what, method, token string
		want                int
	}{
		{"without a scope", http.MethodGet, issuer.Token(nil), http.StatusForbidden},
		{"with the group's scope", http.MethodGet, reader, http.StatusOK},
		{"without the route's scope", http.MethodPost, reader, http.StatusForbidden},
		{"with both scopes", http.MethodPost, writer, http.StatusOK},
	} {
		if status := statusOf(t, r, tt.method, "/todos", tt.token); status != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.what, status, tt.want)
		}
	}
}

func TestGroupGivesHandlersTheToken(t *testing.T) {
	auth, issuer := authAndIssuer(t)
	r := chi.NewRouter()
	subject := ""
	chiauth.Group(r, auth, func(r chi.Router) {
		r.Get("/me", func(_ http.ResponseWriter, r *http.Request) {
			if token, found := verifier.FromContext(r.Context()); found {
				subject = token.Subject()
			}
		})
	})
	statusOf(t, r, http.MethodGet, "/me", issuer.Token(issuertest.Claims{"sub": "bob"}))
	if subject != "bob" {
		t.Errorf("subject %q, want bob", subject)
	}
}

func TestGroupAuthenticatesBeforeItsMiddlewares(t *testing.T) {
	auth, issuer := authAndIssuer(t)
	r := chi.NewRouter()
	calls := 0
	chiauth.Group(r, auth, func(r chi.Router) {
		r.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				next.ServeHTTP(w, r)
			})
		})
		r.Get("/", ok)
	})
	statusOf(t, r, http.MethodGet, "/", "")
	if calls != 0 {
		t.Error("a middleware of the group saw a request without a token")
	}
	statusOf(t, r, http.MethodGet, "/", issuer.Token(nil))
	if calls != 1 {
		t.Errorf("the middleware was called %d times for a good token, want once", calls)
	}
}

func TestGroupWithoutAuthLetsNothingThrough(t *testing.T) {
	_, issuer := authAndIssuer(t)
	r := chi.NewRouter()
	chiauth.Group(r, nil, func(r chi.Router) { r.Get("/", ok) })
	if status := statusOf(t, r, http.MethodGet, "/", issuer.Token(nil)); status != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", status)
	}
}
