package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/examples/todo/todov1"
	"github.com/bearerproof/bearerproof/issuertest"
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
		"a header of over 64 K": {"GET /healthz HTTP/1.1\r\nHost: todo.example.com\r\nX-Long: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", 0, "HTTP/1.1 431 "},
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

// listUnread asks for a list of 50 KB and reads nothing of it.
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

// The limits of the gRPC service, as a client meets them that knows HTTP/2 (RFC 9113).
func TestLimitsOfTheGRPCService(t *testing.T) {
	const (
		settingsFrame, pingFrame  = 4, 6 // §6.5, §6.7
		maxStreams, maxHeaderList = 3, 6 // §6.5.2
	)
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryService(t)
		l := bufconn.Listen(1 << 20)
		a := auth{grpc: grpcauth.New(s.verifier, &grpcauth.Options{Require: rpcChecks()})}
		grpc, err := rpcServer(l, a, &rpc{store: s.store, log: s.log, watchers: new(watchers)}, health{})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = grpc.serve(l) }()
		t.Cleanup(func() { _ = grpc.stop(context.Background()) }) // after the clients
		dial := func() net.Conn {
			conn, err := l.DialContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			_ = conn.SetDeadline(time.Now().Add(time.Hour))
			return conn
		}

		begun := time.Now()
		_, _ = io.ReadAll(dial()) // it says nothing
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("a client that says nothing is given up after %v, want 10 s", took)
		}

		conn := dial()
		begun = time.Now()
		if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil { // §3.4, and no settings
			t.Fatal(err)
		}
		kind, settings := readFrame(t, conn)
		given := make(map[uint16]uint32)
		for each := range slices.Chunk(settings, 6) {
			given[binary.BigEndian.Uint16(each)] = binary.BigEndian.Uint32(each[2:])
		}
		if kind != settingsFrame || given[maxStreams] != 100 || given[maxHeaderList] != 64<<10 {
			t.Errorf("the server begins with the frame %d and the settings %v", kind, given)
		}
		for kind != pingFrame {
			kind, _ = readFrame(t, conn)
		}
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("an idle client is asked for a sign of life after %v, want 1 min", took)
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

// readFrame reads a frame of HTTP/2 (RFC 9113 §4.1).
func readFrame(t *testing.T, from io.Reader) (kind byte, payload []byte) {
	t.Helper()
	head := make([]byte, 9)
	if _, err := io.ReadFull(from, head); err != nil {
		t.Fatal(err)
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	if _, err := io.ReadFull(from, payload); err != nil {
		t.Fatal(err)
	}
	return head[3], payload
}
