package main

import (
	"encoding/json/jsontext"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/bearerproof/bearerproof/jwks"
)

// adminRoutes is what operators ask for, away from the API's address.
func adminRoutes(a auth, h health, log *slog.Logger) chi.Router {
	r := chi.NewRouter()
	r.Use(logRequests(log), noSniffing, middleware.GetHead)
	r.NotFound(notFound)
	r.MethodNotAllowed(methodNotAllowed)
	h.routes(r)
	r.Get("/debug/keys", debugKeys(a.keys.Status))
	r.Method(http.MethodGet, "/metrics", a.metrics.handler(log))
	return r
}

// debugKeys shows a person the held key set. It causes no fetch.
func debugKeys(status func() jwks.Status) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_ = writeJSON(w, http.StatusOK, status(), jsontext.WithIndent("  "))
	}
}
