package peers

import "net/http"

// Protector is a Subject whose library has a middleware of its own for net/http. For
// the other ones, a program must write one.
type Protector interface {
	// Protect returns a handler that calls next for requests with a good token.
	Protect(next http.Handler) (http.Handler, error)
}
