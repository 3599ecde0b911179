package httpauth_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

// answered is one row of the table of answers.
type answered struct {
	err        error
	status     int
	challenge  string
	retryAfter string
	level      string
}

// answers is the table of answers by kind. A description belongs to invalid_token
// only.
var answers = []answered{
	{verifier.ErrNoCredentials, 401, bare, "", "DEBUG"},
	{verifier.ErrInvalidRequest, 400, unreadable, "", "DEBUG"},
	{verifier.ErrInvalidToken, 401, fault("the access token is not valid"), "", "DEBUG"},
	{verifier.ErrMalformed, 401, fault("the access token is malformed"), "", "DEBUG"},
	{verifier.ErrAlgorithm, 401, fault("the access token is signed with an algorithm that is not accepted here"), "", "DEBUG"},
	{verifier.ErrType, 401, fault("this type of token is not accepted here"), "", "DEBUG"},
	{verifier.ErrBinding, 401, fault("the access token is bound to a key and is not accepted as a bearer token"), "", "DEBUG"},
	{verifier.ErrUnknownKey, 401, fault("the access token is signed with an unknown key"), "", "DEBUG"},
	{verifier.ErrSignature, 401, fault("the signature of the access token is not valid"), "", "DEBUG"},
	{verifier.ErrExpired, 401, fault("the access token has expired"), "", "DEBUG"},
	{verifier.ErrNotYetValid, 401, fault("the access token is not valid yet"), "", "DEBUG"},
	{verifier.ErrIssuer, 401, fault("the access token is from another issuer"), "", "DEBUG"},
	{verifier.ErrAudience, 401, fault("the access token is not meant for this service"), "", "DEBUG"},
	{verifier.ErrClaim, 401, fault("a claim of the access token is missing or not acceptable"), "", "DEBUG"},
	{verifier.ErrForbidden, 403, insufficient, "", "INFO"},
	{verifier.ErrKeysUnavailable, 503, "", "1", "WARN"},
	{&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: 6500 * time.Millisecond}, 503, "", "7", "WARN"},
	{&verifier.Error{Kind: verifier.ErrUnavailable, RetryAfter: time.Hour}, 503, "", "60", "WARN"},
	{verifier.ErrUnavailable, 503, "", "1", "WARN"},
	{verifier.ErrCanceled, 503, "", "1", "WARN"}, // and the request's context has not ended
	{context.DeadlineExceeded, 503, "", "1", "WARN"},
	{verifier.ErrMisconfigured, 500, "", "", "ERROR"},
	{verifier.Kind(0), 500, "", "", "ERROR"},
	{verifier.Kind(250), 500, "", "", "ERROR"},
	{errors.New("plain"), 500, "", "", "ERROR"},
}

const insufficient = `Bearer realm="api", error="insufficient_scope"`

func fault(description string) string {
	return `Bearer realm="api", error="invalid_token", error_description="` + description + `"`
}

func TestAnswers(t *testing.T) {
	for _, tt := range answers {
		for _, err := range []error{tt.err, fmt.Errorf("wrapped: %w", tt.err)} {
			t.Run(err.Error(), func(t *testing.T) {
				var logged journal
				h := protect(refuser{err}, &httpauth.Options{Logger: logged.logger()})
				w := serve(h, request(t, "Bearer token"))
				wantRefusal(t, w, tt.status, tt.challenge)
				if got := w.Header().Get("Retry-After"); got != tt.retryAfter {
					t.Errorf("Retry-After: %q, want %q", got, tt.retryAfter)
				}
				if got := w.Header().Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control: %q, want no-store", got)
				}
				wantProblem(t, w)
				line := logged.line(t)
				if line["level"] != tt.level || line["msg"] != "request refused" || line["kind"] != verifier.KindOf(err).String() {
					t.Errorf("logged %v, want level %s and kind %s", line, tt.level, verifier.KindOf(err))
				}
			})
		}
	}
}

// Every kind of package verifier has a row above.
func TestAnswersAreComplete(t *testing.T) {
	for kind := verifier.ErrInvalidToken; kind <= verifier.ErrMisconfigured; kind++ {
		if !slices.ContainsFunc(answers, func(row answered) bool { return verifier.KindOf(row.err) == kind }) {
			t.Errorf("no row for %v", kind)
		}
	}
}

// wantProblem checks a body of RFC 9457.
func wantProblem(tb testing.TB, w *httptest.ResponseRecorder) {
	tb.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		tb.Errorf("Content-Type: %q", got)
	}
	var problem struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil {
		tb.Fatalf("body %q: %v", w.Body, err)
	}
	if problem.Type != "about:blank" || problem.Status != w.Code || problem.Title != http.StatusText(w.Code) || problem.Detail == "" {
		tb.Errorf("problem %+v with status %d", problem, w.Code)
	}
	_, description, found := strings.Cut(w.Header().Get("Www-Authenticate"), `error_description="`)
	if found && problem.Detail+`"` != description {
		tb.Errorf("detail %q, error_description %q", problem.Detail, description)
	}
}

// An error of Verify and of a Check gets the same answer, if it has a kind.
func TestAnswersOfChecks(t *testing.T) {
	token := fixed{verified(t, nil)}
	for _, tt := range answers {
		if verifier.KindOf(tt.err) == 0 {
			continue
		}
		check := func(context.Context, *verifier.Token) error { return tt.err }
		w := serve(protect(token, nil, check), request(t, "Bearer token"))
		wantRefusal(t, w, tt.status, tt.challenge)
	}
}

func TestPlainErrorOfCheckIs403(t *testing.T) {
	var logged journal
	refused := func(context.Context, *verifier.Token) error { return errors.New("no admin") }
	h := protect(newVerifier(t), &httpauth.Options{Logger: logged.logger()}, refused)
	w := serve(h, request(t, "Bearer "+tokenOf(nil)))
	wantRefusal(t, w, 403, insufficient)
	line := logged.line(t)
	caller, _ := line["caller"].(map[string]any)
	if caller["sub"] != "alice" || !strings.Contains(fmt.Sprint(line["error"]), "no admin") {
		t.Errorf("logged %v, want alice and the reason", line)
	}
}

// The log names the route by its pattern: a URL has secrets and no bounds.
func TestLogNamesMethodAndPattern(t *testing.T) {
	var logged journal
	mux := http.NewServeMux()
	mux.Handle("/todos/{id}", protect(newVerifier(t), &httpauth.Options{Logger: logged.logger()}))
	r := request(t)
	r.URL.Path, r.Method = "/todos/secret", strings.Repeat("X", 100)
	serve(mux, r)
	line := logged.line(t)
	if line["pattern"] != "/todos/{id}" || line["method"] != strings.Repeat("X", 32) || line["status"] != 401.0 {
		t.Errorf("logged %v", line)
	}
	if strings.Contains(logged.String(), "secret") {
		t.Errorf("logged the path: %v", line)
	}
}

// A flood of refusals costs no texts that nobody reads.
func TestUnloggedErrorIsNotFormatted(t *testing.T) {
	o := &httpauth.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))}
	err := &verifier.Error{Kind: verifier.ErrExpired, Err: unreadError{t}}
	wantRefusal(t, serve(protect(refuser{err}, o), request(t, "Bearer token")), 401, fault("the access token has expired"))
}

type unreadError struct{ t *testing.T }

func (e unreadError) Error() string {
	e.t.Error("the text was asked for")
	return ""
}

func TestCanceled(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		level  string
	}{
		"kind":                       {verifier.ErrCanceled, 503, "DEBUG"},
		"bare":                       {context.Canceled, 503, "DEBUG"},
		"a deadline beside":          {context.DeadlineExceeded, 503, "DEBUG"},
		"a database that was called": {&verifier.Error{Kind: verifier.ErrUnavailable, Err: context.Canceled}, 503, "DEBUG"},
		"another failure":            {verifier.ErrKeysUnavailable, 503, "WARN"},
		"wiring":                     {&verifier.Error{Kind: verifier.ErrMisconfigured, Err: context.Canceled}, 500, "ERROR"},
		"the token":                  {verifier.ErrExpired, 401, "DEBUG"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var logged journal
			h := protect(refuser{tt.err}, &httpauth.Options{Logger: logged.logger()})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			w := serve(h, request(t, "Bearer token").WithContext(ctx))
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if tt.status == 503 && (w.Header().Get("Retry-After") != "1" || w.Header()["Www-Authenticate"] != nil) {
				t.Errorf("header %v, want Retry-After: 1 and no challenge", w.Header())
			}
			line := logged.line(t)
			message := "request refused"
			if tt.status == 503 && tt.level == "DEBUG" {
				message = "request canceled"
			}
			if line["level"] != tt.level || line["msg"] != message {
				t.Errorf("logged %v, want %s %q", line, tt.level, message)
			}
		})
	}
}

func TestHeadHasNoBody(t *testing.T) {
	r := request(t)
	r.Method = http.MethodHead
	w := serve(protect(newVerifier(t), nil), r)
	if w.Code != 401 || w.Body.Len() != 0 || w.Header().Get("Www-Authenticate") != bare {
		t.Errorf("answer %d %q %v", w.Code, w.Body, w.Header())
	}
}

// A refusal is another representation than what an outer handler prepared.
func TestRefusalDropsFieldsOfTheAnswerThatWas(t *testing.T) {
	h := protect(refuser{verifier.ErrKeysUnavailable}, nil)
	w := httptest.NewRecorder()
	for _, name := range []string{"Content-Length", "ETag", "Last-Modified", "WWW-Authenticate"} {
		w.Header().Set(name, "1")
	}
	w.Header().Set("Content-Encoding", "gzip") // of a middleware that compresses what it is given
	w.Header().Set("X-Request-Id", "7")
	h.ServeHTTP(w, request(t, "Bearer token"))
	want := http.Header{
		"Cache-Control": {"no-store"}, "Content-Encoding": {"gzip"}, "Content-Type": {"application/problem+json"}, "Retry-After": {"1"},
		"X-Content-Type-Options": {"nosniff"}, "X-Request-Id": {"7"},
	}
	if got := w.Header(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("header %v\nwant   %v", got, want)
	}
}

func TestErrorWriter(t *testing.T) {
	tests := map[string]struct {
		writer func(http.ResponseWriter, *http.Request, httpauth.Refusal)
		status int
		body   string
	}{
		"status and body": {func(w http.ResponseWriter, _ *http.Request, refusal httpauth.Refusal) {
			w.WriteHeader(refusal.Status)
			fmt.Fprint(w, refusal.Code, ": ", refusal.Description)
		}, 401, "invalid_token: the access token has expired"},
		"a status of its own": {func(w http.ResponseWriter, _ *http.Request, _ httpauth.Refusal) {
			w.WriteHeader(http.StatusNotFound)
		}, 404, ""},
		"early hints": {func(w http.ResponseWriter, _ *http.Request, _ httpauth.Refusal) {
			w.WriteHeader(http.StatusEarlyHints)
		}, 401, ""},
		"body alone": {func(w http.ResponseWriter, _ *http.Request, _ httpauth.Refusal) {
			fmt.Fprint(w, "sorry")
			fmt.Fprint(w, ", no")
		}, 401, "sorry, no"},
		"nothing": {func(http.ResponseWriter, *http.Request, httpauth.Refusal) {}, 401, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			called := false
			o := &httpauth.Options{Logger: silent(), ErrorWriter: func(w http.ResponseWriter, r *http.Request, refusal httpauth.Refusal) {
				called = true
				if w.Header().Get("WWW-Authenticate") != fault("the access token has expired") || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("header %v when the ErrorWriter is called", w.Header())
				}
				if refusal.Status != 401 || !errors.Is(refusal.Err, verifier.ErrExpired) {
					t.Errorf("refusal %+v", refusal)
				}
				tt.writer(w, r, refusal)
			}}
			server := httptest.NewServer(protect(newVerifier(t), o))
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+tokenOf(claims{"exp": now - 600}))
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if !called || answer.StatusCode != tt.status || string(body) != tt.body {
				t.Errorf("called: %t; answer %d %q, want %d %q", called, answer.StatusCode, body, tt.status, tt.body)
			}
		})
	}
}

// What a mistake in the program leads to: never an open door, never a crash.
func TestWiringMistakes(t *testing.T) {
	var logged journal
	useDefaultLogger(t, logged.logger())
	good := newVerifier(t)
	o := &httpauth.Options{}
	var none *httpauth.Auth
	tests := map[string]http.Handler{
		"nil Verifier":               protect(nil, o),
		"nil Verifier, Optional":     httpauth.New(nil, o).Optional(http.HandlerFunc(whoami)),
		"nil *verifier.Verifier":     protect((*verifier.Verifier)(nil), o),
		"zero verifier.Verifier":     protect(&verifier.Verifier{}, o),
		"nil Auth":                   none.Require()(http.HandlerFunc(whoami)),
		"nil Auth, Optional":         none.Optional(http.HandlerFunc(whoami)),
		"zero Auth":                  new(httpauth.Auth).Require()(http.HandlerFunc(whoami)),
		"nil handler in Require":     httpauth.New(good, o).Require()(nil),
		"nil handler in Optional":    httpauth.New(good, o).Optional(nil),
		"nil handler in HandlerFunc": httpauth.New(good, o).HandlerFunc(nil),
		"nil Check":                  protect(good, o, nil),
		"no token and no error":      protect(fixed{nil}, o),
		"a token that nobody made":   protect(fixed{&verifier.Token{}}, o),
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			before := strings.Count(logged.String(), `"level":"ERROR"`)
			wantRefusal(t, serve(h, request(t, "Bearer "+tokenOf(nil))), 500, "")
			if after := strings.Count(logged.String(), `"level":"ERROR"`); after != before+1 {
				t.Errorf("%d lines of level ERROR in the default log, want 1", after-before)
			}
		})
	}
	for _, name := range []string{"nil Verifier", "nil Verifier, Optional", "nil Auth", "nil Auth, Optional", "zero Auth"} {
		wantRefusal(t, serve(tests[name], request(t)), 500, "")
	}
}

// useDefaultLogger changes slog.Default for one test.
func useDefaultLogger(t *testing.T, logger *slog.Logger) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(logger)
	t.Cleanup(func() { slog.SetDefault(before) })
}

func TestRequireKeepsItsChecks(t *testing.T) {
	checks := []verifier.Check{verifier.Scopes("admin")}
	auth := httpauth.New(newVerifier(t), &httpauth.Options{Logger: silent()})
	required := auth.Require(checks...)(http.HandlerFunc(whoami))
	handler := auth.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *verifier.Token) { whoami(w, r) }, checks...)
	checks[0] = verifier.Scopes("todos:read")
	for _, h := range []http.Handler{required, handler} {
		wantRefusal(t, serve(h, request(t, "Bearer "+tokenOf(nil))), 403, insufficient+`, scope="admin"`)
	}
}

// The body of a refused request is not read.
func TestRefusalLeavesTheBody(t *testing.T) {
	body := &neverRead{t}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
	wantRefusal(t, serve(protect(newVerifier(t), nil), r), 401, bare)
}

type neverRead struct{ t *testing.T }

func (b *neverRead) Read([]byte) (int, error) {
	b.t.Error("the body was read")
	return 0, io.EOF
}
