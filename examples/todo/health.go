package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// health says whether the process is alive, and whether it can serve.
type health struct {
	keys  interface{ Ready() error }
	store *recentPing // one for all who tell
	log   *slog.Logger

	stopping *stopping // nil: it never stops
}

// routes adds /healthz and /readyz.
func (h health) routes(r chi.Router) {
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_ = writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	r.Get("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if missing := h.missing(r.Context()); missing != "" {
			newProblem(http.StatusServiceUnavailable, missing+" not available").write(w)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
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

// pingAge is for how long the answer of a ping is used.
const pingAge = time.Second

// recentPing asks a store how it is at most once per pingAge, and once at a time,
// however many callers want to know: anybody may ask for readiness, at any rate.
type recentPing struct {
	store interface{ Ping(context.Context) error } // set once

	mu   sync.Mutex // guards what follows
	last *ping      // nil: none yet
}

// ping is one question to the store.
type ping struct {
	done chan struct{} // closed when the answer is there
	err  error         // the answer, set before done is closed
	at   time.Time     // when it came, likewise
}

func newRecentPing(store interface{ Ping(context.Context) error }) *recentPing {
	return &recentPing{store: store}
}

// Ping returns an answer of the store that is no older than pingAge. Who leaves early
// leaves alone: the ping goes on for the others, for as long as the store lets it.
func (p *recentPing) Ping(ctx context.Context) error {
	current := p.current(ctx)
	select {
	case <-current.done:
		return current.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// current returns the ping that is under way or not yet old, or else starts one.
func (p *recentPing) current(ctx context.Context) *ping {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil || p.last.old() {
		next := &ping{done: make(chan struct{})}
		go func() {
			defer close(next.done)
			next.err = p.store.Ping(context.WithoutCancel(ctx))
			next.at = time.Now()
		}()
		p.last = next
	}
	return p.last
}

func (p *ping) old() bool {
	select {
	case <-p.done:
		return time.Since(p.at) >= pingAge
	default:
		return false
	}
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
