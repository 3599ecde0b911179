package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/tap"

	"github.com/bearerproof/bearerproof/examples/todo/todov1"
)

// What the clients of the gRPC service may hold. grpc-go reads the message of a unary
// call before any interceptor runs, and so before its token is verified: these limits
// are all that bounds strangers. Their calls hold 112 MiB at most, which is maxRPCConns
// × maxCalls × (maxMetadata + maxMessage).
const (
	maxRPCConns = 64       // at a time; more wait
	maxCalls    = 50       // on a connection at a time
	maxMetadata = 32 << 10 // bytes of a call: a token may be 16 KiB long
	maxMessage  = 4 << 10  // bytes: a title may be 2,000 bytes long

	callLimit = 30 * time.Second // for a call that is no watch, once its metadata is there

	rpcIdle = 5 * time.Minute  // for a connection without a call
	rpcAge  = 15 * time.Minute // for a connection that gets new calls, give or take 10 %

	// rpcGrace is for the calls that an older connection still has. Only the watch of a
	// token that lasts longer is cut off.
	rpcGrace = 15 * time.Minute
)

// limitCalls returns the server options for these limits, but that of connections.
func limitCalls() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.InTapHandle(limitTime),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(maxMetadata),
		grpc.MaxConcurrentStreams(maxCalls),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle:     rpcIdle,
			MaxConnectionAge:      rpcAge,
			MaxConnectionAgeGrace: rpcGrace,
			Time:                  time.Minute, // finds clients that are gone
		}),
	}
}

// limitTime is a [tap.ServerInHandle]: it runs as soon as the metadata of a call is
// there. A watch needs no limit here, because its token, which is verified before its
// message is read, is one.
func limitTime(ctx context.Context, call *tap.Info) (context.Context, error) {
	if call.FullMethodName == todov1.TodoService_WatchTodos_FullMethodName {
		return ctx, nil
	}
	limited, stop := context.WithTimeout(ctx, callLimit)
	context.AfterFunc(ctx, stop)
	return limited, nil
}
