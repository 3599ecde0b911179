package verifier

import "context"

type contextKey struct{}

// NewContext returns a context that carries the token. Adapters call it; so do
// tests of handlers, with a token that a verifier made.
func NewContext(ctx context.Context, t *Token) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}

// FromContext returns the token that an adapter verified for this request. Where it
// reports false, the handler was mounted without authentication: that is a bug of
// the program and deserves a 500, never an anonymous user.
func FromContext(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(contextKey{}).(*Token)
	return t, ok && t != nil
}
