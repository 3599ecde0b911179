package main

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/examples/todo/todov1"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// What a client leaves undone costs the server this long and not longer.
func TestASlowClientIsGivenUp(t *testing.T) {
	for what, row := range map[string]struct {
		sends string // TOKEN stands for one
		after time.Duration
		gets  string
	}{
		"no request":            {"", 5 * time.Second, ""},
		"half a header":         {"GET /healthz HTTP/1.1\r\nHost: todo.exa", 5 * time.Second, ""},
		"half a body":           {"POST /todos HTTP/1.1\r\nHost: todo.example.com\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{", 15 * time.Second, "HTTP/1.1 408 "},
		"no request after one":  {"GET /healthz HTTP/1.1\r\nHost: todo.example.com\r\n\r\n", 2 * time.Minute, "HTTP/1.1 200 "},
		"a header of over 36 K": {"GET /healthz HTTP/1.1\r\nHost: todo.example.com\r\nX-Long: " + strings.Repeat("a", 38<<10) + "\r\n\r\n", 0, "HTTP/1.1 431 "},
		"a header of 32 K":      {"GET /healthz HTTP/1.1\r\nHost: todo.example.com\r\nConnection: close\r\nX-Long: " + strings.Repeat("a", 32<<10) + "\r\n\r\n", 0, "HTTP/1.1 200 "},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newMemoryService(t)
				token := s.issuer.Token(issuertest.Claims{"sub": "alice", "aud": "todo-api", "scope": "todos:write"})
				conn := s.dial()
				defer conn.Close()
				begun := time.Now()
				_ = conn.SetDeadline(begun.Add(time.Hour))
				go func() { _, _ = io.WriteString(conn, strings.ReplaceAll(row.sends, "TOKEN", token)) }()
				got, _ := io.ReadAll(conn) // until the server ends it
				if took := time.Since(begun).Truncate(time.Second); took != row.after || !strings.HasPrefix(string(got), row.gets) || row.gets == "" && len(got) > 0 {
					t.Errorf("after %v the server ended it with %.60q, want %q after %v", took, got, row.gets, row.after)
				}
			})
		})
	}
}

// listUnread asks for a list of long titles and reads nothing of it.
func (s *memoryService) listUnread(t *testing.T) net.Conn {
	t.Helper()
	for range 100 {
		if _, err := s.store.Create(t.Context(), "alice", strings.Repeat("a", 500)); err != nil {
			t.Fatal(err)
		}
	}
	conn := s.dial()
	if _, err := io.WriteString(conn, "GET /todos HTTP/1.1\r\nHost: todo.example.com\r\nAuthorization: Bearer "+s.token(time.Minute)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAnAnswerThatNobodyReadsIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		begun := time.Now()
		defer s.listUnread(t).Close()
		select {
		case <-s.ended:
		case <-time.After(time.Hour):
		}
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("the handler ended after %v, want 30 s", took)
		}
	})
}

func TestAStopDoesNotWaitForAnAnswerThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		defer s.listUnread(t).Close()
		synctest.Wait()
		begun := time.Now()
		err := stop([]server{s.server})
		if took := time.Since(begun); took != drainLimit || err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("the stop took %v and gave %v, want %v and what was cut off", took, err, drainLimit)
		}
	})
}

func TestAStopDoesNotWaitForAWatchThatGoesOn(t *testing.T) {
	s := newService(t)
	grpc, conn := s.serveRPC(t)
	watch := openWatch(t, todov1.NewTodoServiceClient(conn), s.full("alice"))
	ctx, end := context.WithCancel(t.Context())
	end() // as it is when the time is over
	defer time.AfterFunc(20*time.Second, s.store.EndWatches).Stop()
	if err := grpc.stop(ctx); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("the stop gave %v, want what was cut off", err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch ended with %v, want Unavailable", err)
	}
}

// crowded is a listener at which there is always one more client.
type crowded struct{ closed atomic.Bool }

// Accept implements net.Listener.
func (l *crowded) Accept() (net.Conn, error) {
	if l.closed.Load() {
		return nil, net.ErrClosed
	}
	_, there := net.Pipe()
	return there, nil
}

// Close implements net.Listener.
func (l *crowded) Close() error {
	l.closed.Store(true)
	return nil
}

// Addr implements net.Listener.
func (*crowded) Addr() net.Addr { return &net.TCPAddr{} }

// A crowd at one address must leave file descriptors to the others, and to the probes.
func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		listeners := map[string]net.Listener{"TODO_ADDR": new(crowded), "TODO_GRPC_ADDR": new(crowded), "TODO_ADMIN_ADDR": new(crowded)}
		d, err := assemble(settings{issuer: s.issuer.URL(), audience: "todo-api", algorithms: []verifier.Algorithm{verifier.RS256}}, listeners, s.store, s.log)
		if err != nil {
			t.Fatal(err)
		}
		defer d.rpc.Stop()
		const crowd = 3000
		want := map[string]int32{"API": 2048, "gRPC": 64, "admin": crowd}
		for _, server := range d.servers {
			var accepted atomic.Int32
			go func() {
				for range crowd {
					if _, err := server.listener.Accept(); err != nil {
						return
					}
					accepted.Add(1)
				}
			}()
			synctest.Wait()
			if got := accepted.Load(); got != want[server.name] {
				t.Errorf("%s has %d connections at a time, want %d", server.name, got, want[server.name])
			}
			_ = server.listener.Close()
		}
	})
}

func TestAnAddressThatIsTakenGivesTheOthersBack(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	for range 20 { // which one is taken first is chance
		if _, err := listen(t.Context(), settings{addr: free.Addr().String(), grpcAddr: taken.Addr().String()}); err == nil || !strings.Contains(err.Error(), "TODO_GRPC_ADDR") {
			t.Fatalf("%v, want an error that names TODO_GRPC_ADDR", err)
		}
	}
}
