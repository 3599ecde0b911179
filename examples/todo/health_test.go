package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc/health/grpc_health_v1"
)

var errDatabase = errors.New("the database is away")

// pinged is a database that takes its time to answer.
type pinged struct {
	takes time.Duration
	err   error // of the next pings

	pings    atomic.Int32
	underWay atomic.Int32
	together atomic.Bool // two pings were under way at a time
}

func (p *pinged) Ping(ctx context.Context) error {
	p.pings.Add(1)
	if p.underWay.Add(1) > 1 {
		p.together.Store(true)
	}
	defer p.underWay.Add(-1)
	select {
	case <-time.After(p.takes):
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestManyQuestionsArePingsOfOneASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &pinged{takes: 200 * time.Millisecond}
		p := newRecentPing(store)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
					if err := p.Ping(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		callers.Wait()
		if n := store.pings.Load(); n != 9 { // one every 1.2 s
			t.Errorf("%d pings in 10 s, want 9", n)
		}
		if store.together.Load() {
			t.Error("two pings were under way at a time")
		}
	})
}

func TestAnAnswerOfAPingStandsForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(pinged)
		p := newRecentPing(store)
		for _, step := range []struct {
			after time.Duration
			is    error // how the database is then
			want  error
		}{
			{0, nil, nil},
			{999 * time.Millisecond, errDatabase, nil},
			{time.Millisecond, errDatabase, errDatabase},
			{999 * time.Millisecond, nil, errDatabase},
			{time.Millisecond, nil, nil},
		} {
			time.Sleep(step.after)
			store.err = step.is
			if err := p.Ping(t.Context()); !errors.Is(err, step.want) {
				t.Errorf("after %v: %v, want %v", step.after, err, step.want)
			}
		}
	})
}

// A database that hangs makes each ping an error only after a while. Nobody waits for
// more than one of them.
func TestOnePingThatHangsAnswersAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, begin := newRecentPing(&pinged{takes: 8 * time.Second, err: errDatabase}), time.Now()
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if err := p.Ping(t.Context()); !errors.Is(err, errDatabase) || time.Since(begin) != 8*time.Second {
					t.Errorf("%v after %v", err, time.Since(begin))
				}
			})
		}
		callers.Wait()
	})
}

func TestACallerWhoLeavesLeavesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &pinged{takes: 3 * time.Second}
		p, begin := newRecentPing(store), time.Now()
		var callers sync.WaitGroup
		for _, patience := range []time.Duration{time.Second, 2 * time.Second} { // one that asks, one that waits
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := p.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != patience {
					t.Errorf("who has %v gets %v after %v", patience, err, time.Since(begin))
				}
			})
			synctest.Wait() // the first of them asks
		}
		if err := p.Ping(t.Context()); err != nil || time.Since(begin) != 3*time.Second {
			t.Errorf("who stays gets %v after %v", err, time.Since(begin))
		}
		callers.Wait()
		if n := store.pings.Load(); n != 1 {
			t.Errorf("%d pings, want 1", n)
		}
	})
}

type readyKeys struct{}

func (readyKeys) Ready() error { return nil }

func TestReadinessAsksTheDatabaseOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(pinged)
		h := health{keys: readyKeys{}, store: newRecentPing(store), log: slog.New(slog.DiscardHandler)}
		api, admin := chi.NewRouter(), chi.NewRouter()
		h.routes(api)
		h.routes(admin)
		for range 20 {
			for _, routes := range []http.Handler{api, admin} {
				if got := newRecorder(t, routes, "GET", "/readyz"); got.Code != http.StatusOK {
					t.Fatalf("/readyz gave %d %s", got.Code, got.Body)
				}
			}
			if got, err := (rpcHealth{health: h}).Check(t.Context(), nil); got.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
				t.Fatalf("gRPC's health service says %v, %v", got, err)
			}
		}
		if n := store.pings.Load(); n != 1 {
			t.Errorf("60 questions at three addresses were %d pings, want 1", n)
		}
	})
}
