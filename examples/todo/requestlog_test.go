package main

import (
	"context"
	"encoding/json/v2"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/examples/todo/todov1"
)

// jsonLog keeps log lines, which are JSON objects.
type jsonLog struct {
	mu   sync.Mutex // guards what follows
	text strings.Builder
}

func (l *jsonLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *jsonLog) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// lines returns the lines that bear the id.
func (l *jsonLog) lines(t *testing.T, id string) (found []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range strings.Lines(l.text.String()) {
		line := fromJSON[map[string]any](t, text)
		if line["request_id"] == id {
			found = append(found, line)
		}
	}
	return found
}

// messages returns what the lines with the id say.
func (l *jsonLog) messages(t *testing.T, id string) (messages []string) {
	t.Helper()
	for _, line := range l.lines(t, id) {
		message, _ := line["msg"].(string)
		messages = append(messages, message)
	}
	return messages
}

// loggedService is the service as serve makes it, over HTTP and gRPC, with its log.
type loggedService struct {
	*service
	todos todov1.TodoServiceClient
	log   *jsonLog
}

func newLoggedService(t *testing.T) *loggedService {
	t.Helper()
	base := newService(t)
	log := new(jsonLog)
	s, err := readSettings([]string{"TODO_ISSUER=" + base.issuer.URL(), "TODO_ADDR=127.0.0.1:0", "TODO_GRPC_ADDR=127.0.0.1:0", "TODO_LOG_FORMAT=json"})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := listen(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	at := listeners["TODO_GRPC_ADDR"].Addr().String()
	base.url = "http://" + listeners["TODO_ADDR"].Addr().String()
	d, err := assemble(s, listeners, base.store, newLog(s, log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx, log) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(at, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &loggedService{service: base, todos: todov1.NewTodoServiceClient(conn), log: log}
}

func TestEachLineOfARequestBearsItsID(t *testing.T) {
	s := newLoggedService(t)
	for id, want := range map[string]struct {
		in   request
		says []string
	}{
		"served":  {request{method: "GET", path: "/todos", token: s.full("alice")}, []string{"request"}},
		"refused": {request{method: "GET", path: "/todos", token: "a.b.c"}, []string{"token refused", "request"}},
		"no.such": {request{method: "GET", path: "/nothing"}, []string{"request"}},
	} {
		want.in.header = http.Header{"X-Request-Id": {id}}
		got := s.do(t, want.in)
		if got.header.Get("X-Request-Id") != id {
			t.Errorf("the answer to %s bears %q", id, got.header.Get("X-Request-Id"))
		}
		says := s.log.messages(t, id)
		if len(says) != len(want.says) {
			t.Errorf("%s: the lines with its id say %q, want %q", id, says, want.says)
			continue
		}
		for i := range says {
			if !strings.HasPrefix(says[i], want.says[i]) {
				t.Errorf("%s: line %d says %q, want %q", id, i, says[i], want.says[i])
			}
		}
	}
}

func TestTheLineOfARequestSaysWhatBecameOfItAndNotItsURL(t *testing.T) {
	s := newLoggedService(t)
	got := s.do(t, request{method: "GET", path: "/todos/secret-token?access_token=secret-token", token: s.full("alice"), header: http.Header{"X-Request-Id": {"line"}}})
	lines := s.log.lines(t, "line")
	if len(lines) != 1 {
		t.Fatalf("the lines are %v", lines)
	}
	line := lines[0]
	if line["method"] != "GET" || line["route"] != "/todos/{id}" || line["status"] != float64(404) || line["bytes"] != float64(len(got.body)) {
		t.Errorf("the answer has %d bytes, and the line is %v", len(got.body), line)
	}
	if took, _ := line["duration"].(float64); took <= 0 || time.Duration(took) > time.Minute {
		t.Errorf("the request took %v", line["duration"])
	}
	if s.log.contains("secret-token") {
		t.Error("the log has what was in the URL")
	}
}

func TestAStoreThatFailsIsFoundByTheRequestsID(t *testing.T) {
	s := newLoggedService(t)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	got := s.do(t, request{method: "GET", path: "/todos", token: s.full("alice"), header: http.Header{"X-Request-Id": {"broken"}}})
	if got.status != 503 {
		t.Fatalf("%d %s, want 503", got.status, got.body)
	}
	if says := s.log.messages(t, "broken"); len(says) != 2 || says[0] != "the store failed" || says[1] != "request" {
		t.Errorf("the lines with the id say %q", says)
	}
}

func TestAnIDThatMayNotStandInALogIsReplaced(t *testing.T) {
	s := newLoggedService(t)
	for _, given := range [][]string{nil, {""}, {"a b"}, {"a\tb"}, {`a"b`}, {"ü"}, {strings.Repeat("x", 65)}, {"one", "two"}, {"one,two"}} {
		header := http.Header{}
		if given != nil {
			header["X-Request-Id"] = given
		}
		got := s.do(t, request{method: "GET", path: "/healthz", header: header}).header.Values("X-Request-Id")
		if len(got) != 1 || len(got[0]) < 20 || len(got[0]) > maxRequestID || !isRequestID(got[0]) {
			t.Errorf("%.80q was answered with the id %.80q", given, got)
			continue
		}
		if n := len(s.log.lines(t, got[0])); n != 1 {
			t.Errorf("%d lines bear the id that %.80q was given, want 1", n, given)
		}
	}
	for _, given := range []string{"x", "A.z_0-9", strings.Repeat("x", 64)} {
		if got := s.do(t, request{method: "GET", path: "/healthz", header: http.Header{"X-Request-Id": {given}}}).header.Get("X-Request-Id"); got != given {
			t.Errorf("the id %q became %q", given, got)
		}
	}
}

func TestEachLineOfACallBearsItsID(t *testing.T) {
	s := newLoggedService(t)
	var header metadata.MD
	call := func(id, token string) context.Context {
		return metadata.AppendToOutgoingContext(with(t, token), "x-request-id", id)
	}
	if _, err := s.todos.ListTodos(call("listed", s.full("alice")), &todov1.ListTodosRequest{}, grpc.Header(&header)); err != nil {
		t.Fatal(err)
	}
	if got := header.Get("x-request-id"); !slices.Equal(got, []string{"listed"}) {
		t.Errorf("the answer bears %q", got)
	}
	_, err := s.todos.ListTodos(call("refused", "a.b.c"), &todov1.ListTodosRequest{}, grpc.Header(&header))
	if status.Code(err) != codes.Unauthenticated || !slices.Equal(header.Get("x-request-id"), []string{"refused"}) {
		t.Errorf("a bad token gave %v with the id %q", err, header.Get("x-request-id"))
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = s.todos.CreateTodo(call("broken", s.full("alice")), &todov1.CreateTodoRequest{Title: "x"})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("a closed store gave %v", err)
	}
	for id, want := range map[string][]string{"listed": {"call OK"}, "refused": {"token refused", "call Unauthenticated"}, "broken": {"the store failed", "call Unavailable"}} {
		var says []string
		for _, line := range s.log.lines(t, id) {
			message, _ := line["msg"].(string)
			if code, ok := line["code"].(string); ok {
				message += " " + code
			}
			says = append(says, message)
		}
		if len(says) != len(want) || !strings.HasPrefix(says[0], want[0]) || says[len(says)-1] != want[len(want)-1] {
			t.Errorf("%s: the lines with its id say %q, want %q", id, says, want)
		}
	}
	line := s.log.lines(t, "listed")[0]
	if took, _ := line["duration"].(float64); line["method"] != todov1.TodoService_ListTodos_FullMethodName || took <= 0 || time.Duration(took) > time.Minute {
		t.Errorf("the line of a call is %v", line)
	}
}

func TestEachLineOfAStreamBearsItsID(t *testing.T) {
	s := newLoggedService(t)
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(with(t, s.full("alice")), "x-request-id", "watched"))
	stream, err := s.todos.WatchTodos(ctx, &todov1.WatchTodosRequest{})
	if err != nil {
		t.Fatal(err)
	}
	header, err := stream.Header()
	if err != nil || !slices.Equal(header.Get("x-request-id"), []string{"watched"}) {
		t.Errorf("the stream begins with %v, %v", header, err)
	}
	cancel()
	refused, err := s.todos.WatchTodos(metadata.AppendToOutgoingContext(with(t, "a.b.c"), "x-request-id", "unwatched"), &todov1.WatchTodosRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refused.Recv(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a stream with a bad token gave %v", err)
	}
	await(t, "the refusal and the call bear the id of the stream", func() bool { return len(s.log.lines(t, "unwatched")) == 2 })
	// It is written once the server sees the end.
	await(t, "a line bears the id of the stream", func() bool { return len(s.log.lines(t, "watched")) > 0 })
	if line := s.log.lines(t, "watched")[0]; line["msg"] != "call" || line["code"] != "Canceled" || line["method"] != todov1.TodoService_WatchTodos_FullMethodName {
		t.Errorf("the line of the stream is %v", line)
	}
}

func TestTheIDStaysWithLoggersMadeOfTheLog(t *testing.T) {
	var text strings.Builder
	ctx, id := withRequestID(t.Context(), nil)
	log := slog.New(requestIDLog{slog.NewJSONHandler(&text, nil)})
	log.With("a", 1).InfoContext(ctx, "attrs")
	log.WithGroup("g").InfoContext(ctx, "group")
	log.InfoContext(t.Context(), "no request")
	for i, line := range strings.Split(strings.TrimSpace(text.String()), "\n") {
		var parsed map[string]any
		if err := json.Unmarshal([]byte(line), &parsed); err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(line, id); has != (i < 2) {
			t.Errorf("%s: has the id: %v", line, has)
		}
	}
}

func TestTheRequestLogIsNotFilledByAMethod(t *testing.T) {
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, nil))
	r := chi.NewRouter()
	r.Use(logRequests(log))
	r.MethodNotAllowed(methodNotAllowed)
	r.Get("/healthz", func(http.ResponseWriter, *http.Request) {})
	newRecorder(t, r, strings.Repeat("A", 60<<10), "/healthz")
	if n := lines.Len(); n == 0 || n > 1<<10 {
		t.Errorf("a method of 60 KiB gave %d bytes of log", n)
	}
}
