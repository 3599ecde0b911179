package httpauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestNestingVerifiesOnce(t *testing.T) {
	for _, remove := range []bool{false, true} {
		t.Run(fmt.Sprintf("RemoveCredential %t", remove), func(t *testing.T) {
			v := &counter{Verifier: newVerifier(t)}
			auth := httpauth.New(v, &httpauth.Options{Logger: silent(), RemoveCredential: remove})
			read, write := auth.Require(verifier.Scopes("todos:read")), auth.Require(verifier.Scopes("todos:write"))
			h := auth.Optional(read(write(auth.Optional(auth.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *verifier.Token) {
				whoami(w, r)
			})))))
			wantBody(t, serve(h, request(t, "Bearer "+tokenOf(nil))), "alice")
			if asked := v.asked.Load(); asked != 1 {
				t.Errorf("the verifier was asked %d times, want 1", asked)
			}
			w := serve(h, request(t, "Bearer "+tokenOf(claims{"scope": "todos:read"})))
			wantRefusal(t, w, 403, insufficient+`, scope="todos:write"`)
			wantRefusal(t, serve(h, request(t)), 401, bare)
		})
	}
}

// A middleware in between that derives a context or a request of its own does not
// undo the nesting.
func TestNestingThroughOtherMiddleware(t *testing.T) {
	v := &counter{Verifier: newVerifier(t)}
	auth := httpauth.New(v, nil)
	type key struct{}
	between := map[string]func(*http.Request) *http.Request{
		"WithContext": func(r *http.Request) *http.Request { return r.WithContext(context.WithValue(r.Context(), key{}, 1)) },
		"Clone":       func(r *http.Request) *http.Request { return r.Clone(r.Context()) },
		"credential taken out": func(r *http.Request) *http.Request {
			r = r.Clone(r.Context())
			r.Header.Del("Authorization")
			return r
		},
	}
	for name, change := range between {
		t.Run(name, func(t *testing.T) {
			v.asked.Store(0)
			inner := auth.Require()(http.HandlerFunc(whoami))
			h := auth.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(w, change(r)) }))
			wantBody(t, serve(h, request(t, "Bearer "+tokenOf(nil))), "alice")
			if asked := v.asked.Load(); asked != 1 {
				t.Errorf("the verifier was asked %d times, want 1", asked)
			}
		})
	}
}

// Only what this Auth verified for this request counts.
func TestNestingTrustsNobodyElse(t *testing.T) {
	v := newVerifier(t)
	o := &httpauth.Options{Logger: silent()}
	auth, other := httpauth.New(v, o), httpauth.New(v, o)
	mallory := verified(t, claims{"sub": "mallory"})
	planted := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(verifier.NewContext(r.Context(), mallory)))
		})
	}
	dispatch := func(authorization ...string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, request(t, authorization...).WithContext(r.Context()))
			})
		}
	}
	without := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Authorization")
			next.ServeHTTP(w, r)
		})
	}
	inner := auth.Require()(http.HandlerFunc(whoami))
	tests := map[string]struct {
		h             http.Handler
		authorization []string
		status        int
		body          string
	}{
		"a token that was put into the context":                 {planted(inner), nil, 401, ""},
		"the same, and a credential":                            {planted(inner), []string{"Bearer " + tokenOf(nil)}, 200, "alice"},
		"the same, inside of Require":                           {auth.Require()(planted(inner)), []string{"Bearer " + tokenOf(nil)}, 200, "alice"},
		"the same, inside of Require, credential gone":          {auth.Require()(without(planted(inner))), []string{"Bearer " + tokenOf(nil)}, 401, ""},
		"the same, and Optional":                                {planted(auth.Optional(http.HandlerFunc(whoami))), nil, 401, ""},
		"another Auth":                                          {other.Require()(without(inner)), []string{"Bearer " + tokenOf(nil)}, 401, ""},
		"another Auth between":                                  {auth.Require()(other.Require()(without(inner))), []string{"Bearer " + tokenOf(nil)}, 401, ""},
		"another Auth between, and a credential":                {auth.Require()(other.Require()(inner)), []string{"Bearer " + tokenOf(nil)}, 200, "alice"},
		"another request with its own credential":               {auth.Require()(dispatch("Bearer " + tokenOf(claims{"sub": "bob"}))(inner)), []string{"Bearer " + tokenOf(nil)}, 200, "bob"},
		"another request with a bad credential":                 {auth.Require()(dispatch("Bearer x")(inner)), []string{"Bearer " + tokenOf(nil)}, 401, ""},
		"another request with two credentials":                  {auth.Require()(dispatch("Bearer "+tokenOf(nil), "Bearer x")(inner)), []string{"Bearer " + tokenOf(nil)}, 400, ""},
		"another request with another scheme":                   {auth.Require()(dispatch("Basic eDp5")(inner)), []string{"Bearer " + tokenOf(nil)}, 401, ""},
		"another request with another scheme through Optional":  {auth.Require()(dispatch("Basic eDp5")(auth.Optional(http.HandlerFunc(whoami)))), []string{"Bearer " + tokenOf(nil)}, 401, ""},
		"another request with its own credential and Optional":  {auth.Require()(dispatch("Bearer " + tokenOf(claims{"sub": "bob"}))(auth.Optional(http.HandlerFunc(whoami)))), []string{"Bearer " + tokenOf(nil)}, 200, "bob"},
		"another request without a credential, of the same one": {auth.Require()(dispatch()(inner)), []string{"Bearer " + tokenOf(nil)}, 200, "alice"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := serve(tt.h, request(t, tt.authorization...))
			if w.Code != tt.status || tt.status == 200 && w.Body.String() != tt.body {
				t.Errorf("answer %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}
		})
	}
}

func TestOptional(t *testing.T) {
	v := newVerifier(t)
	tests := map[string]struct {
		authorization []string
		v             httpauth.Verifier
		status        int
		body          string
	}{
		"no credential":             {nil, v, 200, "nobody"},
		"another scheme":            {[]string{"Basic eDp5"}, v, 200, "nobody"},
		"a good token":              {[]string{"Bearer " + tokenOf(nil)}, v, 200, "alice"},
		"an expired token":          {[]string{"Bearer " + tokenOf(claims{"exp": now - 600})}, v, 401, ""},
		"an empty token":            {[]string{"Bearer"}, v, 400, ""},
		"two credentials":           {[]string{"Basic eDp5", "Bearer " + tokenOf(nil)}, v, 400, ""},
		"an empty field":            {[]string{""}, v, 400, ""},
		"keys unavailable":          {[]string{"Bearer x"}, refuser{verifier.ErrKeysUnavailable}, 503, ""},
		"a Verifier that saw none":  {[]string{"Bearer x"}, refuser{verifier.ErrNoCredentials}, 401, ""},
		"a canceled request":        {[]string{"Bearer x"}, refuser{context.Canceled}, 503, ""},
		"a Verifier without a word": {[]string{"Bearer x"}, fixed{nil}, 500, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := httpauth.New(tt.v, &httpauth.Options{Logger: silent()}).Optional(http.HandlerFunc(whoami))
			w := serve(h, request(t, tt.authorization...))
			if w.Code != tt.status || tt.status == 200 && w.Body.String() != tt.body {
				t.Errorf("answer %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}
			if tt.status != 200 && w.Body.String() == "nobody" {
				t.Error("the handler was called")
			}
			if got := w.Header().Get("Vary"); got != "Authorization" {
				t.Errorf("Vary: %q, want Authorization", got)
			}
		})
	}
}

// The argument, the context and the request of a HandlerFunc agree.
func TestHandlerFuncGetsTheToken(t *testing.T) {
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent()})
	called := false
	h := auth.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, token *verifier.Token) {
		called = true
		found, ok := verifier.FromContext(r.Context())
		if !ok || found != token || token.Subject() != "alice" {
			t.Errorf("argument %v, context %v", token, found)
		}
	}, verifier.Scopes("todos:read"))
	serve(h, request(t, "Bearer "+tokenOf(nil)))
	if !called {
		t.Error("the handler was not called")
	}
}

// A Check sees the token in its context too, as a handler does.
func TestChecksGetTheToken(t *testing.T) {
	check := func(ctx context.Context, token *verifier.Token) error {
		if found, ok := verifier.FromContext(ctx); !ok || found != token {
			return fmt.Errorf("argument %v, context %v", token, found)
		}
		return nil
	}
	wantBody(t, serve(protect(newVerifier(t), nil, check), request(t, "Bearer "+tokenOf(nil))), "alice")
}

// What the server and the router put into a request reaches the handler.
func TestRequestKeepsItsValues(t *testing.T) {
	type key struct{}
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent(), RemoveCredential: true})
	mux := http.NewServeMux()
	mux.Handle("GET /todos/{id}", auth.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("id"), " ", r.Pattern, " ", r.Context().Value(key{}))
	})))
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), key{}, "value"), http.MethodGet, "/todos/7", nil)
	r.Header.Set("Authorization", "Bearer "+tokenOf(nil))
	wantBody(t, serve(mux, r), "7 GET /todos/{id} value")
}

func TestConcurrentRequests(t *testing.T) {
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent(), RemoveCredential: true})
	h := auth.Require()(auth.Require(verifier.Scopes("todos:read"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"][0] = "max-age=1" // the answer's own, shared with nobody
		whoami(w, r)
	})))
	var group sync.WaitGroup
	for i := range 8 {
		subject := fmt.Sprint("user-", i)
		raw := tokenOf(claims{"sub": subject})
		group.Go(func() {
			for range 50 {
				wantBody(t, serve(h, request(t, "Bearer "+raw)), subject)
				if w := serve(h, request(t)); w.Code != 401 {
					t.Errorf("status %d, want 401", w.Code)
				}
			}
		})
	}
	group.Wait()
}
