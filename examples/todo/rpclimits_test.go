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

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/examples/todo/todov1"
)

// memoryRPC is the gRPC service in the bubble of a test.
type memoryRPC struct {
	*memoryService
	listener *bufconn.Listener
}

func newMemoryRPC(t *testing.T) *memoryRPC {
	t.Helper()
	s := &memoryRPC{newMemoryService(t), bufconn.Listen(1 << 20)}
	a := auth{grpc: grpcauth.New(s.verifier, &grpcauth.Options{
		Public: []string{grpc_health_v1.Health_Check_FullMethodName}, Require: rpcChecks(), EndStreamsAtExpiry: true,
	})}
	methods, err := newRPC(a, &rpc{store: s.store, log: s.log, watchers: new(watchers)}, health{keys: readyKeys{}, store: newRecentPing(s.store), log: s.log})
	if err != nil {
		t.Fatal(err)
	}
	running := rpcServer(s.listener, methods)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = running.serve(running.listener)
	}()
	t.Cleanup(func() { // after the clients
		s.store.EndWatches()
		_ = running.stop(context.Background())
		<-ended
	})
	return s
}

// raw returns a connection on which nothing is said yet.
func (s *memoryRPC) raw(t *testing.T) net.Conn {
	t.Helper()
	conn, err := s.listener.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Hour))
	return conn
}

// connect returns a client with a connection of its own.
func (s *memoryRPC) connect(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///todo",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// bearing returns a context whose calls bear a token of alice.
func (s *memoryRPC) bearing(t *testing.T, expiresIn time.Duration) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.token(expiresIn))
}

// begin sends the metadata of a call, and no message.
func begin(ctx context.Context, t *testing.T, conn *grpc.ClientConn, method string) grpc.ClientStream {
	t.Helper()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// end waits for the end of a call, and returns how it ended and after which time.
func end(stream grpc.ClientStream) (codes.Code, time.Duration) {
	begun := time.Now()
	var err error
	for err == nil {
		err = stream.RecvMsg(new(todov1.WatchTodosResponse))
	}
	return status.Code(err), time.Since(begun)
}

// Nobody's token has been looked at by then: grpc-go waits for the message first.
func TestACallWithoutAMessageEnds(t *testing.T) {
	for _, method := range []string{todov1.TodoService_ListTodos_FullMethodName, todov1.TodoService_CreateTodo_FullMethodName, grpc_health_v1.Health_Check_FullMethodName} {
		synctest.Test(t, func(t *testing.T) {
			code, took := end(begin(t.Context(), t, newMemoryRPC(t).connect(t), method))
			if code != codes.DeadlineExceeded || took != 30*time.Second {
				t.Errorf("%s ended with %v after %v, want DeadlineExceeded after 30 s", method, code, took)
			}
		})
	}
}

// A stream's token is verified before its message is read.
func TestAWatchWithoutAMessageNeedsATokenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryRPC(t)
		if code, took := end(begin(t.Context(), t, s.connect(t), todov1.TodoService_WatchTodos_FullMethodName)); code != codes.Unauthenticated || took != 0 {
			t.Errorf("without a token it ended with %v after %v, want Unauthenticated at once", code, took)
		}
		if code, took := end(begin(s.bearing(t, 5*time.Minute), t, s.connect(t), todov1.TodoService_WatchTodos_FullMethodName)); code != codes.Unauthenticated || took > 6*time.Minute {
			t.Errorf("with one it ended with %v after %v, want Unauthenticated when the token expires", code, took)
		}
	})
}

func TestAWatchWithoutAMessageIsAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryRPC(t)
		conn, ctx := s.connect(t), s.bearing(t, 5*time.Minute)
		for range maxWatches {
			begin(ctx, t, conn, todov1.TodoService_WatchTodos_FullMethodName)
		}
		synctest.Wait()
		if code, took := end(begin(ctx, t, conn, todov1.TodoService_WatchTodos_FullMethodName)); code != codes.ResourceExhausted || took != 0 {
			t.Errorf("one more ended with %v after %v, want ResourceExhausted at once", code, took)
		}
	})
}

// A connection gets new calls for 15 min, or 10 % more or less.
func TestAWatchIsCutOffOnlyByALongToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryRPC(t)
		conn := s.connect(t)
		long := begin(s.bearing(t, 24*time.Hour), t, conn, todov1.TodoService_WatchTodos_FullMethodName)
		if err := long.SendMsg(&todov1.WatchTodosRequest{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(13 * time.Minute) // the connection still gets calls
		usual := begin(s.bearing(t, 15*time.Minute-30*time.Second), t, conn, todov1.TodoService_WatchTodos_FullMethodName)
		if err := usual.SendMsg(&todov1.WatchTodosRequest{}); err != nil {
			t.Fatal(err)
		}
		if code, took := end(usual); code != codes.Unauthenticated || took < 14*time.Minute {
			t.Errorf("the watch of a usual token ended with %v after %v, want Unauthenticated when it expires", code, took)
		}
		if code, took := end(long); code != codes.Unavailable || took > 5*time.Minute {
			t.Errorf("the watch of a long token ended with %v after %v more, want Unavailable before 33 min are over", code, took)
		}
		again := begin(s.bearing(t, time.Minute), t, conn, todov1.TodoService_WatchTodos_FullMethodName)
		if code, _ := end(again); code != codes.Unauthenticated {
			t.Errorf("the next watch ended with %v, want Unauthenticated when its token expires", code)
		}
	})
}

func TestMetadataIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := grpc_health_v1.NewHealthClient(newMemoryRPC(t).connect(t))
		check := func(size int) error {
			ctx := metadata.AppendToOutgoingContext(t.Context(), "x-pad", strings.Repeat("a", size))
			_, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
			return err
		}
		if err := check(30 << 10); err != nil {
			t.Errorf("30 KiB of metadata: %v", err)
		}
		if err := check(33 << 10); err == nil {
			t.Error("33 KiB of metadata are taken")
		}
	})
}

// greet returns a connection on which the client has begun HTTP/2 (RFC 9113 §3.4).
func (s *memoryRPC) greet(t *testing.T) net.Conn {
	t.Helper()
	conn := s.raw(t)
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil { // and no settings
		t.Fatal(err)
	}
	return conn
}

// The limits of the gRPC service, as a client meets them that knows HTTP/2 (RFC 9113).
func TestLimitsOfTheGRPCService(t *testing.T) {
	const (
		settingsFrame, pingFrame, goAwayFrame = 4, 6, 7 // §6.5, §6.7, §6.8
		maxStreams, maxHeaderList             = 3, 6    // §6.5.2
	)
	synctest.Test(t, func(t *testing.T) {
		s := newMemoryRPC(t)
		begun := time.Now()
		_, _ = io.ReadAll(s.raw(t)) // it says nothing
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("a client that says nothing is given up after %v, want 10 s", took)
		}

		begun = time.Now()
		conn := s.greet(t)
		kind, settings := readFrame(t, conn)
		given := make(map[uint16]uint32)
		for each := range slices.Chunk(settings, 6) {
			given[binary.BigEndian.Uint16(each)] = binary.BigEndian.Uint32(each[2:])
		}
		if kind != settingsFrame || given[maxStreams] != 50 || given[maxHeaderList] != 32<<10 {
			t.Errorf("the server begins with the frame %d and the settings %v", kind, given)
		}
		for kind != pingFrame {
			kind, _ = readFrame(t, conn)
		}
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("a silent client is asked for a sign of life after %v, want 1 min", took)
		}

		begun = time.Now()
		conn = s.greet(t)
		for kind != goAwayFrame {
			var payload []byte
			if kind, payload = readFrame(t, conn); kind == pingFrame { // it is alive, and has no call
				_, _ = conn.Write(append([]byte("\x00\x00\x08\x06\x01\x00\x00\x00\x00"), payload...))
			}
		}
		if took := time.Since(begun); took != 5*time.Minute {
			t.Errorf("an idle client is sent away after %v, want 5 min", took)
		}
		_, _ = io.ReadAll(conn)
		if took := time.Since(begun); took > 7*time.Minute {
			t.Errorf("an idle client is cut off after %v, want a minute or two after that", took)
		}
	})
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
