package migrate

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
)

// way is a library that the page comes from.
type way struct {
	name          string
	before, after func(context.Context, *issuertest.Issuer) (http.Handler, error)
}

// at makes a service of the constructors that take the issuer alone.
func at(serve func(context.Context, string) (http.Handler, error)) func(context.Context, *issuertest.Issuer) (http.Handler, error) {
	return func(ctx context.Context, idp *issuertest.Issuer) (http.Handler, error) { return serve(ctx, idp.URL()) }
}

// withKeysAt makes a service of the constructors that take the address of the keys too.
func withKeysAt(serve func(context.Context, string, string) (http.Handler, error)) func(context.Context, *issuertest.Issuer) (http.Handler, error) {
	return func(ctx context.Context, idp *issuertest.Issuer) (http.Handler, error) {
		return serve(ctx, idp.URL(), idp.KeySet().URL())
	}
}

var ways = []way{
	{"go-oidc", at(goOIDCBefore), at(goOIDCAfter)},
	{"keyfunc + golang-jwt", withKeysAt(keyfuncBefore), withKeysAt(keyfuncAfter)},
	{"go-jwt-middleware", at(jwtMiddlewareBefore), at(jwtMiddlewareAfter)},
}

// good is a token as the service wants it.
var good = issuertest.Claims{"aud": "todo-api", "scope": "todos:read todos:write", "name": "Alice"}

// with returns the claims of good, and these.
func with(claims issuertest.Claims) issuertest.Claims {
	all := issuertest.Claims{}
	for _, some := range []issuertest.Claims{good, claims} {
		for name, value := range some {
			all[name] = value
		}
	}
	return all
}

// behaviour is a line of the page's table: what is sent, and what each service answers.
type behaviour struct {
	what  string
	send  func(*issuertest.Issuer, *http.Request)
	want  [3]int // before, in the order of ways; 0: the service does not start
	after int
}

// bearing sends a token of these claims as a client should.
func bearing(claims issuertest.Claims) func(*issuertest.Issuer, *http.Request) {
	return func(idp *issuertest.Issuer, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+idp.Token(with(claims)))
	}
}

// field sends the field's value, in which TOKEN is a good token.
func field(value string) func(*issuertest.Issuer, *http.Request) {
	return func(idp *issuertest.Issuer, r *http.Request) {
		r.Header.Add("Authorization", strings.ReplaceAll(value, "TOKEN", idp.Token(good)))
	}
}

// posting changes the request to one that writes.
func posting(send func(*issuertest.Issuer, *http.Request)) func(*issuertest.Issuer, *http.Request) {
	return func(idp *issuertest.Issuer, r *http.Request) {
		r.Method = http.MethodPost
		send(idp, r)
	}
}

func twice(idp *issuertest.Issuer, r *http.Request) {
	field("Bearer TOKEN")(idp, r)
	field("Bearer TOKEN")(idp, r)
}

func forged(idp *issuertest.Issuer, r *http.Request) {
	token := idp.NewKey(idp.Key().Algorithm()).Token(with(nil))
	ours := idp.Token(with(nil))
	// The header is that of a good token, so that its key is asked.
	r.Header.Set("Authorization", "Bearer "+ours[:strings.LastIndexByte(ours, '.')]+token[strings.LastIndexByte(token, '.'):])
}

func nothing(*issuertest.Issuer, *http.Request) {}

// behaviours returns the lines. Times are by the clock of the machine.
func behaviours() []behaviour {
	now := time.Now()
	return []behaviour{
		{"a good token", bearing(nil), [3]int{200, 200, 200}, 200},
		{"a good token that writes", posting(bearing(nil)), [3]int{201, 201, 201}, 201},
		{"a token that may not write writes", posting(bearing(issuertest.Claims{"scope": "todos:read"})), [3]int{403, 403, 403}, 403},
		{"a scope that only begins with the right one", posting(bearing(issuertest.Claims{"scope": "todos:write-not"})), [3]int{403, 403, 403}, 403},
		{"no token", nothing, [3]int{401, 401, 401}, 401},
		{"`bearer` in lower case", field("bearer TOKEN"), [3]int{401, 401, 200}, 200},
		{"the token without its scheme", field("TOKEN"), [3]int{401, 200, 400}, 401},
		{"a second word behind the token", field("Bearer TOKEN x"), [3]int{401, 401, 400}, 400},
		{"two `Authorization` fields", twice, [3]int{200, 200, 400}, 400},
		{"a forged signature", forged, [3]int{401, 401, 401}, 401},
		{"another audience", bearing(issuertest.Claims{"aud": "other-api"}), [3]int{401, 401, 401}, 401},
		{"another issuer", bearing(issuertest.Claims{"iss": "https://id.example.com"}), [3]int{401, 401, 401}, 401},
		{"expired an hour ago", bearing(issuertest.Claims{"exp": now.Add(-time.Hour)}), [3]int{401, 401, 401}, 401},
		{"expired 10 s ago", bearing(issuertest.Claims{"exp": now.Add(-10 * time.Second)}), [3]int{401, 401, 401}, 200},
		{"no `exp`", bearing(issuertest.Claims{"exp": nil}), [3]int{401, 200, 200}, 401},
		{"`nbf` in two minutes", bearing(issuertest.Claims{"nbf": now.Add(2 * time.Minute)}), [3]int{200, 401, 401}, 401},
		{"`iat` in an hour", bearing(issuertest.Claims{"iat": now.Add(time.Hour)}), [3]int{200, 200, 401}, 401},
		{"an ID token for our audience (Keycloak's `typ: ID`)", bearing(issuertest.Claims{"typ": "ID"}), [3]int{200, 200, 200}, 401},
		{"a token bound to a client certificate (`cnf`), as a bearer token", bearing(issuertest.Claims{"cnf": map[string]string{"x5t#S256": "x"}}), [3]int{200, 200, 200}, 401},
	}
}

// served is what a service answers.
func served(h http.Handler, idp *issuertest.Issuer, send func(*issuertest.Issuer, *http.Request)) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/todos", nil)
	send(idp, r)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestBothSidesAnswerAsThePageSays(t *testing.T) {
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			idp := issuertest.Listen(t, nil)
			idp.Key() // published, before keys are fetched
			before, err := w.before(t.Context(), idp)
			if err != nil {
				t.Fatal(err)
			}
			after, err := w.after(t.Context(), idp)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range behaviours() {
				if got := served(before, idp, b.send).StatusCode; got != b.want[i] {
					t.Errorf("before, %s: %d, want %d", b.what, got, b.want[i])
				}
				got := served(after, idp, b.send)
				if got.StatusCode != b.after {
					t.Errorf("after, %s: %d, want %d", b.what, got.StatusCode, b.after)
				}
				if challenged := got.Header.Get("WWW-Authenticate") != ""; challenged != (got.StatusCode >= 400) {
					t.Errorf("after, %s: %d with the challenge %q", b.what, got.StatusCode, got.Header.Get("WWW-Authenticate"))
				}
			}
		})
	}
}

// outage is a line of the page's table about an issuer that is away.
type outage struct {
	what  string
	warm  bool // the services have seen a good token before
	want  [3]int
	after int
}

var outages = []outage{
	{"issuer away since before the start, a good token", false, [3]int{0, 401, 401}, 503},
	{"issuer away since a minute, a good token", true, [3]int{200, 200, 200}, 200},
}

func TestOutagesAreAnsweredAsThePageSays(t *testing.T) {
	for i, w := range ways {
		for _, o := range outages {
			t.Run(w.name+"/"+o.what, func(t *testing.T) {
				idp := issuertest.Listen(t, nil)
				idp.Key()
				if !o.warm {
					idp.Stop()
				}
				status := func(serve func(context.Context, *issuertest.Issuer) (http.Handler, error)) int {
					h, err := serve(t.Context(), idp)
					if err != nil {
						return 0
					}
					if o.warm {
						served(h, idp, bearing(nil))
						idp.Stop()
						defer idp.Resume()
					}
					return served(h, idp, bearing(nil)).StatusCode
				}
				if got := status(w.before); got != o.want[i] {
					t.Errorf("before: %d, want %d", got, o.want[i])
				}
				if got := status(w.after); got != o.after {
					t.Errorf("after: %d, want %d", got, o.after)
				}
			})
		}
	}
}

// table is the page's, as the tests above hold it.
func table() string {
	var b strings.Builder
	b.WriteString("| request |")
	for _, w := range ways {
		fmt.Fprintf(&b, " %s |", w.name)
	}
	b.WriteString(" after |\n|" + strings.Repeat("---|", len(ways)+2) + "\n")
	line := func(what string, before [3]int, after int) {
		fmt.Fprintf(&b, "| %s |", what)
		for _, status := range before {
			cell := strconv.Itoa(status)
			switch {
			case status == 0:
				cell = "**does not start**"
			case status != after:
				cell = "**" + cell + "**"
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		fmt.Fprintf(&b, " %d |\n", after)
	}
	for _, row := range behaviours() {
		line(row.what, row.want, row.after)
	}
	for _, row := range outages {
		line(row.what, row.want, row.after)
	}
	return b.String()
}
