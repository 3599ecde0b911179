package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
)

// requestIDHeader carries a request's id, in both directions; gRPC's metadata has
// the same name in lower case.
const requestIDHeader = "X-Request-Id"

// maxRequestID is the longest id that is taken from outside, in bytes.
const maxRequestID = 64

type requestIDKey struct{}

// withRequestID returns a context whose log lines bear an id: the given one, if it
// is a single id that may stand in a log, or else a new one.
func withRequestID(ctx context.Context, given []string) (context.Context, string) {
	id := rand.Text()
	if len(given) == 1 && isRequestID(given[0]) {
		id = given[0]
	}
	return context.WithValue(ctx, requestIDKey{}, id), id
}

// isRequestID allows what UUIDs, trace ids and nginx's $request_id are made of. What
// else a client sends would be its text in our log.
func isRequestID(s string) bool {
	return s != "" && len(s) <= maxRequestID && !strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-._", r):
			return false
		}
		return true
	})
}

// requestIDLog adds the id of the request, if the context has one, to each line: so
// also what the library and the store say about a request can be found by it.
type requestIDLog struct{ slog.Handler }

// Handle implements slog.Handler.
func (h requestIDLog) Handle(ctx context.Context, line slog.Record) error {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		line.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements slog.Handler.
func (h requestIDLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h requestIDLog) WithGroup(name string) slog.Handler {
	return requestIDLog{h.Handler.WithGroup(name)}
}
