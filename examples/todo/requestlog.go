package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// logRequests logs one line for each request. It names the route's pattern and
// not the URL, in which a careless client may have put a token.
func logRequests(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			begin := time.Now()
			wrapped := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				log.InfoContext(r.Context(), "request",
					"method", r.Method[:min(len(r.Method), 32)], // a client may make it as long as a header
					"route", chi.RouteContext(r.Context()).RoutePattern(),
					"status", wrapped.Status(),
					"bytes", wrapped.BytesWritten(),
					"duration", time.Since(begin))
			}()
			next.ServeHTTP(wrapped, r)
		})
	}
}
