package devissuer_test

import (
	"bytes"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
)

const (
	issuerURL = "http://127.0.0.1:8080/dev-issuer"
	pageURL   = "http://localhost:5173"
	redirect  = pageURL + "/callback"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the provider library reports each refusal there
	goleak.VerifyTestMain(m)
}

// inProcess answers a client's requests with a handler, without a network, so that it works in a synctest bubble.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	got := r.Clone(r.Context())
	got.Host = r.URL.Host
	if r.Host != "" {
		got.Host = r.Host
	}
	if got.Body == nil {
		got.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, got)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// start returns an issuer and a client that reaches it and stops at redirects to other places.
func start(t *testing.T, o devissuer.Options) (*devissuer.Issuer, *http.Client) {
	t.Helper()
	if o.Issuer == "" {
		o.Issuer = issuerURL
	}
	if o.WebRedirects == nil {
		o.WebRedirects = []string{redirect}
	}
	issuer, err := devissuer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Transport: inProcess{issuer},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(r.URL.String(), o.Issuer+"/") {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	return issuer, client
}

func do(t *testing.T, client *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func request(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("not the JSON that was expected: %v", err)
	}
	return value
}

func TestDiscoveryNamesExactlyWhatIsServed(t *testing.T) {
	for _, at := range []string{"http://localhost:8080", issuerURL, "http://[::1]:9/a/b"} {
		t.Run(at, func(t *testing.T) {
			issuer, client := start(t, devissuer.Options{Issuer: at})
			answer, body := do(t, client, request(t, "GET", at+"/.well-known/openid-configuration", ""))
			if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("status %d, content type %q", answer.StatusCode, answer.Header.Get("Content-Type"))
			}
			want := map[string]any{
				"issuer":                                at,
				"authorization_endpoint":                at + "/authorize",
				"token_endpoint":                        at + "/oauth/token",
				"userinfo_endpoint":                     at + "/userinfo",
				"revocation_endpoint":                   at + "/revoke",
				"end_session_endpoint":                  at + "/end_session",
				"jwks_uri":                              at + "/keys",
				"scopes_supported":                      []any{"openid", "profile", "email", "offline_access", "todos:read", "todos:write"},
				"response_types_supported":              []any{"code"},
				"response_modes_supported":              []any{"query", "fragment", "form_post"},
				"grant_types_supported":                 []any{"authorization_code", "refresh_token", "client_credentials"},
				"subject_types_supported":               []any{"public"},
				"id_token_signing_alg_values_supported": []any{"RS256"},
				"token_endpoint_auth_methods_supported": []any{"none", "client_secret_basic", "client_secret_post"},
				"revocation_endpoint_auth_methods_supported": []any{
					"none", "client_secret_basic", "client_secret_post",
				},
				"claims_supported": []any{
					"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "client_id", "scope", "nonce", "auth_time", "at_hash",
					"c_hash", "name", "preferred_username", "email", "email_verified", "realm_access",
				},
				"code_challenge_methods_supported": []any{"S256"},
				"request_uri_parameter_supported":  false,
			}
			if got := decode[map[string]any](t, body); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			if issuer.URL() != at {
				t.Errorf("URL() = %q", issuer.URL())
			}
		})
	}
}

func TestMountedInAMuxBelowItsPath(t *testing.T) {
	issuer, _ := start(t, devissuer.Options{})
	mux := http.NewServeMux()
	mux.Handle(issuer.Path()+"/", issuer)
	client := &http.Client{Transport: inProcess{mux}}
	if answer, _ := do(t, client, request(t, "GET", issuerURL+"/keys", "")); answer.StatusCode != http.StatusOK {
		t.Errorf("keys: status %d", answer.StatusCode)
	}
	if answer, _ := do(t, client, request(t, "GET", "http://127.0.0.1:8080/keys", "")); answer.StatusCode != http.StatusNotFound {
		t.Errorf("keys outside of the issuer's path: status %d", answer.StatusCode)
	}
}

func TestWhatIsNotServedIsNotFound(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	for _, path := range []string{"", "/", "/oauth/introspect", "/device_authorization", "/healthz", "/ready", "x/keys", "//keys", "/./keys", "/x/../keys", "/%2e/keys"} {
		if answer, _ := do(t, client, request(t, "GET", issuerURL+path, "")); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%q: status %d", path, answer.StatusCode)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	cases := map[string]devissuer.Options{
		"no issuer":                    {},
		"another machine":              {Issuer: "http://192.0.2.1:8080"},
		"a name of another machine":    {Issuer: "https://id.example.com"},
		"a name that looks like ours":  {Issuer: "http://localhost.example.com"},
		"every interface":              {Issuer: "http://0.0.0.0:8080"},
		"no scheme":                    {Issuer: "127.0.0.1:8080"},
		"another scheme":               {Issuer: "ftp://127.0.0.1"},
		"a trailing slash":             {Issuer: "http://127.0.0.1:8080/"},
		"a trailing slash on the path": {Issuer: issuerURL + "/"},
		"a path with dots":             {Issuer: "http://127.0.0.1/a/../b"},
		"an escaped path":              {Issuer: "http://127.0.0.1/a%2Fb"},
		"a query":                      {Issuer: issuerURL + "?"},
		"a fragment":                   {Issuer: issuerURL + "#"},
		"user information":             {Issuer: "http://u:p@127.0.0.1"},
		"a redirect elsewhere":         {Issuer: issuerURL, WebRedirects: []string{"https://app.example.com/cb"}},
		"a script as redirect":         {Issuer: issuerURL, WebRedirects: []string{"javascript:alert(1)"}},
		"a redirect with a fragment":   {Issuer: issuerURL, WebRedirects: []string{redirect + "#x"}},
		"a web client called alice":    {Issuer: issuerURL, WebClientID: "alice"},
		"a lifetime below a second":    {Issuer: issuerURL, TokenLifetime: time.Millisecond},
		"a negative retention":         {Issuer: issuerURL, KeyRetention: -1},
	}
	for name, o := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := devissuer.New(o); err == nil {
				t.Error("accepted")
			} else if !strings.HasPrefix(err.Error(), "devissuer: Options.") {
				t.Errorf("the error names no field: %v", err)
			}
		})
	}
}

func TestRequestsForAnotherHostAreRefused(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	for host, want := range map[string]int{
		"127.0.0.1:8080":        http.StatusOK,
		"localhost:1234":        http.StatusOK,
		"LOCALHOST":             http.StatusOK,
		"[::1]:8080":            http.StatusOK,
		"rebound.example:8080":  http.StatusMisdirectedRequest,
		"127.0.0.1.example":     http.StatusMisdirectedRequest,
		"192.0.2.1:8080":        http.StatusMisdirectedRequest,
		"user@127.0.0.1.nip.io": http.StatusMisdirectedRequest,
	} {
		r := request(t, "GET", issuerURL+"/keys", "")
		r.Host = host
		if answer, _ := do(t, client, r); answer.StatusCode != want {
			t.Errorf("host %q: status %d, want %d", host, answer.StatusCode, want)
		}
	}
}

// A tunnel may rewrite Host to the loopback address, and then anybody could be alice.
func TestRequestsThatAProxyPassedOnAreRefused(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	for header, want := range map[string]int{
		"Forwarded":        http.StatusMisdirectedRequest,
		"X-Forwarded-For":  http.StatusMisdirectedRequest,
		"X-Forwarded-Host": http.StatusMisdirectedRequest,
		"X-Other":          http.StatusOK,
	} {
		for _, value := range []string{"192.0.2.1", ""} {
			r := request(t, "GET", issuerURL+"/keys", "")
			r.Header.Set(header, value)
			if answer, _ := do(t, client, r); answer.StatusCode != want {
				t.Errorf("%s %q: status %d, want %d", header, value, answer.StatusCode, want)
			}
		}
	}
}

func TestScriptsOfTheWebPageMayCallTheAPI(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	cases := []struct{ method, path, origin, want string }{
		{"GET", "/.well-known/openid-configuration", pageURL, pageURL},
		{"POST", "/oauth/token", pageURL, pageURL},
		{"GET", "/keys", pageURL, pageURL},
		{"GET", "/userinfo", pageURL, pageURL},
		{"POST", "/revoke", pageURL, pageURL},
		{"GET", "/keys", "http://localhost:5174", ""},
		{"POST", "/oauth/token", "https://evil.example", ""},
		{"POST", "/oauth/token", "null", ""},
		{"GET", "/login?id=x", pageURL, ""},
	}
	for _, c := range cases {
		r := request(t, c.method, issuerURL+c.path, "")
		r.Header.Set("Origin", c.origin)
		answer, _ := do(t, client, r)
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != c.want {
			t.Errorf("%s %s from %s: allowed origin %q, want %q", c.method, c.path, c.origin, got, c.want)
		}
		if answer.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s: credentials allowed", c.method, c.path)
		}
	}

	preflight := request(t, "OPTIONS", issuerURL+"/userinfo", "")
	preflight.Header.Set("Origin", pageURL)
	preflight.Header.Set("Access-Control-Request-Method", "GET")
	preflight.Header.Set("Access-Control-Request-Headers", "authorization")
	answer, _ := do(t, client, preflight)
	if answer.StatusCode != http.StatusNoContent || answer.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: status %d, allowed headers %q", answer.StatusCode, answer.Header.Get("Access-Control-Allow-Headers"))
	}
}

func TestWithoutRedirectsNoOriginIsAllowed(t *testing.T) {
	_, client := start(t, devissuer.Options{WebRedirects: []string{}})
	r := request(t, "GET", issuerURL+"/keys", "")
	r.Header.Set("Origin", pageURL)
	if answer, _ := do(t, client, r); answer.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin is allowed")
	}
}

func TestLongRequestsAreRefused(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	query := authorizeQuery(url.Values{"state": {strings.Repeat("s", 9<<10)}})
	if answer, _ := do(t, client, request(t, "GET", issuerURL+"/authorize?"+query.Encode(), "")); answer.StatusCode != http.StatusRequestURITooLong {
		t.Errorf("long query: status %d", answer.StatusCode)
	}
	answer, _ := do(t, client, request(t, "POST", issuerURL+"/authorize", query.Encode()))
	if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("long body: status %d, location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	slog.SetDefault(logger)
	defer slog.SetDefault(slog.New(slog.DiscardHandler))

	_, client := start(t, devissuer.Options{Logger: logger})
	tokens := logIn(t, client, "alice", nil)
	again := refresh(t, client, tokens.RefreshToken)
	secrets := []string{tokens.AccessToken, tokens.RefreshToken, tokens.IDToken, again.AccessToken, again.RefreshToken}
	for _, body := range []url.Values{
		{"grant_type": {"refresh_token"}, "client_id": {"todo-web"}, "refresh_token": {tokens.RefreshToken}},
		{"grant_type": {"client_credentials"}, "client_id": {"alice"}, "client_secret": {"wrong-secret-1"}},
		{"grant_type": {"authorization_code"}, "client_id": {"todo-web"}, "code": {"wrong-code-1"}, "redirect_uri": {redirect}},
	} {
		do(t, client, request(t, "POST", issuerURL+"/oauth/token", body.Encode()))
	}
	if !strings.Contains(log.String(), "user logged in") || !strings.Contains(log.String(), "request error") {
		t.Fatalf("the log misses what it should hold:\n%s", log.String())
	}
	for _, secret := range append(secrets, "wrong-secret-1", "wrong-code-1") {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds a secret:\n%s", log.String())
		}
	}
}
