package issuertest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Flap is an issuer that comes and goes: from the first fetch on, it is healthy for
// the time up, then has the fault for the time down, then is healthy again, and so
// on. A fetch keeps its fault until the client goes or the time down ends, which is
// like a repair for it: one that hangs is answered then. It panics unless both times
// are positive and there is a fault.
func Flap(up, down time.Duration, fault Fault) Fault {
	if up <= 0 || down <= 0 || fault == nil {
		misuse(errors.New("Flap needs two positive durations and a fault"))
	}
	since := sync.OnceValue(time.Now)
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		phase := time.Since(since()) % (up + down)
		if phase < up {
			healthy.ServeHTTP(w, r)
			return
		}
		ctx, stop := context.WithTimeoutCause(r.Context(), up+down-phase, errRepaired)
		defer stop()
		fault(w, r.WithContext(ctx), healthy)
	}
}
