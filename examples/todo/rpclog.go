package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// logCalls is logRequests for gRPC. Its interceptors are not chained, and so run
// before those that authenticate: a refused call has an id and a line too. A call of
// a method that does not exist reaches no interceptor.
func logCalls(log *slog.Logger) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.UnaryInterceptor(func(ctx context.Context, in any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			ctx, id := identified(ctx)
			_ = grpc.SetHeader(ctx, id) // fails only once a header is sent
			begin := time.Now()
			out, err := handler(ctx, in)
			logCall(ctx, log, info.FullMethod, begin, err)
			return out, err
		}),
		grpc.StreamInterceptor(func(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			ctx, id := identified(stream.Context())
			_ = stream.SetHeader(id)
			begin := time.Now()
			err := handler(service, identifiedStream{stream, ctx})
			logCall(ctx, log, info.FullMethod, begin, err)
			return err
		}),
	}
}

// identified returns a context with the call's id, and the header that repeats it.
func identified(ctx context.Context) (context.Context, metadata.MD) {
	name := strings.ToLower(requestIDHeader)
	ctx, id := withRequestID(ctx, metadata.ValueFromIncomingContext(ctx, name))
	return ctx, metadata.Pairs(name, id)
}

// identifiedStream is a stream whose context has the call's id.
type identifiedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s identifiedStream) Context() context.Context { return s.ctx }

func logCall(ctx context.Context, log *slog.Logger, method string, begin time.Time, err error) {
	log.InfoContext(ctx, "call", "method", method, "code", status.Code(err).String(), "duration", time.Since(begin))
}
