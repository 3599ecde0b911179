package httpauth_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// now is the time at which all tests happen.
const now = 1_767_225_700

// claims are the members of a payload; nil takes a default away.
type claims map[string]any

// tokenOf signs a token for alice that is good but for what extra says.
func tokenOf(extra claims) string {
	return signed(`{"alg":"EdDSA","kid":"ed25519","typ":"at+jwt"}`, "ed25519", extra)
}

func signed(header, key string, extra claims) string {
	payload := claims{
		"iss": "https://id.example.com", "aud": "todo-api", "sub": "alice", "client_id": "todo-web",
		"iat": now - 10, "exp": now + 300, "scope": "todos:read todos:write",
	}
	maps.Copy(payload, extra)
	maps.DeleteFunc(payload, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return jwstest.Sign(jws.Named("EdDSA"), testdata.Key(key), header, string(text))
}

// keySet has one Ed25519 key, or an error.
type keySet struct {
	key *verifier.Key
	err error
}

func (s keySet) Keys(_ context.Context, kid string, _ verifier.Algorithm) ([]*verifier.Key, error) {
	if s.err != nil || kid != s.key.ID() {
		return nil, s.err
	}
	return []*verifier.Key{s.key}, nil
}

// newVerifier returns a real verifier.
func newVerifier(tb testing.TB) *verifier.Verifier {
	tb.Helper()
	return newVerifierOf(tb, nil, nil)
}

func newVerifierOf(tb testing.TB, outage error, check verifier.Check) *verifier.Verifier {
	tb.Helper()
	key, err := verifier.NewKey("ed25519", verifier.EdDSA, testdata.Key("ed25519").Public())
	if err != nil {
		tb.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     "https://id.example.com",
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.EdDSA},
		Keys:       keySet{key, outage},
		Check:      check,
		Now:        func() time.Time { return time.Unix(now, 0) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// verified returns the proof for a good token.
func verified(tb testing.TB, extra claims) *verifier.Token {
	tb.Helper()
	t, err := newVerifier(tb).Verify(tb.Context(), tokenOf(extra))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// refuser is a verifier that always has the same to say.
type refuser struct{ err error }

func (v refuser) Verify(context.Context, string) (*verifier.Token, error) { return nil, v.err }

// fixed returns the same token and no error.
type fixed struct{ token *verifier.Token }

func (v fixed) Verify(context.Context, string) (*verifier.Token, error) { return v.token, nil }

// counter counts the tokens that a real verifier is asked about.
type counter struct {
	*verifier.Verifier

	asked atomic.Int32
}

func (v *counter) Verify(ctx context.Context, raw string) (*verifier.Token, error) {
	v.asked.Add(1)
	return v.Verifier.Verify(ctx, raw)
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// logger returns a logger of every level.
func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// line returns the only line there is.
func (j *journal) line(tb testing.TB) map[string]any {
	tb.Helper()
	text := j.String()
	if strings.Count(text, "\n") != 1 {
		tb.Fatalf("logged %q, want one line", text)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(strings.TrimSpace(text)), &line); err != nil {
		tb.Fatal(err)
	}
	return line
}

// silent is a logger for tests that do not look at logs.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// whoami answers with the subject of the token in the context, or "nobody".
func whoami(w http.ResponseWriter, r *http.Request) {
	t, ok := verifier.FromContext(r.Context())
	if !ok {
		fmt.Fprint(w, "nobody")
		return
	}
	fmt.Fprint(w, t.Subject())
}

// request returns a GET request with these values of Authorization.
func request(tb testing.TB, authorization ...string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/todos", nil)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	return r
}

// serve lets a handler answer a request.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// protect puts whoami behind Require.
func protect(v httpauth.Verifier, o *httpauth.Options, checks ...verifier.Check) http.Handler {
	if o == nil {
		o = &httpauth.Options{Logger: silent()}
	}
	return httpauth.New(v, o).Require(checks...)(http.HandlerFunc(whoami))
}

// wantRefusal checks status and challenge.
func wantRefusal(tb testing.TB, w *httptest.ResponseRecorder, status int, challenge string) {
	tb.Helper()
	if w.Code != status {
		tb.Errorf("status %d, want %d", w.Code, status)
	}
	if got := strings.Join(w.Header()["Www-Authenticate"], " | "); got != challenge {
		tb.Errorf("WWW-Authenticate: %s\nwant              %s", got, challenge)
	}
	if strings.Contains(w.Body.String(), "alice") || w.Body.String() == "nobody" {
		tb.Errorf("the handler was called: %q", w.Body)
	}
}

// wantBody checks a successful answer.
func wantBody(tb testing.TB, w *httptest.ResponseRecorder, body string) {
	tb.Helper()
	if w.Code != http.StatusOK || w.Body.String() != body {
		tb.Errorf("answer %d %q, want 200 %q", w.Code, w.Body, body)
	}
}
