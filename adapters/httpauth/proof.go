package httpauth

import (
	"context"
	"maps"
	"net/http"

	"github.com/bearerproof/bearerproof/verifier"
)

// proof is the context of a request that an Auth authenticated. It says which Auth
// that was, for which token and by which credential, so that nesting works without
// trusting a token that came into the context in another way.
type proof struct {
	context.Context

	auth       *Auth
	token      *verifier.Token
	credential string // the Authorization field

	// cacheControl is the value of the answer's field. It stands here to save an
	// allocation for each request.
	cacheControl [1]string
}

type proofKey struct{}

// Value returns the proof itself, or what the context around it has.
func (p *proof) Value(key any) any {
	if key == (proofKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// prove returns the request with its token, and makes the answer private (RFC 9111
// §3.5) unless something outside has decided about that.
func (a *Auth) prove(w http.ResponseWriter, r *http.Request, t *verifier.Token) *http.Request {
	p := &proof{
		Context:      r.Context(),
		auth:         a,
		token:        t,
		credential:   r.Header["Authorization"][0],
		cacheControl: [1]string{"private"},
	}
	if header := w.Header(); len(header["Cache-Control"]) == 0 {
		header["Cache-Control"] = p.cacheControl[:]
	}
	r = r.WithContext(verifier.NewContext(p, t))
	if a.removeCredential {
		r.Header = maps.Clone(r.Header)
		delete(r.Header, "Authorization")
	}
	return r
}

// proven returns the token that this same Auth verified for this same request, or
// nil. The context alone does not tell: a handler may serve another request under
// it, with a credential of its own.
func (a *Auth) proven(r *http.Request) *verifier.Token {
	p, _ := r.Context().Value(proofKey{}).(*proof)
	if p == nil || p.auth != a {
		return nil
	}
	if t, _ := verifier.FromContext(r.Context()); t != p.token {
		return nil
	}
	switch values := r.Header["Authorization"]; {
	case len(values) == 0: // taken out on the way
		return p.token
	case len(values) == 1 && values[0] == p.credential:
		return p.token
	}
	return nil
}
