package httpauth_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

const (
	bare       = `Bearer realm="api"`
	unreadable = `Bearer realm="api", error="invalid_request"`
)

func TestR1BearerToken(t *testing.T) {
	w := serve(protect(newVerifier(t), nil), request(t, "Bearer "+tokenOf(nil)))
	wantBody(t, w, "alice")
}

func TestR2SchemeInAnyCase(t *testing.T) {
	for _, scheme := range []string{"bearer", "BEARER", "bEaReR"} {
		w := serve(protect(newVerifier(t), nil), request(t, scheme+" "+tokenOf(nil)))
		wantBody(t, w, "alice")
	}
}

// sent is a request on the wire and its answer. Go's client refuses to send some of
// these fields.
type sent struct {
	name      string
	fields    []string
	status    int
	challenge string
}

func TestR3OneCredential(t *testing.T) {
	good := tokenOf(nil)
	send(t, []sent{
		{"one space", []string{"Authorization: Bearer " + good}, 200, ""},
		{"several spaces", []string{"Authorization: Bearer    " + good}, 200, ""},
		{"white space around the field", []string{"Authorization: \t Bearer " + good + " \t "}, 200, ""},
		{"the field's name in another case", []string{"aUTHORIZATION: Bearer " + good}, 200, ""},
		{"tab", []string{"Authorization: Bearer\t" + good}, 400, unreadable},
		{"space and tab", []string{"Authorization: Bearer \t" + good}, 400, unreadable},
		{"second word", []string{"Authorization: Bearer " + good + " more"}, 400, unreadable},
		{"comma before", []string{"Authorization: , Bearer " + good}, 400, unreadable},
		{"comma behind", []string{"Authorization: Bearer " + good + ","}, 400, unreadable},
		{"quoted", []string{`Authorization: Bearer "` + good + `"`}, 400, unreadable},
	})
}

func TestR4Base64TokenOnTheWire(t *testing.T) {
	good := tokenOf(nil)
	send(t, []sent{
		{"no b64token", []string{"Authorization: Bearer a.b.c%20"}, 400, unreadable},
		{"octets above ASCII", []string{"Authorization: Bearer " + good + "\xff"}, 400, unreadable},
		{"padding inside", []string{"Authorization: Bearer a=b"}, 400, unreadable},
	})
}

func TestR5EmptyToken(t *testing.T) {
	send(t, []sent{
		{"scheme alone", []string{"Authorization: Bearer"}, 400, unreadable},
		{"scheme and spaces", []string{"Authorization: Bearer   "}, 400, unreadable},
		{"empty field", []string{"Authorization:"}, 400, unreadable},
	})
}

func TestR6SingleField(t *testing.T) {
	good := tokenOf(nil)
	send(t, []sent{
		{"two lines", []string{"Authorization: Bearer " + good, "Authorization: Bearer " + good}, 400, unreadable},
		{"two lines in different cases", []string{"Authorization: Bearer " + good, "authorization: Bearer other"}, 400, unreadable},
		{"another scheme first", []string{"Authorization: Basic eDp5", "Authorization: Bearer " + good}, 400, unreadable},
		{"another scheme last", []string{"Authorization: Bearer " + good, "Authorization: Basic eDp5"}, 400, unreadable},
		{"an empty line first", []string{"Authorization:", "Authorization: Bearer " + good}, 400, unreadable},
		{"joined by a comma", []string{"Authorization: Bearer " + good + ", Bearer " + good}, 400, unreadable},
		{"another scheme joined by a comma", []string{"Authorization: Basic eDp5, Bearer " + good}, 400, unreadable},
	})
}

func TestR11OtherSchemeOnTheWire(t *testing.T) {
	good := tokenOf(nil)
	send(t, []sent{
		{"another scheme", []string{"Authorization: Basic eDp5"}, 401, bare},
		{"a scheme that starts alike", []string{"Authorization: BearerX " + good}, 401, bare},
	})
}

func TestR12ProxyAuthorizationOnTheWire(t *testing.T) {
	good := tokenOf(nil)
	send(t, []sent{
		{"Proxy-Authorization", []string{"Proxy-Authorization: Bearer " + good}, 401, bare},
		{"Proxy-Authorization beside", []string{"Proxy-Authorization: Bearer other", "Authorization: Bearer " + good}, 200, ""},
	})
}

// send compares the answers of a server with what is wanted.
func send(t *testing.T, requests []sent) {
	t.Helper()
	server := httptest.NewServer(protect(newVerifier(t), nil))
	defer server.Close()
	for _, tt := range requests {
		t.Run(tt.name, func(t *testing.T) {
			answer, body := exchange(t, server, "GET /todos HTTP/1.1\r\nHost: api\r\nConnection: close\r\n"+strings.Join(tt.fields, "\r\n")+"\r\n\r\n")
			if answer.StatusCode != tt.status {
				t.Errorf("status %d, want %d", answer.StatusCode, tt.status)
			}
			if got := strings.Join(answer.Header["Www-Authenticate"], " | "); got != tt.challenge {
				t.Errorf("WWW-Authenticate: %s\nwant              %s", got, tt.challenge)
			}
			if called := body == "alice" || body == "nobody"; called != (tt.status == 200) {
				t.Errorf("body %q with status %d", body, answer.StatusCode)
			}
		})
	}
}

// exchange sends octets to a server and reads the answer to a GET request.
func exchange(t *testing.T, server *httptest.Server, octets string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, octets); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodGet})
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

func TestR4NotParsed(t *testing.T) {
	v := &counter{Verifier: newVerifier(t)}
	w := serve(protect(v, nil), request(t, "Bearer "+tokenOf(nil)+"\n"))
	wantRefusal(t, w, 400, unreadable)
	if asked := v.asked.Load(); asked != 0 {
		t.Errorf("the verifier was asked %d times about what is no token", asked)
	}
}

// The methods of RFC 6750 §2.2 and §2.3 are not enabled, so a second token is not a
// second method.
func TestR7HeaderDecidesAlone(t *testing.T) {
	h := protect(newVerifier(t), nil)
	other := tokenOf(claims{"sub": "mallory"})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/todos?access_token="+other, strings.NewReader("access_token="+other))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+tokenOf(nil))
	wantBody(t, serve(h, r), "alice")
}

func TestR8QueryTokenIgnored(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/todos?access_token="+tokenOf(nil), nil)
	wantRefusal(t, serve(protect(newVerifier(t), nil), r), 401, bare)
}

func TestR9BodyTokenIgnoredAndBodyLeftAlone(t *testing.T) {
	form := url.Values{"access_token": {tokenOf(nil)}, "title": {"milk"}}.Encode()
	post := func(authorization ...string) *http.Request {
		r := request(t, authorization...)
		r.Method, r.Body = http.MethodPost, io.NopCloser(strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent()})
	h := auth.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *verifier.Token) {
		_, _ = io.Copy(w, r.Body)
	})
	wantRefusal(t, serve(h, post()), 401, bare)
	wantBody(t, serve(h, post("Bearer "+tokenOf(nil))), form)
}

// A token in the query authenticates nobody, so all that is left of the row is that
// no shared cache may keep the answer.
func TestR10QueryTokenAnswerIsNotShared(t *testing.T) {
	h := protect(newVerifier(t), nil)
	for want, authorization := range map[string][]string{"no-store": nil, "private": {"Bearer " + tokenOf(nil)}} {
		r := request(t, authorization...)
		r.URL.RawQuery = "access_token=" + tokenOf(nil)
		if got := serve(h, r).Header().Get("Cache-Control"); got != want {
			t.Errorf("Cache-Control: %s, want %s", got, want)
		}
	}
}

func TestR11OtherSchemeIsNoCredential(t *testing.T) {
	for _, value := range []string{"Basic eDp5", "DPoP " + tokenOf(nil), "Negotiate", `Digest username="x", uri="/"`} {
		wantRefusal(t, serve(protect(newVerifier(t), nil), request(t, value)), 401, bare)
	}
}

func TestR12ProxyAuthorizationNeverConsulted(t *testing.T) {
	r := request(t)
	r.Header.Set("Proxy-Authorization", "Bearer "+tokenOf(nil))
	wantRefusal(t, serve(protect(newVerifier(t), nil), r), 401, bare)
}

func TestR13TokenNowhere(t *testing.T) {
	good := tokenOf(nil)
	bad := map[string]string{
		"forged":   good[:strings.LastIndex(good, ".")+1] + strings.Repeat("A", 86),
		"expired":  tokenOf(claims{"exp": now - 600}),
		"no scope": tokenOf(claims{"scope": "other"}),
		"no JWT":   "opaque-secret-token-0123456789",
	}
	for name, raw := range bad {
		t.Run(name, func(t *testing.T) {
			var logged journal
			h := protect(newVerifier(t), &httpauth.Options{Logger: logged.logger()}, verifier.Scopes("todos:write"))
			r := request(t, "Bearer "+raw)
			r.URL.RawQuery = "access_token=" + raw
			r.Header.Set("X-Copy", raw)
			w := serve(h, r)
			if w.Code != 401 && w.Code != 403 {
				t.Errorf("status %d, want 401 or 403", w.Code)
			}
			logged.line(t)
			seen := logged.String() + w.Body.String() + fmt.Sprint(w.Header())
			for part := range strings.SplitSeq(raw, ".") {
				if strings.Contains(seen, part) {
					t.Errorf("log or answer has a part of the token: %s", seen)
				}
			}
		})
	}
}

func TestR13TokenNotInPanics(t *testing.T) {
	var logged journal
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent()})
	server := httptest.NewUnstartedServer(auth.Require()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		panic(fmt.Sprint("with context ", r.Context()))
	})))
	server.Config.ErrorLog = log.New(&logged, "", 0)
	server.Start()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw := tokenOf(nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	if answer, err := server.Client().Do(r); err == nil {
		answer.Body.Close()
		t.Errorf("status %d from a handler that panics", answer.StatusCode)
	}
	server.Close() // waits for the log
	if !strings.Contains(logged.String(), "with context") {
		t.Fatalf("logged %q, want the panic", logged.String())
	}
	for part := range strings.SplitSeq(raw, ".") {
		if strings.Contains(logged.String(), part) {
			t.Errorf("the panic's trace has a part of the token: %s", logged.String())
		}
	}
}

func TestR13CredentialRemoved(t *testing.T) {
	tests := map[bool]string{true: "", false: "Bearer " + tokenOf(nil)}
	for remove, want := range tests {
		t.Run(fmt.Sprint(remove), func(t *testing.T) {
			auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent(), RemoveCredential: remove})
			seen := "not called"
			h := auth.Require()(auth.Require()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				seen = strings.Join(r.Header["Authorization"], " | ")
				if r.Header.Get("X-Other") != "kept" {
					t.Error("another field was removed")
				}
			})))
			r := request(t, "Bearer "+tokenOf(nil))
			r.Header.Set("X-Other", "kept")
			serve(h, r)
			if seen != want {
				t.Errorf("the handler saw Authorization: %q, want %q", seen, want)
			}
			if r.Header.Get("Authorization") == "" {
				t.Error("the request outside of the middleware lost its credential")
			}
		})
	}
}
