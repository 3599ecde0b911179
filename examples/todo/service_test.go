package main

import (
	"context"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/examples/todo/internal/store/storetest"
	"github.com/bearerproof/bearerproof/issuertest"
)

// service is the whole service as the settings wire it, with an issuer whose
// tokens a test can shape.
type service struct {
	issuer *issuertest.Issuer
	down   func() // takes the issuer away
	store  *store.Store
	auth   auth
	api    *api
	url    string
}

// newService keeps the todos in an SQLite file.
func newService(t testing.TB) *service {
	t.Helper()
	return newServiceOn(t, storetest.SQLite(t))
}

// onEachDatabase runs a test on each database.
func onEachDatabase(t *testing.T, test func(t *testing.T, s *service)) {
	for name, locate := range storetest.Locations() {
		t.Run(name, func(t *testing.T) { test(t, newServiceOn(t, locate(t))) })
	}
}

func newServiceOn(t testing.TB, database string) *service {
	t.Helper()
	at := httptest.NewUnstartedServer(nil)
	issuer := issuertest.New("http://" + at.Listener.Addr().String())
	at.Config.Handler = issuer
	at.Start()
	t.Cleanup(at.Close)
	s, err := readSettings([]string{"TODO_ISSUER=" + issuer.URL()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	auth, err := newAuth(s, log)
	if err != nil {
		t.Fatal(err)
	}
	todos, err := store.Open(t.Context(), database, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { todos.Close() })
	a := &api{store: todos, auth: auth.http, leeway: s.leeway, watchers: new(watchers), health: health{keys: auth.keys, store: newRecentPing(todos), log: log}, log: log}
	server := httptest.NewServer(a.routes(mountOpenAPI))
	t.Cleanup(server.Close)
	t.Cleanup(todos.EndWatches) // the server waits for them
	return &service{issuer: issuer, down: at.Close, store: todos, auth: auth, api: a, url: server.URL}
}

// assembled returns the whole service as serve makes it, with all that listens, on the
// database of s. It has the development issuer unless environ names another one. What
// it answers is asked for without its listeners.
func (s *service) assembled(t *testing.T, environ ...string) *deployment {
	t.Helper()
	all, err := readSettings(append(environ, "TODO_ADDR=127.0.0.1:0", "TODO_GRPC_ADDR=127.0.0.1:0", "TODO_ADMIN_ADDR=127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := listen(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(listeners) })
	d, err := assemble(all, listeners, s.store, s.api.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.rpc.Stop)
	return d
}

// token returns a token of subject for the scopes.
func (s *service) token(subject, scopes string) string {
	return s.issuer.Token(issuertest.Claims{"sub": subject, "aud": "todo-api", "scope": scopes})
}

// full is a token of subject that may read and write.
func (s *service) full(subject string) string { return s.token(subject, "todos:read todos:write") }

// request is one HTTP request, as data.
type request struct {
	method, path, token, body string
	header                    http.Header // replaces Content-Type, which is application/json if there is a body
}

// limited is a client whose requests end, those of streams too.
func limited() *http.Client { return &http.Client{Timeout: 30 * time.Second} }

type answer struct {
	status int
	header http.Header
	body   string
}

func (s *service) do(t *testing.T, in request) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), in.method, s.url+in.path, strings.NewReader(in.body))
	if err != nil {
		t.Fatal(err)
	}
	if in.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range in.header {
		r.Header[name] = values
	}
	if in.token != "" {
		r.Header.Set("Authorization", "Bearer "+in.token)
	}
	resp, err := limited().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func fromJSON[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// dial serves gRPC in memory and returns a connection to it.
func (s *service) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	_, conn := s.serveRPC(t)
	return conn
}

func (s *service) serveRPC(t *testing.T) (server, *grpc.ClientConn) {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	methods, err := newRPC(s.auth, &rpc{store: s.store, log: s.api.log, watchers: s.api.watchers}, s.api.health)
	if err != nil {
		t.Fatal(err)
	}
	running := rpcServer(l, methods)
	go func() { _ = running.serve(running.listener) }() // ends with the listener
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.store.EndWatches()
		if err := running.stop(ctx); err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///todo",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return running, conn
}

// with returns a context whose calls bear the token, and which ends.
func with(t *testing.T, token string) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func newRecorder(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	h.ServeHTTP(w, r)
	return w
}

// await waits for what happens elsewhere, in another process or goroutine.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it does not happen that %s", what)
		}
	}
}
