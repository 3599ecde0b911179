package grpcauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

const lifetime = 5 * time.Minute // of a token of issuertest

// expiring serves streams that end with their token, in the bubble of t, and returns
// a context for calls with a token that has just been issued.
func expiring(t *testing.T, s *service, more ...grpc.ServerOption) (context.Context, *grpc.ClientConn, *journal) {
	t.Helper()
	v, issuer := verifierAndIssuer(t)
	j := &journal{}
	auth := grpcauth.New(v, &grpcauth.Options{EndStreamsAtExpiry: true, Logger: j.logger()})
	return authorized(t.Context(), "Bearer "+issuer.Token(nil)), dial(t, auth, s, more...), j
}

// Wherever the handler waits, the stream ends at the token's exp, and whatever the
// handler then returns, the client is told why.
func TestR102StreamEndsWhenItsTokenExpires(t *testing.T) {
	for _, tt := range []struct {
		name   string
		duplex func(s duplexServer) error
		after  time.Duration // how long the handler goes on after the expiry
	}{
		{"receiving, and returns the error", func(s duplexServer) error {
			_, err := s.Recv()
			return err
		}, 0},
		{"receiving, and returns another status", func(s duplexServer) error {
			_, _ = s.Recv()
			return status.Error(codes.NotFound, "no such list")
		}, 0},
		{"receiving in a loop that ignores one error", func(s duplexServer) error {
			_, _ = s.Recv()
			_, err := s.Recv()
			return err
		}, 0},
		{"sending to a client that does not read", func(s duplexServer) error {
			for {
				if err := s.Send(bigMessage()); err != nil {
					return err
				}
			}
		}, 0},
		{"waiting for its context, and returns nil", func(s duplexServer) error {
			<-s.Context().Done()
			return nil
		}, 0},
		{"waiting for its context, and returns its error", func(s duplexServer) error {
			<-s.Context().Done()
			return s.Context().Err()
		}, 0},
		{"waiting for something else, and returns nil", func(duplexServer) error {
			time.Sleep(lifetime + time.Hour)
			return nil
		}, time.Hour},
		{"waiting for something else, and sends", func(s duplexServer) error {
			time.Sleep(lifetime + time.Minute)
			return s.Send(&grpc_testing.StreamingOutputCallResponse{})
		}, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, conn, j := expiring(t, &service{duplex: tt.duplex})
				start := time.Now()
				client, err := open(ctx, conn)
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(lifetime + tt.after + time.Second) // the client does not read before
				for err == nil {
					var message *grpc_testing.StreamingOutputCallResponse
					if message, err = client.Recv(); err == nil && len(message.GetPayload().GetBody()) == 0 {
						t.Error("a message that was sent after the expiry arrived")
					}
				}
				wantRefusal(t, err, codes.Unauthenticated, "EXPIRED")
				if took := time.Since(start); took != lifetime+tt.after+time.Second {
					t.Errorf("the stream ended %v after its start", took)
				}
				line := j.line(t)
				if line["msg"] != "stream ended" || line["kind"] != "expired" || line["level"] != "DEBUG" || line["method"] != duplexCall {
					t.Errorf("logged %v", line)
				}
			})
		})
	}
}

func bigMessage() *grpc_testing.StreamingOutputCallResponse {
	return &grpc_testing.StreamingOutputCallResponse{Payload: &grpc_testing.Payload{Body: bytes.Repeat([]byte("x"), 100_000)}}
}

// The client hears of the end at the instant, not at its next message.
func TestR102StreamEndsAtTheInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, conn, _ := expiring(t, &service{duplex: func(s duplexServer) error {
			_, err := s.Recv()
			return err
		}})
		start := time.Now()
		wantRefusal(t, stream(ctx, conn), codes.Unauthenticated, "EXPIRED")
		// exp is in whole seconds, and so is the clock of a bubble.
		if took := time.Since(start); took != lifetime {
			t.Errorf("the stream ended after %v, want %v", took, lifetime)
		}
	})
}

func TestContextSaysThatTheTokenExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause, received, sent error
		ctx, conn, _ := expiring(t, &service{duplex: func(s duplexServer) error {
			<-s.Context().Done()
			cause = context.Cause(s.Context())
			_, received = s.Recv() // at once, although the client sends nothing
			sent = s.Send(&grpc_testing.StreamingOutputCallResponse{})
			return nil
		}})
		wantRefusal(t, stream(ctx, conn), codes.Unauthenticated, "EXPIRED")
		if !errors.Is(cause, verifier.ErrExpired) || verifier.KindOf(cause) != verifier.ErrExpired {
			t.Errorf("cause %v", cause)
		}
		wantRefusal(t, received, codes.Unauthenticated, "EXPIRED")
		wantRefusal(t, sent, codes.Unauthenticated, "EXPIRED")
	})
}

// echo answers each message.
func echo(s duplexServer) error {
	for {
		if _, err := s.Recv(); err != nil {
			return endOfClient(err)
		}
		if err := s.Send(&grpc_testing.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
}

// endOfClient is nil where the client has said all that it had to say.
func endOfClient(err error) error {
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

func TestStreamWorksUntilItsTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, conn, j := expiring(t, &service{duplex: echo})
		client, err := open(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if err := client.Send(&grpc_testing.StreamingOutputCallRequest{}); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Recv(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(lifetime / 5)
		}
		if err := client.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if err := endOf(client, nil); err != nil {
			t.Errorf("a stream that ended in time: %v", err)
		}
		time.Sleep(lifetime)
		if j.String() != "" {
			t.Errorf("logged %s", j)
		}
	})
}

func TestHandlersOwnEndStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, conn, _ := expiring(t, &service{duplex: func(duplexServer) error { return status.Error(codes.NotFound, "no such list") }})
		wantRefusal(t, stream(ctx, conn), codes.NotFound, "")
	})
}

func TestStreamOutlivesItsTokenByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, issuer := verifierAndIssuer(t)
		conn := dial(t, grpcauth.New(v, options()), &service{duplex: func(s duplexServer) error {
			time.Sleep(2 * lifetime)
			return s.Context().Err()
		}})
		start := time.Now()
		if err := stream(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn); err != nil || time.Since(start) != 2*lifetime {
			t.Errorf("ended after %v with %v", time.Since(start), err)
		}
	})
}

func TestUnaryCallOutlivesItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, conn, _ := expiring(t, &service{unary: func(ctx context.Context) error {
			time.Sleep(2 * lifetime)
			return ctx.Err()
		}})
		if err := unary(ctx, conn); err != nil {
			t.Error(err)
		}
	})
}

// The verifier's leeway lets an expired token pass; a stream cannot start with one.
func TestStreamHasNoLeeway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		called := false
		ctx, conn, j := expiring(t, &service{duplex: func(duplexServer) error {
			called = true
			return nil
		}})
		time.Sleep(lifetime)
		if err := unary(ctx, conn); err != nil {
			t.Errorf("a unary call within the leeway: %v", err)
		}
		wantRefusal(t, stream(ctx, conn), codes.Unauthenticated, "EXPIRED")
		if called {
			t.Error("the handler was called")
		}
		if line := j.line(t); line["msg"] != "call refused" {
			t.Errorf("logged %v", line)
		}
	})
}

func TestPublicStreamDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, issuer := verifierAndIssuer(t)
		o := options()
		o.EndStreamsAtExpiry = true
		o.Public = []string{duplexCall}
		conn := dial(t, grpcauth.New(v, o), &service{duplex: func(s duplexServer) error {
			time.Sleep(2 * lifetime)
			return s.Context().Err()
		}})
		if err := stream(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn); err != nil {
			t.Error(err)
		}
	})
}

// A client that leaves wakes the handler as it does without us.
func TestClientLeavesBeforeTheExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		received := make(chan error, 1)
		ctx, conn, j := expiring(t, &service{duplex: func(s duplexServer) error {
			_, err := s.Recv()
			received <- err
			return err
		}})
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		wantRefusal(t, stream(ctx, conn), codes.Canceled, "")
		wantRefusal(t, <-received, codes.Canceled, "")
		if j.String() != "" {
			t.Errorf("logged %s", j)
		}
	})
}

// A handler may receive and send at the same time.
func TestBothDirectionsEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, conn, _ := expiring(t, &service{duplex: func(s duplexServer) error {
			var both sync.WaitGroup
			both.Go(func() {
				for {
					if _, err := s.Recv(); err != nil {
						return
					}
				}
			})
			both.Go(func() {
				for s.Send(&grpc_testing.StreamingOutputCallResponse{}) == nil {
					time.Sleep(time.Second)
				}
			})
			both.Wait()
			return nil
		}})
		client, err := open(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		var sender sync.WaitGroup
		sender.Go(func() {
			for client.Send(&grpc_testing.StreamingOutputCallRequest{}) == nil {
				time.Sleep(time.Second)
			}
		})
		wantRefusal(t, endOf(client, nil), codes.Unauthenticated, "EXPIRED")
		sender.Wait()
	})
}

// A panic in a codec must reach the recovery around the handler, in its goroutine.
func TestPanicOfTheStreamReachesTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, conn, _ := expiring(t,
			&service{duplex: func(s duplexServer) (err error) {
				defer func() { err = status.Error(codes.DataLoss, fmt.Sprint(recover())) }()
				_, err = s.Recv()
				return err
			}},
			grpc.StreamInterceptor(func(service any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
				return handler(service, panicking{s})
			}))
		if err := stream(ctx, conn); status.Code(err) != codes.DataLoss || status.Convert(err).Message() != "bad codec" {
			t.Errorf("%v, want the panic's text", err)
		}
	})
}

type panicking struct{ grpc.ServerStream }

func (panicking) RecvMsg(any) error { panic("bad codec") }

// A handler that panics leaves no timer behind: at the expiry, nothing happens.
func TestPanicOfTheHandlerStopsTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left duplexServer
		ctx, conn, j := expiring(t,
			&service{duplex: func(s duplexServer) error {
				left = s
				panic("bug")
			}},
			grpc.StreamInterceptor(func(service any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
				defer func() { err = status.Error(codes.Internal, fmt.Sprint(recover())) }()
				return handler(service, s)
			}))
		wantRefusal(t, stream(ctx, conn), codes.Internal, "")
		time.Sleep(2 * lifetime)
		if _, err := left.Recv(); status.Code(err) != codes.Canceled {
			t.Errorf("%v, want gRPC's own error of a stream that has ended", err)
		}
		if cause := context.Cause(left.Context()); cause == nil || errors.Is(cause, verifier.ErrExpired) {
			t.Errorf("cause %v, want one that is not the expiry", cause)
		}
		if j.String() != "" {
			t.Errorf("logged %s", j)
		}
	})
}

// After the expiry nothing reaches the stream, not even what would be too late.
func TestNothingIsReceivedOrSentAfterTheExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := &counting{}
		ctx, conn, _ := expiring(t,
			&service{duplex: func(s duplexServer) error {
				_ = s.Send(&grpc_testing.StreamingOutputCallResponse{})
				time.Sleep(lifetime + time.Second)
				for range 10 {
					_, _ = s.Recv()
					_ = s.Send(&grpc_testing.StreamingOutputCallResponse{})
				}
				synctest.Wait()
				return nil
			}},
			grpc.StreamInterceptor(func(service any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
				counted.ServerStream = s
				return handler(service, counted)
			}))
		wantRefusal(t, stream(ctx, conn), codes.Unauthenticated, "EXPIRED")
		if sent, received := counted.sent.Load(), counted.received.Load(); sent != 1 || received != 0 {
			t.Errorf("%d messages were sent and %d were waited for, want 1 and 0", sent, received)
		}
	})
}

// counting counts the calls that reach a stream.
type counting struct {
	grpc.ServerStream

	sent, received atomic.Int32
}

func (s *counting) SendMsg(message any) error {
	s.sent.Add(1)
	return s.ServerStream.SendMsg(message)
}

func (s *counting) RecvMsg(message any) error {
	s.received.Add(1)
	return s.ServerStream.RecvMsg(message)
}

// A token that never expires within reach of a timer must not end at once.
func TestDistantExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, issuer := verifierAndIssuer(t)
		o := options()
		o.EndStreamsAtExpiry = true
		conn := dial(t, grpcauth.New(v, o), &service{duplex: func(s duplexServer) error {
			time.Sleep(time.Hour)
			return s.Context().Err()
		}})
		token := issuer.Token(issuertest.Claims{"exp": time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err := stream(authorized(t.Context(), "Bearer "+token), conn); err != nil {
			t.Error(err)
		}
	})
}
