package conformance

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/bearerproof/bearerproof/adapters/chiauth"
	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

// patience is for a server of this machine.
const patience = 10 * time.Second

// httpLimit is what net/http reads of a header by default: 1 MiB, and some more.
const httpLimit = http.DefaultMaxHeaderBytes + 4096

// netHTTPDoor is httpauth on a server of net/http.
func netHTTPDoor() door {
	return door{
		name:      "net/http",
		transport: "http",
		now:       stopped,
		limit:     httpLimit,
		unable:    func(Row) string { return "" },
		open: func(t *testing.T, c Config) gate {
			return serve(t, newHTTPAuth(t, c).HandlerFunc(func(w http.ResponseWriter, _ *http.Request, token *verifier.Token) {
				_, _ = io.WriteString(w, token.Subject())
			}))
		},
	}
}

// chiDoor is chiauth on a router of chi.
func chiDoor() door {
	return door{
		name:      "chi",
		transport: "http",
		now:       stopped,
		limit:     httpLimit,
		unable:    func(Row) string { return "" },
		open: func(t *testing.T, c Config) gate {
			router := chi.NewRouter()
			chiauth.Group(router, newHTTPAuth(t, c), func(r chi.Router) {
				r.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
					if token, found := verifier.FromContext(r.Context()); found {
						_, _ = io.WriteString(w, token.Subject())
					}
				})
			})
			return serve(t, router)
		},
	}
}

func newHTTPAuth(t *testing.T, c Config) *httpauth.Auth {
	t.Helper()
	return httpauth.New(newVerifier(t, c), &httpauth.Options{Realm: "todo", Logger: slog.New(slog.DiscardHandler)})
}

func serve(t *testing.T, h http.Handler) gate {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.Start()
	t.Cleanup(server.Close)
	return httpGate(server.Listener.Addr().String(), http.MethodPost)
}

// httpGate writes requests to a socket itself, because a client of net/http refuses to
// send some of them. A request with a body has the given method.
func httpGate(address, withBody string) gate {
	return func(t *testing.T, r request) reply {
		t.Helper()
		conn, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		// The server may answer, and stop reading, before it has all.
		written := make(chan struct{})
		go func() {
			defer close(written)
			_, _ = io.WriteString(conn, httpText(r.Credential, withBody))
		}()
		defer func() { _ = conn.Close(); <-written }()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return reply{byTransport, "no answer: " + err.Error()}
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return reply{"broken", err.Error()}
		}
		return httpReply(response, string(body))
	}
}

// httpText is a request of HTTP/1.1. The credential comes before Host, so that a line
// break in it cannot end the header after all that a request needs.
func httpText(c Credential, withBody string) string {
	method := http.MethodGet
	if c.Body != "" {
		method = withBody
	}
	target := "/me"
	if c.Query != "" {
		target += "?" + c.Query
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\n", method, target)
	for _, field := range c.Fields {
		text.WriteString(field + "\r\n")
	}
	text.WriteString("Host: api.example.com\r\nConnection: close\r\n")
	if c.Body != "" {
		fmt.Fprintf(&text, "Content-Length: %d\r\n", len(c.Body))
	}
	text.WriteString("\r\n" + c.Body)
	return text.String()
}

// httpReply reads an answer as DESIGN has it (RFC 6750 §3).
func httpReply(response *http.Response, body string) reply {
	challenges := response.Header.Values("WWW-Authenticate")
	text := fmt.Sprintf("%d %q %s", response.StatusCode, challenges, body)
	switch {
	case response.StatusCode == http.StatusOK && strings.Contains(body, "alice"):
		return reply{"accepted", text}
	case response.Header.Get("Content-Type") != "application/problem+json":
		return reply{byTransport, text}
	case len(challenges) != 1 || response.Header.Get("Cache-Control") != "no-store":
		return reply{"odd", text}
	}
	answer := fmt.Sprintf("%d %s", response.StatusCode, challenges[0])
	const invalid = `401 Bearer realm="todo", error="invalid_token", error_description="`
	switch description, found := strings.CutPrefix(answer, invalid); {
	case found:
		return reply{described()[strings.TrimSuffix(description, `"`)], text}
	case answer == `401 Bearer realm="todo"`:
		return reply{verifier.ErrNoCredentials.String(), text}
	case answer == `400 Bearer realm="todo", error="invalid_request"`:
		return reply{verifier.ErrInvalidRequest.String(), text}
	}
	return reply{"odd", text}
}

// described has the kinds of invalid_token, by the descriptions that clients get.
func described() map[string]string {
	return map[string]string{
		"the access token is malformed":                                            "malformed",
		"the access token is signed with an algorithm that is not accepted here":   "algorithm",
		"this type of token is not accepted here":                                  "type",
		"the access token is bound to a key and is not accepted as a bearer token": "binding",
		"the access token is signed with an unknown key":                           "unknown_key",
		"the signature of the access token is not valid":                           "signature",
		"the access token has expired":                                             "expired",
		"the access token is not valid yet":                                        "not_yet_valid",
		"the access token is from another issuer":                                  "issuer",
		"the access token is not meant for this service":                           "audience",
		"a claim of the access token is missing or not acceptable":                 "claim",
	}
}
