package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// logRequests gives each request an id, which its answer repeats, and logs one line
// for it. The line names the route's pattern and not the URL, in which a careless
// client may have put a token.
func logRequests(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begin := time.Now()
			ctx, id := withRequestID(r.Context(), r.Header.Values(requestIDHeader))
			w.Header().Set(requestIDHeader, id)
			wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				log.InfoContext(ctx, "request",
					"method", r.Method[:min(len(r.Method), 32)], // a client may make it as long as a header
					"route", chi.RouteContext(ctx).RoutePattern(),
					"status", wrapped.Status(),
					"bytes", wrapped.BytesWritten(),
					"duration", time.Since(begin))
			}()
			next.ServeHTTP(wrapped, r.WithContext(ctx))
		})
	}
}
