package main

import (
	"net/http"
	"sync/atomic"
)

// stopping is whether the service has been told to stop. Until its listeners close
// it goes on serving, and says in two ways that it will not for long: readiness is
// 503, for load balancers that ask, and each HTTP answer closes its connection, for
// proxies that keep connections and would otherwise lose a request on one.
type stopping struct{ begun atomic.Bool }

func (s *stopping) begin() { s.begun.Store(true) }

// has reports whether it has begun. A nil stopping never does.
func (s *stopping) has() bool { return s != nil && s.begun.Load() }

// closing has the answers of h close their connections once s has begun.
func (s *stopping) closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.has() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
