package grpcauth

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/verifier"
)

// seen notes the tokens that it is asked about, and refuses all.
type seen struct{ raw []string }

func (s *seen) Verify(_ context.Context, raw string) (*verifier.Token, error) {
	s.raw = append(s.raw, raw)
	return nil, verifier.ErrSignature
}

// FuzzMetadata sends up to two values. Only a lone value of the form that RFC 6750
// §2.1 gives reaches the verifier, and nothing of a value reaches the answer.
func FuzzMetadata(f *testing.F) {
	for _, value := range []string{
		"", "Bearer", "Bearer ", "Bearer abc", "bearer  abc==", "Bearer a b", "Bearer a,b", "Bearer\tabc", "Basic eDp5",
		"Basic eDp5, Bearer abc", "Bearer \x00", "Bearer é", "Bearer =", " Bearer abc", "Bearer abc ", "DPoP abc",
	} {
		f.Add(value, "", false)
		f.Add(value, "Bearer abc", true)
	}
	f.Fuzz(func(t *testing.T, first, second string, both bool) {
		values := []string{first}
		if both {
			values = append(values, second)
		}
		judge := &seen{}
		a := New(judge, &Options{Logger: slog.New(slog.DiscardHandler)})
		ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{"authorization": values})
		called := false
		_, err := a.interceptUnary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}, func(context.Context, any) (any, error) {
			called = true
			return nil, nil
		})
		if called || status.Code(err) != codes.Unauthenticated {
			t.Fatalf("handler called: %t; answer %v", called, err)
		}
		if len(judge.raw) == 0 {
			return
		}
		token := strings.TrimLeft(first[min(len(first), len("bearer")):], " ")
		if both || !strings.EqualFold(first[:len("bearer")], "bearer") || judge.raw[0] != token || strings.ContainsAny(token, " \t,") {
			t.Errorf("%q made the verifier look at %q", values, judge.raw)
		}
		if len(token) > 16 && strings.Contains(status.Convert(err).String(), token) {
			t.Errorf("the answer %v contains the token", err)
		}
	})
}
