package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store/storetest"
	"github.com/bearerproof/bearerproof/examples/todo/todov1"
	"github.com/bearerproof/bearerproof/issuertest"
)

// serverProcess is one of several servers on one database.
type serverProcess struct {
	*process
	service *service
	client  todov1.TodoServiceClient
}

// startTwo starts two servers on the database.
func startTwo(t *testing.T, database string) [2]*serverProcess {
	t.Helper()
	at := httptest.NewUnstartedServer(nil)
	issuer := issuertest.New("http://" + at.Listener.Addr().String())
	at.Config.Handler = issuer
	at.Start()
	t.Cleanup(at.Close)
	var both [2]*serverProcess
	for i := range both {
		both[i] = &serverProcess{process: startProcess(t, "TODO_ISSUER="+issuer.URL(), "TODO_DATABASE_URL="+database, "TODO_GRPC_ADDR=127.0.0.1:0")}
	}
	for _, p := range both {
		p.service = &service{issuer: issuer, url: p.url(t)}
		conn, err := grpc.NewClient(p.await(t, p.stderr.grpc), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		p.client = todov1.NewTodoServiceClient(conn)
	}
	return both
}

// Whichever of two servers makes a change, both tell it, over HTTP and gRPC, once.
func TestPostgresTellsEveryServersWatchers(t *testing.T) {
	both := startTwo(t, storetest.Postgres(t))
	alice := both[0].service.full("alice")
	bobs := openStream(t, limited(), both[1].service.url, both[0].service.full("bob"))
	var streams []*stream
	var watches []grpc.ServerStreamingClient[todov1.WatchTodosResponse]
	for _, p := range both {
		streams = append(streams, openStream(t, limited(), p.service.url, alice))
		watches = append(watches, openWatch(t, p.client, alice))
	}
	told := func(event string, kind todov1.WatchTodosResponse_Kind, id string, version int64) {
		t.Helper()
		for _, s := range streams {
			got := s.next()
			if !strings.HasPrefix(got, "event: "+event+"\ndata: {") || !strings.Contains(got, `"id":"`+id+`"`) || event != "deleted" && !strings.Contains(got, fmt.Sprintf(`"etag":"\"%d\""`, version)) {
				t.Fatalf("the stream has %q, want %s of %s at version %d", got, event, id, version)
			}
		}
		for _, w := range watches {
			got, err := w.Recv()
			if err != nil || got.GetKind() != kind || got.GetTodo().GetId() != id || got.GetTodo().GetVersion() != version {
				t.Fatalf("the watch sent %v, %v, want %v of %s at version %d", got, err, kind, id, version)
			}
		}
	}
	for i := range 4 { // each server makes each kind of change
		maker, editor := both[i%2].service, both[i/2].service
		created := maker.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"hers"}`})
		path := created.header.Get("Location")
		id := strings.TrimPrefix(path, "/todos/")
		told("created", todov1.WatchTodosResponse_KIND_CREATED, id, 1)
		editor.do(t, request{method: "PATCH", path: path, token: alice, body: `{"done":true}`})
		told("updated", todov1.WatchTodosResponse_KIND_UPDATED, id, 2)
		maker.do(t, request{method: "DELETE", path: path, token: alice})
		told("deleted", todov1.WatchTodosResponse_KIND_DELETED, id, 2)
	}
	his := both[0].service.do(t, request{method: "POST", path: "/todos", token: both[0].service.full("bob"), body: `{"title":"his"}`})
	bobs.want(t, fmt.Sprintf("event: created\ndata: {\"todo\":%s,\"etag\":\"\\\"1\\\"\"}\n", strings.TrimSpace(his.body)))

	// One server dies, the other one goes on.
	_ = both[0].cmd.Process.Kill()
	both[0].exit(t)
	streams, watches = streams[1:], watches[1:]
	created := both[1].service.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"still here"}`})
	told("created", todov1.WatchTodosResponse_KIND_CREATED, strings.TrimPrefix(created.header.Get("Location"), "/todos/"), 1)
	both[1].terminate(t)
	streams[0].want(t, "event: stopping\ndata: {}\n", io.EOF.Error())
	both[1].stopped(t)
}

// When the database drops its connections, clients are told that they may have
// missed something, and can soon begin anew.
func TestPostgresWatchersHearOfABrokenConnection(t *testing.T) {
	database := storetest.Postgres(t)
	both := startTwo(t, database)
	alice := both[0].service.full("alice")
	first, second := openStream(t, limited(), both[0].service.url, alice), openStream(t, limited(), both[1].service.url, alice)
	watch := openWatch(t, both[0].client, alice)
	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ended int
	if err := db.QueryRowContext(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE query = 'LISTEN "todos_' || 'todos'::regclass::oid || '"'`).Scan(&ended); err != nil || ended != 2 {
		t.Fatalf("%d connections listened, %v, want two", ended, err)
	}
	for _, s := range []*stream{first, second} {
		s.want(t, "event: lagging\ndata: {}\n", io.EOF.Error())
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "list the todos again") {
		t.Errorf("the watch ended with %v, want Unavailable and what to do", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, p := range both {
		for p.service.do(t, request{method: "HEAD", path: "/todos/events", token: alice}).status != 200 {
			select {
			case <-ctx.Done():
				t.Fatalf("the server does not follow changes again\n%s", p.stderr)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	again := openStream(t, limited(), both[1].service.url, alice)
	created := both[0].service.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"after the break"}`})
	again.want(t, fmt.Sprintf("event: created\ndata: {\"todo\":%s,\"etag\":\"\\\"1\\\"\"}\n", strings.TrimSpace(created.body)))
	for i, watches := range []int{2, 1} {
		await(t, fmt.Sprintf("the log says why for %d", watches), func() bool {
			return strings.Count(both[i].stderr.String(), "a watch was ended") == watches
		})
	}
}
