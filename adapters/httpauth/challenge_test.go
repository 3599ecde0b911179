package httpauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestR14Every401HasAChallenge(t *testing.T) {
	plain := func(w http.ResponseWriter, _ *http.Request, refusal httpauth.Refusal) { w.WriteHeader(refusal.Status) }
	for _, writer := range []func(http.ResponseWriter, *http.Request, httpauth.Refusal){nil, plain} {
		seen := 0
		for _, tt := range answers {
			w := serve(protect(refuser{tt.err}, &httpauth.Options{Logger: silent(), ErrorWriter: writer}), request(t, "Bearer token"))
			if w.Code != 401 {
				continue
			}
			seen++
			if len(w.Header()["Www-Authenticate"]) != 1 {
				t.Errorf("%v: WWW-Authenticate: %q, want one value", tt.err, w.Header()["Www-Authenticate"])
			}
		}
		if seen == 0 {
			t.Error("no 401 among the answers")
		}
	}
}

// strict is the challenge that RFC 6750 §3 allows: a realm first, then each other
// parameter at most once, and only octets that need no escape.
var strict = regexp.MustCompile(`^Bearer realm="([ !#-\[\]-~]+)"(, error="([a-z_]+)")?(, error_description="[ !#-\[\]-~]+")?(, scope="([!#-\[\]-~]+(?: [!#-\[\]-~]+)*)")?$`)

func TestR15AtLeastOneParameter(t *testing.T) {
	for _, tt := range answers {
		w := serve(protect(refuser{tt.err}, nil), request(t, "Bearer token"))
		if value := w.Header().Get("WWW-Authenticate"); w.Code < 500 && !strict.MatchString(value) {
			t.Errorf("%v: WWW-Authenticate: %s", tt.err, value)
		}
	}
}

func TestR16NoCredentials(t *testing.T) {
	wantRefusal(t, serve(protect(newVerifier(t), nil), request(t)), 401, bare)
}

func TestR17MalformedRequest(t *testing.T) {
	wantRefusal(t, serve(protect(newVerifier(t), nil), request(t, "Bearer")), 400, unreadable)
}

// What the issuer signed, and what it did not, by the kind of its fault.
func TestR18InvalidToken(t *testing.T) {
	good := tokenOf(nil)
	tests := map[string]struct{ raw, description string }{
		"no JWT":             {"abc", "the access token is malformed"},
		"no JSON":            {"e30.e30.e30", "the access token is malformed"},
		"alg none":           {signed(`{"alg":"none"}`, "ed25519", nil), "the access token is signed with an algorithm that is not accepted here"},
		"alg HS256":          {signed(`{"alg":"HS256","kid":"ed25519"}`, "ed25519", nil), "the access token is signed with an algorithm that is not accepted here"},
		"typ logout+jwt":     {signed(`{"alg":"EdDSA","kid":"ed25519","typ":"logout+jwt"}`, "ed25519", nil), "this type of token is not accepted here"},
		"ID token":           {tokenOf(claims{"typ": "ID"}), "this type of token is not accepted here"},
		"bound to a key":     {tokenOf(claims{"cnf": claims{"jkt": "x"}}), "the access token is bound to a key and is not accepted as a bearer token"},
		"unknown kid":        {signed(`{"alg":"EdDSA","kid":"other"}`, "ed25519", nil), "the access token is signed with an unknown key"},
		"forged":             {good[:strings.LastIndex(good, ".")+1] + strings.Repeat("A", 86), "the signature of the access token is not valid"},
		"expired":            {tokenOf(claims{"exp": now - 600}), "the access token has expired"},
		"not yet valid":      {tokenOf(claims{"nbf": now + 600}), "the access token is not valid yet"},
		"another issuer":     {tokenOf(claims{"iss": "https://evil.example"}), "the access token is from another issuer"},
		"another audience":   {tokenOf(claims{"aud": "other-api"}), "the access token is not meant for this service"},
		"no expiry":          {tokenOf(claims{"exp": nil}), "a claim of the access token is missing or not acceptable"},
		"refused by a Check": {tokenOf(claims{"sub": "mallory"}), "a claim of the access token is missing or not acceptable"},
	}
	v := newVerifierOf(t, nil, func(_ context.Context, t *verifier.Token) error {
		if t.Subject() == "mallory" {
			return fmt.Errorf("mallory is banned")
		}
		return nil
	})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, serve(protect(v, nil), request(t, "Bearer "+tt.raw)), 401, fault(tt.description))
		})
	}
}

func TestR19InsufficientScope(t *testing.T) {
	h := protect(newVerifier(t), nil, verifier.Scopes("todos:read"), verifier.Scopes("todos:write", "todos:admin"))
	wantRefusal(t, serve(h, request(t, "Bearer "+tokenOf(nil))), 403, insufficient+`, scope="todos:write todos:admin"`)
	wantBody(t, serve(h, request(t, "Bearer "+tokenOf(claims{"scope": "todos:read todos:write todos:admin"}))), "alice")
}

func TestR20EachParameterOnce(t *testing.T) {
	quoted := regexp.MustCompile(`"[^"]*"`)
	for _, tt := range append(answers, answered{err: &verifier.Error{Kind: verifier.ErrForbidden, Scope: "error= scope= realm="}}) {
		w := serve(protect(refuser{tt.err}, &httpauth.Options{Logger: silent(), Realm: "error=, scope=, realm="}), request(t, "Bearer token"))
		names := quoted.ReplaceAllString(w.Header().Get("WWW-Authenticate"), "")
		for _, name := range []string{"realm=", "scope=", "error=", "error_description=", "error_uri="} {
			if strings.Count(names, " "+name) > 1 {
				t.Errorf("%v: %s occurs twice in %s", tt.err, name, w.Header().Get("WWW-Authenticate"))
			}
		}
	}
}

func TestR21NothingIsInjected(t *testing.T) {
	forbidden := func(scope string) verifier.Check {
		return func(context.Context, *verifier.Token) error {
			return &verifier.Error{Kind: verifier.ErrForbidden, Scope: scope}
		}
	}
	realms := map[string]string{
		"":                            "api",
		"todo api, v1":                "todo api, v1",
		`a", error="invalid_token`:    `a?, error=?invalid_token`,
		`back\slash`:                  `back?slash`,
		"line\r\nSet-Cookie: a=b":     "line??Set-Cookie: a=b",
		"tab\tnul\x00del\x7f":         "tab?nul?del?",
		"Überraschung":                "?berraschung",
		"not UTF-8 \xff\xfe":          "not UTF-8 ??",
		strings.Repeat("\u0130", 100): strings.Repeat("?", 100),
	}
	for realm, want := range realms {
		o := &httpauth.Options{Logger: silent(), Realm: realm}
		wantRefusal(t, serve(protect(newVerifier(t), o), request(t)), 401, `Bearer realm="`+want+`"`)
	}
	scopes := map[string]string{
		"a b":                        `, scope="a b"`,
		"":                           "",
		" ":                          "",
		"a  b":                       "",
		"a ":                         "",
		`a", error="invalid_token`:   "",
		`a\`:                         "",
		"a\r\nSet-Cookie: a=b":       "",
		"a\tb":                       "",
		"a\u00a0b":                   "",
		"a\xffb":                     "",
		"todos:read!#[]~ api://x/.*": `, scope="todos:read!#[]~ api://x/.*"`,
	}
	for scope, want := range scopes {
		w := serve(protect(newVerifier(t), nil, forbidden(scope)), request(t, "Bearer "+tokenOf(nil)))
		wantRefusal(t, w, 403, insufficient+want)
	}
	hostile := claims{"iss": "https://evil\", error=\"x\r\nX-Evil: 1"}
	w := serve(protect(newVerifier(t), nil), request(t, "Bearer "+tokenOf(hostile)))
	wantRefusal(t, w, 401, fault("the access token is from another issuer"))
}

// A realm, a scope and a kind of error make a strict challenge, or none.
func FuzzChallenge(f *testing.F) {
	f.Add("api", "a b", uint8(verifier.ErrForbidden))
	f.Add(`a"b\c`, "a\" b", uint8(verifier.ErrForbidden))
	f.Add("\r\n", "\xff", uint8(verifier.ErrExpired))
	f.Add("", "", uint8(verifier.ErrNoCredentials))
	f.Fuzz(func(t *testing.T, realm, scope string, kind uint8) {
		err := &verifier.Error{Kind: verifier.Kind(kind), Scope: scope}
		w := serve(protect(refuser{err}, &httpauth.Options{Logger: silent(), Realm: realm}), request(t, "Bearer token"))
		values := w.Header()["Www-Authenticate"]
		if w.Code >= 500 {
			if len(values) != 0 {
				t.Errorf("status %d with a challenge %q", w.Code, values)
			}
			return
		}
		if len(values) != 1 || !strict.MatchString(values[0]) {
			t.Fatalf("status %d, WWW-Authenticate: %q", w.Code, values)
		}
		if found := strict.FindStringSubmatch(values[0]); found[6] != "" && found[6] != scope {
			t.Errorf("scope %q became %q", scope, found[6])
		}
	})
}

func TestR22NothingIsEchoed(t *testing.T) {
	secret := "s3cret-value"
	tests := map[string]string{
		"iss":   tokenOf(claims{"iss": secret}),
		"aud":   tokenOf(claims{"aud": secret}),
		"sub":   tokenOf(claims{"sub": secret, "exp": now - 600}),
		"kid":   signed(`{"alg":"EdDSA","kid":"`+secret+`"}`, "ed25519", nil),
		"alg":   signed(`{"alg":"`+secret+`"}`, "ed25519", nil),
		"typ":   signed(`{"alg":"EdDSA","typ":"`+secret+`"}`, "ed25519", nil),
		"scope": tokenOf(claims{"scope": secret}),
	}
	for name, raw := range tests {
		w := serve(protect(newVerifier(t), nil, verifier.Scopes("todos:write")), request(t, "Bearer "+raw))
		if w.Code != 401 && w.Code != 403 {
			t.Errorf("%s: status %d, want 401 or 403", name, w.Code)
		}
		if seen := fmt.Sprint(w.Header(), w.Body); strings.Contains(seen, secret) {
			t.Errorf("%s is echoed: %s", name, seen)
		}
	}
	internal := &verifier.Error{Kind: verifier.ErrKeysUnavailable, Err: fmt.Errorf("dial tcp 10.0.0.7: %s", secret)}
	w := serve(protect(newVerifierOf(t, internal, nil), nil), request(t, "Bearer "+tokenOf(nil)))
	if seen := fmt.Sprint(w.Header(), w.Body); w.Code != 503 || strings.Contains(seen, secret) {
		t.Errorf("status %d, and the answer is %s", w.Code, seen)
	}
}

func TestR23KeysUnavailable(t *testing.T) {
	v := newVerifierOf(t, &verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: 4 * time.Second}, nil)
	w := serve(protect(v, nil), request(t, "Bearer "+tokenOf(nil)))
	wantRefusal(t, w, 503, "")
	if got := w.Header().Get("Retry-After"); got != "4" {
		t.Errorf("Retry-After: %q, want 4", got)
	}
	if strings.Contains(fmt.Sprint(w.Header(), w.Body), "invalid_token") {
		t.Error("the answer says invalid_token")
	}
	// Without credentials there is nothing to verify, so the outage does not matter.
	wantRefusal(t, serve(protect(v, nil), request(t)), 401, bare)
}

// The challenge of the scheme that was used has the error; another that an
// ErrorWriter adds has none.
func TestR26ErrorInOneChallengeOnly(t *testing.T) {
	o := &httpauth.Options{Logger: silent(), ErrorWriter: func(w http.ResponseWriter, _ *http.Request, refusal httpauth.Refusal) {
		w.Header().Add("WWW-Authenticate", `Basic realm="api"`)
		w.WriteHeader(refusal.Status)
	}}
	h := protect(newVerifier(t), o)
	w := serve(h, request(t, "Bearer "+tokenOf(claims{"exp": now - 600})))
	wantRefusal(t, w, 401, fault("the access token has expired")+` | Basic realm="api"`)
	wantRefusal(t, serve(h, request(t, "Basic eDp5")), 401, bare+` | Basic realm="api"`)
	// A challenge that stood there before does not survive: there is exactly one of ours.
	w = httptest.NewRecorder()
	w.Header().Set("WWW-Authenticate", `Bearer realm="old", error="invalid_request"`)
	protect(newVerifier(t), nil).ServeHTTP(w, request(t))
	wantRefusal(t, w, 401, bare)
}
