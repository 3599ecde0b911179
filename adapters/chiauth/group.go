package chiauth

import (
	"github.com/go-chi/chi/v5"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

// Group adds the routes that mount registers to r, behind a middleware that asks
// for a good token which passes all checks ([httpauth.Auth.Require]). The
// authentication comes before every middleware that mount adds, and mount cannot
// take it away. Routers that mount mounts or creates are in the group too.
//
// In a handler of the group, [verifier.FromContext] has the token. With a nil Auth
// the routes answer 500.
func Group(r chi.Router, auth *httpauth.Auth, mount func(chi.Router), checks ...verifier.Check) {
	r.Group(func(r chi.Router) {
		r.Use(auth.Require(checks...))
		mount(r)
	})
}
