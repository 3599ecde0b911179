// Package grpcauth protects a gRPC server with bearer access tokens (RFC 6750). It
// reads the metadata key "authorization", has a [Verifier] judge the token, and
// either calls the method or answers the call itself.
//
//	auth := grpcauth.New(v, &grpcauth.Options{ // v is a *verifier.Verifier
//		Public: []string{"/grpc.health.v1.Health/Check"},
//		Require: map[string][]verifier.Check{
//			todov1.TodoService_CreateTodo_FullMethodName: {verifier.Scopes("todos:write")},
//		},
//	})
//	server := grpc.NewServer(auth.ServerOptions()...)
//	todov1.RegisterTodoServiceServer(server, service)
//	if err := auth.Validate(server); err != nil {
//		return err // a name in Options that the server does not have
//	}
//
// Every method of the server needs a token, unary or stream, unless its full name is
// in [Options.Public]. Nothing is public by itself, health checks and reflection
// included, and no pattern makes a service public as a whole. A method that needs
// more than a good token has its checks in [Options.Require]. A name that is
// misspelt would leave a method without its checks, so call [Auth.Validate] when
// all services are registered.
//
// A method gets the token from [verifier.FromContext]; where that reports false, the
// method is public, or the server was made without [Auth.ServerOptions].
//
// # Credentials
//
// Only the metadata key "authorization" is read, by the rules of
// [verifier.BearerToken]: one value, one scheme without regard to case, one token.
// "proxy-authorization" is never read.
//
// # Answers
//
//	no bearer token         Unauthenticated
//	unreadable credential   Unauthenticated
//	the token is at fault   Unauthenticated
//	a Check said no         PermissionDenied, and metadata "scope" of verifier.Scopes
//	keys unavailable        Unavailable, RetryInfo
//	a Check cannot decide   Unavailable, RetryInfo
//	the call was canceled   Canceled
//	its deadline passed     DeadlineExceeded
//	anything else           Internal
//
// The status message starts with the error code of RFC 6750 §3.1, where there is
// one. All but the last three have an ErrorInfo (google.rpc) with the domain
// [ErrorDomain] and the name of the [verifier.Kind] in capitals as the reason, such
// as EXPIRED. Neither contains anything of the call, the token or the error.
//
// A refusal is a gRPC status in an HTTP response of status 200, as for any other gRPC
// error. A gateway that translates the codes gives 401, 403 and 503 for the first
// six.
//
// # Streams
//
// The token of a stream is verified when the stream starts. A stream outlives its
// token unless [Options.EndStreamsAtExpiry] is set.
//
// # Strangers
//
// grpc-go reads the message of a unary call before it runs any interceptor, so nothing
// that authenticates bounds what clients without a token may hold: their metadata and
// half a message each, until they leave. These options do: [grpc.InTapHandle] with a
// deadline for the call's context, [grpc.MaxHeaderListSize], [grpc.MaxRecvMsgSize],
// [grpc.MaxConcurrentStreams] and [grpc.KeepaliveParams], and a listener that bounds
// connections. A stream is refused as soon as its metadata is there.
//
// # Logs
//
// Each refusal is one line, with the error's exact text, its kind and the method,
// never a token or metadata. Unauthenticated is of level Debug, because anybody can
// cause it, and so are Canceled and DeadlineExceeded; PermissionDenied is Info and
// names the caller; Unavailable is Warn; Internal is Error. The end of a stream
// whose token expired is a line of level Debug too.
package grpcauth
