// Package chiauth adds to package httpauth what a chi router makes possible: a group
// of routes that cannot be mounted without authentication, and a search for routes
// that answer without a token.
//
//	auth := httpauth.New(v, nil) // v is a *verifier.Verifier
//	r := chi.NewRouter()
//	r.Get("/healthz", health) // open
//	chiauth.Group(r, auth, func(r chi.Router) {
//		r.Get("/todos", list)
//		r.With(auth.Require(verifier.Scopes("todos:write"))).Post("/todos", create)
//	})
//
// A test holds the open routes against the list of those that are meant to be:
//
//	open, err := chiauth.OpenRoutes(r)
//	if err != nil {
//		t.Fatal(err)
//	}
//	if !slices.Equal(open, []string{"GET /healthz"}) {
//		t.Errorf("open routes: %q", open)
//	}
//
// Everything else of httpauth works in chi as it is: [httpauth.Auth.Require] is a
// middleware for Use and With, and [httpauth.Auth.HandlerFunc] makes a handler.
package chiauth
