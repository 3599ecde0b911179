package grpcauth

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/bearerproof/bearerproof/verifier"
)

// Verifier judges the text of one token; [*verifier.Verifier] is one. It must be
// safe for concurrent use. Only a real verifier makes a usable token, so another
// implementation can refuse, or ask a real one.
type Verifier interface {
	Verify(ctx context.Context, raw string) (*verifier.Token, error)
}

// Options says what the methods of a server need. The zero value asks for a token,
// and nothing else, on every method.
type Options struct {
	// Public lists the methods that are called without a token, by their full names,
	// such as "/grpc.health.v1.Health/Check". There are no patterns. A token that is
	// sent to a public method is not looked at.
	Public []string

	// Require has the checks of a method, by its full name. They run in order, after
	// the token is verified. A method that is not here needs a token and nothing more.
	// A method that is also in Public is not public.
	Require map[string][]verifier.Check

	// EndStreamsAtExpiry ends a stream with Unauthenticated when its token expires. The
	// instant is the token's "exp" by the system's clock: the leeway that the verifier
	// grants when a stream starts is not added, and a stream that would start after
	// "exp", thanks to the leeway, is refused.
	//
	// At that instant the context of the handler is canceled, with a cause of kind
	// [verifier.ErrExpired], and RecvMsg and SendMsg of its stream fail, also where
	// they are waiting. When the handler returns, the client gets Unauthenticated
	// whatever the handler returned. The stream cannot end before: a handler that
	// looks neither at its context nor at the errors of its stream keeps the client
	// waiting, but nothing that it sends after the instant leaves the server.
	//
	// Unary calls are not interrupted.
	EndStreamsAtExpiry bool

	// Logger gets one line for each refusal. The default is slog.Default().
	Logger *slog.Logger
}

// Auth authenticates calls. [New] makes one; the zero Auth lets none through and
// answers Internal. It is immutable and safe for concurrent use.
type Auth struct {
	verifier           Verifier
	public             map[string]bool
	require            map[string][]verifier.Check
	endStreamsAtExpiry bool
	logger             *slog.Logger
}

// New returns an Auth that has v judge tokens. Options may be nil, and are copied. A
// nil Verifier is a mistake in the program, which [Auth.Validate] finds: no call is
// let through, and the answer is Internal.
func New(v Verifier, o *Options) *Auth {
	if o == nil {
		o = &Options{}
	}
	a := &Auth{
		verifier:           v,
		public:             make(map[string]bool, len(o.Public)),
		require:            make(map[string][]verifier.Check, len(o.Require)),
		endStreamsAtExpiry: o.EndStreamsAtExpiry,
		logger:             o.Logger,
	}
	for _, method := range o.Public {
		a.public[method] = true
	}
	for method, checks := range o.Require {
		a.require[method] = slices.Clone(checks)
	}
	return a
}

// ServerOptions returns the options for [grpc.NewServer] that protect all methods,
// unary and stream, and then more. Interceptors among more run after
// authentication if they are chained ([grpc.ChainUnaryInterceptor],
// [grpc.ChainStreamInterceptor]); gRPC runs one set by [grpc.UnaryInterceptor] or
// [grpc.StreamInterceptor] before it, without a token.
func (a *Auth) ServerOptions(more ...grpc.ServerOption) []grpc.ServerOption {
	return append([]grpc.ServerOption{
		grpc.ChainUnaryInterceptor(a.interceptUnary),
		grpc.ChainStreamInterceptor(a.interceptStream),
	}, more...)
}

// interceptUnary is a [grpc.UnaryServerInterceptor].
func (a *Auth) interceptUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if a.isPublic(info.FullMethod) {
		return handler(ctx, request)
	}
	t, err := a.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(verifier.NewContext(ctx, t), request)
}

// interceptStream is a [grpc.StreamServerInterceptor].
func (a *Auth) interceptStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if a.isPublic(info.FullMethod) {
		return handler(service, stream)
	}
	t, err := a.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	if a.endStreamsAtExpiry {
		return a.handleUntilExpiry(service, stream, info.FullMethod, t, handler)
	}
	return handler(service, &authenticatedStream{stream, verifier.NewContext(stream.Context(), t)})
}

// authenticatedStream is a stream whose context carries the token.
type authenticatedStream struct {
	grpc.ServerStream

	ctx context.Context
}

// Context implements [grpc.ServerStream].
func (s *authenticatedStream) Context() context.Context { return s.ctx }

// isPublic reports whether a method is called without a token.
func (a *Auth) isPublic(method string) bool {
	if a == nil || a.verifier == nil || !a.public[method] {
		return false
	}
	// A name in both lists is a mistake, and the safe reading is that it needs a token.
	_, required := a.require[method]
	return !required
}

// admit returns the token of a call that may go on, or the status of one that may
// not, which it has logged.
func (a *Auth) admit(ctx context.Context, method string) (*verifier.Token, error) {
	t, err := a.verify(ctx)
	if err != nil {
		return nil, a.refuse(ctx, method, nil, err)
	}
	if err := verifier.Authorize(ctx, t, a.require[method]...); err != nil {
		return nil, a.refuse(ctx, method, t, err)
	}
	return t, nil
}

// verify authenticates one call. That the token is one which a verifier made, and no
// anonymous user, is what [verifier.Authorize] makes sure of.
func (a *Auth) verify(ctx context.Context) (*verifier.Token, error) {
	if a == nil || a.verifier == nil {
		return nil, &verifier.Error{Kind: verifier.ErrMisconfigured, Err: errors.New("the Verifier is nil")}
	}
	raw, err := verifier.BearerToken(metadata.ValueFromIncomingContext(ctx, "authorization"))
	if err != nil {
		return nil, err
	}
	return a.verifier.Verify(ctx, raw)
}
