package httpauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

// cors is a CORS middleware as others write it.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example.com")
		w.Header().Set("Access-Control-Expose-Headers", "X-Total")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Headers", "Authorization")
			w.WriteHeader(http.StatusOK)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func preflight(t *testing.T) *http.Request {
	t.Helper()
	r := request(t)
	r.Method = http.MethodOptions
	r.Header.Set("Origin", "https://app.example.com")
	r.Header.Set("Access-Control-Request-Method", "GET")
	r.Header.Set("Access-Control-Request-Headers", "authorization")
	return r
}

func TestR24PreflightIsNotChallenged(t *testing.T) {
	var logged journal
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: logged.logger(), ExposeChallenge: true})
	h := http.HandlerFunc(whoami)
	tests := map[string]struct {
		h      http.Handler
		status int
		allow  string
	}{
		"no CORS":                {auth.Require(verifier.Scopes("admin"))(h), 204, ""},
		"no CORS, HandlerFunc":   {auth.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *verifier.Token) { whoami(w, r) }), 204, ""},
		"CORS inside":            {auth.Require()(cors(h)), 204, ""},
		"CORS outside":           {cors(auth.Require()(h)), 200, "https://app.example.com"},
		"CORS inside, Optional":  {auth.Optional(cors(h)), 200, "https://app.example.com"},
		"CORS outside, Optional": {cors(auth.Optional(h)), 200, "https://app.example.com"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := serve(tt.h, preflight(t))
			wantRefusal(t, w, tt.status, "")
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != tt.allow {
				t.Errorf("Access-Control-Allow-Origin: %q, want %q", got, tt.allow)
			}
			if tt.allow != "" {
				return
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("a preflight that nobody allows is answered with %s", name)
				}
			}
		})
	}
	if logged.String() != "" {
		t.Errorf("logged %s", logged.String())
	}
}

// An OPTIONS request that a browser would not send as a preflight is a request.
func TestR24OtherOptionsRequestsAreChallenged(t *testing.T) {
	for _, missing := range []string{"Origin", "Access-Control-Request-Method"} {
		r := preflight(t)
		r.Header.Del(missing)
		wantRefusal(t, serve(protect(newVerifier(t), nil), r), 401, bare)
	}
	r := preflight(t)
	r.Method = http.MethodGet
	wantRefusal(t, serve(protect(newVerifier(t), nil), r), 401, bare)
}

func TestR24ChallengeIsExposed(t *testing.T) {
	tests := map[string]struct {
		v       httpauth.Verifier
		o       httpauth.Options
		raw     string
		exposed string
	}{
		"by default":     {newVerifier(t), httpauth.Options{}, "x", "X-Total"},
		"401":            {newVerifier(t), httpauth.Options{ExposeChallenge: true}, "x", "X-Total, WWW-Authenticate"},
		"503":            {refuser{verifier.ErrKeysUnavailable}, httpauth.Options{ExposeChallenge: true}, "x", "X-Total, Retry-After"},
		"500":            {refuser{verifier.ErrMisconfigured}, httpauth.Options{ExposeChallenge: true}, "x", "X-Total"},
		"200":            {newVerifier(t), httpauth.Options{ExposeChallenge: true}, tokenOf(nil), "X-Total"},
		"to ErrorWriter": {newVerifier(t), httpauth.Options{ExposeChallenge: true, ErrorWriter: func(http.ResponseWriter, *http.Request, httpauth.Refusal) {}}, "x", "X-Total, WWW-Authenticate"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.o.Logger = silent()
			w := serve(cors(protect(tt.v, &tt.o)), request(t, "Bearer "+tt.raw))
			if got := strings.Join(w.Header()["Access-Control-Expose-Headers"], ", "); got != tt.exposed {
				t.Errorf("Access-Control-Expose-Headers: %s, want %s", got, tt.exposed)
			}
		})
	}
}

func TestR25CacheControl(t *testing.T) {
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent()})
	setting := func(value string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", value)
			next.ServeHTTP(w, r)
		})
	}
	h := http.HandlerFunc(whoami)
	good := []string{"Bearer " + tokenOf(nil)}
	tests := map[string]struct {
		h             http.Handler
		authorization []string
		want          string
	}{
		"success":                        {auth.Require()(h), good, "private"},
		"success, HandlerFunc":           {auth.HandlerFunc(func(http.ResponseWriter, *http.Request, *verifier.Token) {}), good, "private"},
		"success, Optional":              {auth.Optional(h), good, "private"},
		"nobody, Optional":               {auth.Optional(h), nil, ""},
		"the handler says otherwise":     {auth.Require()(setting("public, max-age=60", h)), good, "public, max-age=60"},
		"and nesting leaves that":        {auth.Require()(setting("public, max-age=60", auth.Require()(h))), good, "public, max-age=60"},
		"stricter outside":               {setting("no-store", auth.Require()(h)), good, "no-store"},
		"401":                            {auth.Require()(h), nil, "no-store"},
		"403":                            {auth.Require(verifier.Scopes("admin"))(h), good, "no-store"},
		"401, looser outside":            {setting("public, max-age=60", auth.Require()(h)), nil, "no-store"},
		"403, inside of another Require": {auth.Require()(auth.Require(verifier.Scopes("admin"))(h)), good, "no-store"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := serve(tt.h, request(t, tt.authorization...))
			if got := strings.Join(w.Header()["Cache-Control"], " | "); got != tt.want {
				t.Errorf("Cache-Control: %q, want %q", got, tt.want)
			}
		})
	}
}

// The handler gets the server's own ResponseWriter, with whatever it can do.
func TestR25ResponseWriterIsNotWrapped(t *testing.T) {
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent()})
	var seen []http.ResponseWriter
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { seen = append(seen, w) })
	w := httptest.NewRecorder()
	for _, protected := range []http.Handler{
		auth.Require()(h), auth.Optional(h),
		auth.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *verifier.Token) { h(w, r) }),
	} {
		protected.ServeHTTP(w, request(t, "Bearer "+tokenOf(nil)))
	}
	if len(seen) != 3 || seen[0] != w || seen[1] != w || seen[2] != w {
		t.Errorf("the handlers saw %v", seen)
	}
}
