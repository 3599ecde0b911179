package grpcauth_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// The methods of the service of the tests.
const (
	emptyCall  = grpc_testing.TestService_EmptyCall_FullMethodName
	duplexCall = grpc_testing.TestService_FullDuplexCall_FullMethodName
	check      = grpc_health_v1.Health_Check_FullMethodName
	watch      = grpc_health_v1.Health_Watch_FullMethodName
)

type (
	duplexServer = grpc.BidiStreamingServer[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]
	duplexClient = grpc.BidiStreamingClient[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]
)

// service has one unary method and one stream that a test may set.
type service struct {
	grpc_testing.UnimplementedTestServiceServer

	unary  func(ctx context.Context) error
	duplex func(stream duplexServer) error
}

func (s *service) EmptyCall(ctx context.Context, _ *grpc_testing.Empty) (*grpc_testing.Empty, error) {
	if s.unary == nil {
		return &grpc_testing.Empty{}, nil
	}
	return &grpc_testing.Empty{}, s.unary(ctx)
}

func (s *service) FullDuplexCall(stream duplexServer) error {
	if s.duplex == nil {
		return nil
	}
	return s.duplex(stream)
}

// newServer registers the service, health and reflection.
func newServer(auth *grpcauth.Auth, s *service, more ...grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(auth.ServerOptions(more...)...)
	grpc_testing.RegisterTestServiceServer(server, s)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)
	return server
}

// connect serves in memory, also in a bubble of synctest, until the test ends.
func connect(tb testing.TB, server *grpc.Server) *grpc.ClientConn {
	tb.Helper()
	listener := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return conn
}

// dial is connect to a server with health, reflection and the service.
func dial(tb testing.TB, auth *grpcauth.Auth, s *service, more ...grpc.ServerOption) *grpc.ClientConn {
	tb.Helper()
	return connect(tb, newServer(auth, s, more...))
}

// newVerifier returns a verifier and the issuer whose tokens it accepts.
func newVerifier() (*verifier.Verifier, *issuertest.Issuer, error) {
	issuer := issuertest.New("https://id.example.com")
	issuer.AddKey(verifier.ES256)
	keys, err := jwks.NewStatic(issuer.KeySet().Content())
	if err != nil {
		return nil, nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     issuer.URL(),
		Audience:   verifier.AnyOf("api"),
		Algorithms: []verifier.Algorithm{verifier.ES256},
		Keys:       keys,
	})
	return v, issuer, err
}

func verifierAndIssuer(tb testing.TB) (*verifier.Verifier, *issuertest.Issuer) {
	tb.Helper()
	v, issuer, err := newVerifier()
	if err != nil {
		tb.Fatal(err)
	}
	return v, issuer
}

// doing is a verifier that asks a function.
type doing func(ctx context.Context) (*verifier.Token, error)

func (v doing) Verify(ctx context.Context, _ string) (*verifier.Token, error) { return v(ctx) }

// refusing is a verifier that always has the same to say.
func refusing(err error) doing {
	return func(context.Context) (*verifier.Token, error) { return nil, err }
}

// options returns options with a logger that is quiet.
func options() *grpcauth.Options {
	return &grpcauth.Options{Logger: slog.New(slog.DiscardHandler)}
}

// authorized returns a context for calls with these values of the metadata key.
func authorized(ctx context.Context, values ...string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.MD{"authorization": values})
}

// unary calls the unary method.
func unary(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := grpc_testing.NewTestServiceClient(conn).EmptyCall(ctx, &grpc_testing.Empty{})
	return err
}

// stream calls the stream and waits until it ends. It returns nil for a good end.
func stream(ctx context.Context, conn *grpc.ClientConn) error {
	return endOf(open(ctx, conn))
}

func open(ctx context.Context, conn *grpc.ClientConn) (duplexClient, error) {
	return grpc_testing.NewTestServiceClient(conn).FullDuplexCall(ctx)
}

// endOf reads a stream to its end.
func endOf(client duplexClient, err error) error {
	for err == nil {
		_, err = client.Recv()
	}
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

// calls are the two ways to call: whatever holds for one must hold for the other.
var calls = []struct {
	name   string
	method string
	call   func(ctx context.Context, conn *grpc.ClientConn) error
}{
	{"unary", emptyCall, unary},
	{"stream", duplexCall, stream},
}

// details returns what a status carries, or nil for each.
func details(err error) (*errdetails.ErrorInfo, *errdetails.RetryInfo) {
	var info *errdetails.ErrorInfo
	var retry *errdetails.RetryInfo
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			info = detail
		case *errdetails.RetryInfo:
			retry = detail
		}
	}
	return info, retry
}

// wantRefusal checks a status and its reason; "" stands for none.
func wantRefusal(tb testing.TB, err error, code codes.Code, reason string) {
	tb.Helper()
	if got := status.Code(err); got != code {
		tb.Errorf("%v, want %v: %v", got, code, err)
	}
	info, _ := details(err)
	if info.GetReason() != reason {
		tb.Errorf("reason %q, want %q", info.GetReason(), reason)
	}
	if info != nil && info.GetDomain() != grpcauth.ErrorDomain {
		tb.Errorf("domain %q, want %q", info.GetDomain(), grpcauth.ErrorDomain)
	}
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

var errDatabase = errors.New("database password hunter2 was refused")
