package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// health says whether the process is alive, and whether it can serve.
type health struct {
	keys  interface{ Ready() error }
	store interface{ Ping(context.Context) error }
	log   *slog.Logger

	stopping *stopping // nil: it never stops
}

// routes adds /healthz and /readyz.
func (h health) routes(r chi.Router) {
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		_ = writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	r.Get("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if missing := h.missing(r.Context()); missing != "" {
			newProblem(http.StatusServiceUnavailable, missing+" not available").write(w)
			return
		}
		_ = writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
}

// missing returns what the service lacks, or "". The reason goes to the log
// only: anybody may ask for readiness.
func (h health) missing(ctx context.Context) string {
	if h.stopping.has() {
		return "the service is stopping and"
	}
	if err := h.keys.Ready(); err != nil {
		h.log.WarnContext(ctx, "not ready: keys", "error", err)
		return "the issuer's keys are"
	}
	if err := h.store.Ping(ctx); err != nil {
		h.log.WarnContext(ctx, "not ready: database", "error", err)
		return "the database is"
	}
	return ""
}

// rpcHealth is the health service of gRPC. Watch is not offered, which clients
// understand.
type rpcHealth struct {
	grpc_health_v1.UnimplementedHealthServer
	health health
}

// Check implements grpc_health_v1.HealthServer for every service name, because
// there is only one.
func (h rpcHealth) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) { //nolint:unparam // the interface wants an error
	status := grpc_health_v1.HealthCheckResponse_SERVING
	if h.health.missing(ctx) != "" {
		status = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return &grpc_health_v1.HealthCheckResponse{Status: status}, nil
}
