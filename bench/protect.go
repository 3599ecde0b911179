package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// protect puts a library before a handler: its own middleware where it has one, and the
// least that a program must write where it has not.
func protect(subject peers.Subject, next http.Handler) (http.Handler, error) {
	if protector, ok := subject.(peers.Protector); ok {
		return protector.Protect(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found || subject.Verify(r.Context(), raw) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// serverOptioner is a subject whose library protects gRPC servers.
type serverOptioner interface{ ServerOptions() []grpc.ServerOption }

// grpcOptions are those of a server that a library protects, as protect does it.
func grpcOptions(subject peers.Subject) []grpc.ServerOption {
	if s, ok := subject.(serverOptioner); ok {
		return s.ServerOptions()
	}
	return []grpc.ServerOption{grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		fields := metadata.ValueFromIncomingContext(ctx, "authorization")
		if len(fields) != 1 {
			return nil, status.Error(codes.Unauthenticated, "no token")
		}
		raw, found := strings.CutPrefix(fields[0], "Bearer ")
		if !found || subject.Verify(ctx, raw) != nil {
			return nil, status.Error(codes.Unauthenticated, "no good token")
		}
		return next(ctx, request)
	})}
}

// leastSubject hashes the credential, and lets the handler know.
type leastSubject struct{}

type sumKey struct{}

func (leastSubject) Verify(context.Context, string) error { return nil }

func (leastSubject) Close() {}

// Protect implements [peers.Protector].
func (leastSubject) Protect(next http.Handler) (http.Handler, error) { //nolint:unparam // the interface wants an error
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		w.Header().Set("Cache-Control", "private")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sumKey{}, sum)))
	}), nil
}

// ServerOptions implements serverOptioner.
func (leastSubject) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if fields := metadata.ValueFromIncomingContext(ctx, "authorization"); len(fields) == 1 {
			ctx = context.WithValue(ctx, sumKey{}, sha256.Sum256([]byte(fields[0])))
		}
		return next(ctx, request)
	})}
}

var errZero = errors.New("the sum is zero")

// hashed uses the sum, so that it is computed.
func hashed(data []byte) error {
	if sha256.Sum256(data) == [sha256.Size]byte{} {
		return errZero
	}
	return nil
}
