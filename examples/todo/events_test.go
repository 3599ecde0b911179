package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// stream is an answer of events, read one by one.
type stream struct {
	answer *http.Response
	lines  *bufio.Reader
}

// openStream opens a stream of events as the bearer of the token and waits until it
// is ready.
func openStream(t *testing.T, client *http.Client, url, token string) *stream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/todos/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	s := &stream{answer: answer, lines: bufio.NewReader(answer.Body)}
	if answer.StatusCode != 200 {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("the stream is %d %s", answer.StatusCode, text)
	}
	if got := s.next(); got != "event: ready\ndata: {}\n" {
		t.Fatalf("the stream begins with %q", got)
	}
	return s
}

// next returns the next event or comment without the empty line after it, or the
// error that ends the stream.
func (s *stream) next() string {
	var event strings.Builder
	for {
		line, err := s.lines.ReadString('\n')
		switch {
		case err != nil:
			return err.Error()
		case line == "\n":
			return event.String()
		}
		event.WriteString(line)
	}
}

func (s *stream) want(t *testing.T, want ...string) {
	t.Helper()
	for _, want := range want {
		if got := s.next(); got != want {
			t.Fatalf("the stream has %q, want %q", got, want)
		}
	}
}

func TestTheEventStreamTellsTheCallersChanges(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *service) {
		alice := s.full("alice")
		events := openStream(t, limited(), s.url, alice)
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"} {
			if got := events.answer.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := events.answer.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("Cache-Control is %q", got)
		}
		s.do(t, request{method: "POST", path: "/todos", token: s.full("bob"), body: `{"title":"not hers"}`})
		created := s.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"a\nb\r\n\ndata: c\u2028"}`})
		events.want(t, fmt.Sprintf("event: created\ndata: {\"todo\":%s,\"etag\":\"\\\"1\\\"\"}\n", strings.TrimSpace(created.body)))
		path := created.header.Get("Location")
		updated := s.do(t, request{method: "PATCH", path: path, token: alice, body: `{"done":true}`})
		events.want(t, fmt.Sprintf("event: updated\ndata: {\"todo\":%s,\"etag\":\"\\\"2\\\"\"}\n", strings.TrimSpace(updated.body)))
		s.do(t, request{method: "DELETE", path: path, token: alice})
		events.want(t, fmt.Sprintf("event: deleted\ndata: {\"id\":%q}\n", strings.TrimPrefix(path, "/todos/")))
		s.store.EndWatches()
		events.want(t, "event: stopping\ndata: {}\n", io.EOF.Error())
		if got := s.do(t, request{method: "GET", path: "/todos/events", token: alice}); got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "stopping") {
			t.Errorf("a stream of a server that stops: %d %s, want 503", got.status, got.body)
		}
	})
}

func TestAHeadOfTheEventStreamEnds(t *testing.T) {
	s := newService(t)
	for range maxWatches + 1 { // one that went on would keep its place
		got := s.do(t, request{method: "HEAD", path: "/todos/events", token: s.full("alice")})
		if got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" || got.body != "" {
			t.Fatalf("HEAD gave %d %v %q", got.status, got.header, got.body)
		}
	}
}

// One owner's watches are counted together, whichever way they come.
func TestOneOwnersEventStreamsAreBounded(t *testing.T) {
	s := newService(t)
	alice := s.full("alice")
	for range maxWatches - 1 {
		openStream(t, limited(), s.url, alice)
	}
	if !s.api.watchers.enter("alice") { // as WatchTodos does
		t.Fatal("no place is left for the last watch")
	}
	got := s.do(t, request{method: "GET", path: "/todos/events", token: alice})
	if p := fromJSON[problem](t, got.body); got.status != 429 || p.Status != 429 || got.header.Get("Retry-After") != "10" {
		t.Errorf("one stream more: %d %s %v, want 429 and Retry-After", got.status, got.body, got.header)
	}
	openStream(t, limited(), s.url, s.full("bob"))
	s.api.watchers.leave("alice")
	openStream(t, limited(), s.url, alice).answer.Body.Close()
	limit := time.Now().Add(20 * time.Second)
	for !s.api.watchers.enter("alice") { // the server hears of the end a moment later
		if time.Now().After(limit) {
			t.Fatal("the place of an ended stream is not given back")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// memoryService is the API as the server serves it, with the server's limits, in
// the bubble of a test.
type memoryService struct {
	issuer   *issuertest.Issuer
	verifier *verifier.Verifier
	server   server
	store    *store.Store
	log      *slog.Logger
	ended    chan struct{} // a value for each request whose handler has returned
	dials    chan net.Conn
}

func newMemoryService(t *testing.T) *memoryService {
	t.Helper()
	issuer := issuertest.Start(t)
	keys, err := jwks.Discover(issuer.URL(), &jwks.Options{Client: issuer.Client()})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{Issuer: issuer.URL(), Audience: verifier.AnyOf("todo-api"), Algorithms: []verifier.Algorithm{verifier.RS256}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	todos, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "todo.db"), time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { todos.Close() })
	s := &memoryService{issuer: issuer, verifier: v, store: todos, log: log, ended: make(chan struct{}, 8), dials: make(chan net.Conn, 8)}
	a := &api{store: todos, auth: httpauth.New(v, nil), leeway: 30 * time.Second, watchers: new(watchers), log: log}
	routes := a.routes()
	s.server = httpServer("API", s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routes.ServeHTTP(w, r)
		s.ended <- struct{}{}
	}), log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.server.serve(s)
	}()
	t.Cleanup(func() {
		todos.EndWatches()
		_ = s.server.stop(context.Background())
		<-done
	})
	return s
}

// Accept implements net.Listener. The connections have no buffer.
func (s *memoryService) Accept() (net.Conn, error) {
	if c, open := <-s.dials; open {
		return c, nil
	}
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (s *memoryService) Close() error {
	close(s.dials)
	return nil
}

// Addr implements net.Listener.
func (s *memoryService) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns a connection to the service.
func (s *memoryService) dial() net.Conn {
	here, there := net.Pipe()
	s.dials <- there
	return here
}

// client returns a client of the service.
func (s *memoryService) client(t *testing.T) *http.Client {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return s.dial(), nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (s *memoryService) token(expiresIn time.Duration) string {
	return s.issuer.Token(issuertest.Claims{"sub": "alice", "aud": "todo-api", "scope": "todos:read", "exp": time.Now().Add(expiresIn).Unix()})
}

// The server's limits of 15 s and 30 s are for answers that end.
func TestAnEventStreamLastsAsLongAsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		begun := time.Now()
		events := openStream(t, s.client(t), "http://todo.example.com", s.token(10*time.Minute+5*time.Second))
		for i := range 42 { // the leeway of 30 s is the verifier's
			events.want(t, ": keep-alive\n")
			if got := time.Since(begun); got != time.Duration(i+1)*keepAlive {
				t.Fatalf("sign of life %d after %v", i+1, got)
			}
		}
		if _, err := s.store.Create(t.Context(), "alice", "late"); err != nil {
			t.Fatal(err)
		}
		if got := events.next(); !strings.HasPrefix(got, "event: created\n") {
			t.Errorf("shortly before the expiry, the stream has %q", got)
		}
		events.want(t, "event: expired\ndata: {}\n", io.EOF.Error())
		if got := time.Since(begun); got != 10*time.Minute+35*time.Second {
			t.Errorf("the stream ended after %v", got)
		}
	})
}

// A client that reads nothing any more is given up, which frees its place.
func TestAnEventStreamThatNobodyReadsIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		openStream(t, s.client(t), "http://todo.example.com", s.token(10*time.Minute))
		begun := time.Now()
		for range 2 * maxBuffered / 100 {
			if _, err := s.store.Create(t.Context(), "alice", strings.Repeat("a", 100)); err != nil {
				t.Fatal(err)
			}
		}
		<-s.ended
		if got := time.Since(begun); got > keepAlive+sendLimit {
			t.Errorf("the stream was cut off after %v", got)
		}
	})
}

// maxBuffered is more than a client's transport reads ahead, in bytes.
const maxBuffered = 16 << 10

func TestAnEventStreamThatIsReadTooSlowlySaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		events := openStream(t, s.client(t), "http://todo.example.com", s.token(10*time.Minute))
		for range 2 * maxBuffered / 100 {
			if _, err := s.store.Create(t.Context(), "alice", strings.Repeat("a", 100)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(sendLimit / 2)
		for range 2 * maxBuffered / 100 {
			got := events.next()
			if got == "event: lagging\ndata: {}\n" {
				events.want(t, io.EOF.Error())
				return
			}
			if !strings.HasPrefix(got, "event: created\n") {
				t.Fatalf("the stream has %q", got)
			}
		}
		t.Error("the stream did not say that it is lagging")
	})
}

// recorder is a recorder that a stream can be written to.
type recorder struct {
	*httptest.ResponseRecorder
	flushed func()
}

func (r recorder) SetWriteDeadline(time.Time) error { return nil }

// Flush implements http.Flusher.
func (r recorder) Flush() {
	r.ResponseRecorder.Flush()
	r.flushed()
}

// What waits to be sent when the token expires is not sent any more.
func TestAnEventStreamSendsNothingAfterTheExpiry(t *testing.T) {
	s := newService(t)
	for range 20 {
		watch, err := s.store.Watch("alice")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.Create(t.Context(), "alice", "late"); err != nil {
			t.Fatal(err)
		}
		w := recorder{httptest.NewRecorder(), func() {}}
		stream := eventStream{w: w, control: http.NewResponseController(w), expiry: time.Now(), now: time.Now, log: s.api.log}
		if err := stream.follow(t.Context(), watch); err != nil {
			t.Fatal(err)
		}
		watch.Close()
		if got, want := w.Body.String(), "event: ready\ndata: {}\n\nevent: expired\ndata: {}\n\n"; got != want {
			t.Fatalf("after the expiry the stream has %q, want %q", got, want)
		}
	}
}

// A machine that sleeps stops timers, and not the clock.
func TestAnEventStreamEndsAfterASleepPastTheExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		watch, err := s.store.Watch("alice")
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Close()
		begun, slept := time.Now(), time.Duration(0)
		w := recorder{httptest.NewRecorder(), func() { slept = time.Hour }}
		stream := eventStream{w: w, control: http.NewResponseController(w), expiry: begun.Add(10 * time.Minute), now: func() time.Time { return time.Now().Add(slept) }}
		if err := stream.follow(t.Context(), watch); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begun); got != keepAlive {
			t.Errorf("the stream ended after %v, want %v", got, keepAlive)
		}
		if got, want := w.Body.String(), "event: ready\ndata: {}\n\nevent: expired\ndata: {}\n\n"; got != want {
			t.Errorf("the stream has %q, want %q", got, want)
		}
	})
}

// A middleware that hides the connection would make streams that end at the
// server's limits, so there are none.
func TestAnEventStreamNeedsTheConnection(t *testing.T) {
	s := newService(t)
	hidden := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.api.routes().ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
	w := newRecorder(t, hidden, "GET", "/todos/events", "Authorization", "Bearer "+s.full("alice"))
	if w.Code != 503 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s, want 503", w.Code, w.Body)
	}
}
