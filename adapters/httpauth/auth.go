package httpauth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/bearerproof/bearerproof/verifier"
)

// Verifier judges the text of one token; [*verifier.Verifier] is one. It must be
// safe for concurrent use. Only a real verifier makes a usable token, so another
// implementation can refuse, or ask a real one.
type Verifier interface {
	Verify(ctx context.Context, raw string) (*verifier.Token, error)
}

// HandlerFunc is a handler that is called with a verified token, never nil. See
// [Auth.HandlerFunc].
type HandlerFunc = func(w http.ResponseWriter, r *http.Request, t *verifier.Token)

// Options changes how an [Auth] answers. No option makes a token optional.
type Options struct {
	// Realm names the protected space in challenges (RFC 9110 §11.5). The default is
	// "api". It consists of printable ASCII characters other than the quotation mark
	// and the backslash; any other character is replaced by "?".
	Realm string

	// Logger gets one line for each refusal. The default is slog.Default().
	Logger *slog.Logger

	// ErrorWriter writes the answer of a refusal, in place of problem+json.
	// WWW-Authenticate, Retry-After, Cache-Control and Access-Control-Expose-Headers
	// are set before it is called, as far as they apply; it may add to them. If it
	// writes without calling WriteHeader, or not at all, the status is
	// Refusal.Status. Refusal.Err is for logs and must not be sent.
	ErrorWriter func(w http.ResponseWriter, r *http.Request, refusal Refusal)

	// ExposeChallenge adds Access-Control-Expose-Headers to refusals, so that a script
	// of an origin which CORS allows can read WWW-Authenticate and Retry-After.
	ExposeChallenge bool

	// RemoveCredential takes the Authorization field out of the request that the
	// handler sees, so that the handler cannot log or forward it. The request
	// outside of the middleware keeps it. Another Auth further inside finds no
	// credential then.
	RemoveCredential bool
}

// Auth authenticates requests. [New] makes one; the zero Auth lets none through and
// answers 500. It is immutable and safe for concurrent use.
type Auth struct {
	verifier         Verifier
	challenge        string // "Bearer" and the realm
	logger           *slog.Logger
	errorWriter      func(http.ResponseWriter, *http.Request, Refusal)
	exposeChallenge  bool
	removeCredential bool
}

// New returns an Auth that has v judge tokens. Options may be nil. A nil Verifier is
// a mistake in the program: no request is let through, and the answer is 500.
func New(v Verifier, o *Options) *Auth {
	if o == nil {
		o = &Options{}
	}
	return &Auth{
		verifier:         v,
		challenge:        challengeOf(o.Realm),
		logger:           o.Logger,
		errorWriter:      o.ErrorWriter,
		exposeChallenge:  o.ExposeChallenge,
		removeCredential: o.RemoveCredential,
	}
}

// Require returns a middleware that calls the next handler only for a request with
// a good token that passes all checks, in order. The handler gets the token from
// [verifier.FromContext].
//
// Require nests: inside of a handler that the same Auth protects, it does not verify
// the token again and only runs its checks. A token that something else put into
// the context does not count, nor does one of another Auth, nor one of a request
// with another Authorization field.
func (a *Auth) Require(checks ...verifier.Check) func(http.Handler) http.Handler {
	checks = slices.Clone(checks)
	return func(next http.Handler) http.Handler {
		if next == nil {
			return a.unmounted()
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if admitted, _ := a.admit(w, r, checks); admitted != nil {
				next.ServeHTTP(w, admitted)
			}
		})
	}
}

// HandlerFunc returns a handler that calls h only for a request with a good token
// that passes all checks, as [Auth.Require] does.
func (a *Auth) HandlerFunc(h func(w http.ResponseWriter, r *http.Request, t *verifier.Token), checks ...verifier.Check) http.Handler {
	if h == nil {
		return a.unmounted()
	}
	checks = slices.Clone(checks)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if admitted, t := a.admit(w, r, checks); admitted != nil {
			h(w, admitted, t)
		}
	})
}

// Optional calls next for a request with a good token, and without a token for a
// request that has no bearer credential: no Authorization field, or one of another
// scheme. Any other request is refused as [Auth.Require] does; a bad token does not
// make its sender anonymous. In next, [verifier.FromContext] reports which it is.
//
// The answer depends on who asks, so it starts with Vary: Authorization.
func (a *Auth) Optional(next http.Handler) http.Handler {
	if next == nil {
		return a.unmounted()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Authorization")
		if a.anonymous(r) {
			next.ServeHTTP(w, r)
			return
		}
		if admitted, _ := a.admit(w, r, nil); admitted != nil {
			next.ServeHTTP(w, admitted)
		}
	})
}

// anonymous reports whether a request has neither a credential for us nor a token
// that this Auth verified before. A token of somebody else would pass for the
// caller's, so it does not make a request anonymous, but has it refused.
func (a *Auth) anonymous(r *http.Request) bool {
	if a == nil || a.verifier == nil {
		return false
	}
	if _, found := verifier.FromContext(r.Context()); found {
		return false
	}
	_, err := verifier.BearerToken(r.Header["Authorization"])
	return verifier.KindOf(err) == verifier.ErrNoCredentials
}

// admit returns the request to go on with and its token, or nil once the request has
// been answered.
func (a *Auth) admit(w http.ResponseWriter, r *http.Request, checks []verifier.Check) (*http.Request, *verifier.Token) {
	if isPreflight(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil, nil
	}
	t := a.proven(r)
	if t == nil {
		var err error
		if t, err = a.verify(r); err != nil {
			a.refuse(w, r, nil, err)
			return nil, nil
		}
		r = a.prove(w, r, t)
	}
	if err := verifier.Authorize(r.Context(), t, checks...); err != nil {
		a.refuse(w, r, t, err)
		return nil, nil
	}
	return r, t
}

// verify authenticates one request.
func (a *Auth) verify(r *http.Request) (*verifier.Token, error) {
	if a == nil || a.verifier == nil {
		return nil, misconfigured("the Verifier is nil")
	}
	raw, err := verifier.BearerToken(r.Header["Authorization"])
	if err != nil {
		return nil, err
	}
	t, err := a.verifier.Verify(r.Context(), raw)
	if err != nil {
		return nil, err
	}
	// Without checks, Authorize refuses what no verifier made: a double's zero token has
	// no subject, and would be an anonymous user.
	if err := verifier.Authorize(r.Context(), t); err != nil {
		return nil, err
	}
	return t, nil
}

// unmounted stands in for a handler that is nil.
func (a *Auth) unmounted() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, nil, misconfigured("the protected handler is nil"))
	})
}

func misconfigured(text string) error {
	return &verifier.Error{Kind: verifier.ErrMisconfigured, Err: errors.New(text)}
}

// isPreflight recognises a CORS-preflight request (Fetch, CORS protocol), which
// never has credentials.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}
