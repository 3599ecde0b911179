package grpcauth

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"

	"github.com/bearerproof/bearerproof/verifier"
)

// expiringStream is a stream that can be used until its token expires.
//
// gRPC ends a stream only when the interceptor returns. An interceptor that returned
// before its handler would leave the handler behind, unseen by GracefulStop and by
// interceptors further out. So the handler is woken instead, wherever it waits:
// through the context, and through RecvMsg and SendMsg, whose own waiting no context
// of ours can interrupt.
type expiringStream struct {
	grpc.ServerStream

	ctx     context.Context // canceled at expiry, with the token
	expired chan struct{}   // closed at expiry
	ended   error           // what RecvMsg and SendMsg say from then on
}

// handleUntilExpiry calls the handler of a stream whose token was verified.
func (a *Auth) handleUntilExpiry(service any, stream grpc.ServerStream, method string, t *verifier.Token, handler grpc.StreamHandler) error {
	expiry := &verifier.Error{Kind: verifier.ErrExpired, Err: errors.New("exp was reached during the stream")}
	left := time.Until(t.ExpiresAt())
	if left <= 0 {
		expiry.Err = errors.New("exp was reached before the stream started; streams have no leeway")
		return a.refuse(stream.Context(), method, t, expiry)
	}
	answer := answerTo(stream.Context(), expiry)
	ctx, cancel := context.WithCancelCause(verifier.NewContext(stream.Context(), t))
	defer cancel(nil)
	s := &expiringStream{
		ServerStream: stream,
		ctx:          ctx,
		expired:      make(chan struct{}),
		ended:        answer.status(expiry).Err(),
	}
	timer := time.AfterFunc(left, func() {
		close(s.expired) // first, so that a handler that the context wakes finds its stream closed
		cancel(expiry)
	})
	defer timer.Stop()
	err := handler(service, s)
	if timer.Stop() {
		return err
	}
	a.log(stream.Context(), "stream ended", method, t, answer, expiry)
	return s.ended
}

// Context implements [grpc.ServerStream].
func (s *expiringStream) Context() context.Context { return s.ctx }

// RecvMsg implements [grpc.ServerStream].
func (s *expiringStream) RecvMsg(message any) error {
	return s.untilExpiry(func() error { return s.ServerStream.RecvMsg(message) })
}

// SendMsg implements [grpc.ServerStream].
func (s *expiringStream) SendMsg(message any) error {
	return s.untilExpiry(func() error { return s.ServerStream.SendMsg(message) })
}

// untilExpiry waits for a call of the stream, but not beyond the expiry. A call that
// is left waiting ends when the interceptor returns, because gRPC then closes the
// stream. At most one is left in each direction: after the expiry none is made.
func (s *expiringStream) untilExpiry(call func() error) error {
	select {
	case <-s.expired:
		return s.ended
	default:
	}
	done := make(chan outcome, 1)
	go run(call, done)
	select {
	case <-s.expired:
		return s.ended
	case result := <-done:
		if result.panicked != nil {
			panic(result.panicked) //nolint:forbidigo // a codec's panic goes where it would have gone without us
		}
		return result.err
	}
}

// outcome is how a call ended.
type outcome struct {
	err      error
	panicked any
}

// run makes a call and tells how it ended. A codec that panics must meet the
// recovery of the handler's goroutine, not end the process.
func run(call func() error, done chan<- outcome) {
	var result outcome
	defer func() {
		result.panicked = recover()
		done <- result
	}()
	result.err = call()
}
