package grpcauth_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// greeter is a service whose method knows its caller.
type greeter struct {
	grpc_testing.UnimplementedTestServiceServer
}

func (greeter) UnaryCall(ctx context.Context, _ *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	token, found := verifier.FromContext(ctx)
	if !found {
		return nil, status.Error(codes.Internal, "this method is not protected")
	}
	return &grpc_testing.SimpleResponse{Username: token.Subject()}, nil
}

func Example() {
	v, issuer, err := newVerifier()
	if err != nil {
		fmt.Println(err)
		return
	}
	auth := grpcauth.New(v, &grpcauth.Options{
		Public:             []string{grpc_health_v1.Health_Check_FullMethodName},
		Require:            map[string][]verifier.Check{grpc_testing.TestService_UnaryCall_FullMethodName: {verifier.Scopes("greet")}},
		EndStreamsAtExpiry: true,
	})
	server := grpc.NewServer(auth.ServerOptions()...)
	grpc_testing.RegisterTestServiceServer(server, greeter{})
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	if err := auth.Validate(server); err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	client := grpc_testing.NewTestServiceClient(conn)
	for _, token := range []string{
		issuer.Token(issuertest.Claims{"sub": "alice", "scope": "greet"}),
		issuer.Token(issuertest.Claims{"sub": "bob"}),
		"x",
	} {
		ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+token)
		response, err := client.UnaryCall(ctx, &grpc_testing.SimpleRequest{})
		fmt.Printf("%v %q\n", status.Code(err), response.GetUsername())
	}
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	// Output:
	// OK "alice"
	// PermissionDenied ""
	// Unauthenticated ""
	// SERVING <nil>
}

func ExampleAuth_Validate() {
	v, _, err := newVerifier()
	if err != nil {
		fmt.Println(err)
		return
	}
	auth := grpcauth.New(v, &grpcauth.Options{Public: []string{"/grpc.health.v1.Health/check"}})
	server := grpc.NewServer(auth.ServerOptions()...)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	fmt.Println(auth.Validate(server))
	// Output: grpcauth: Options.Public: the server has no method "/grpc.health.v1.Health/check"
}
