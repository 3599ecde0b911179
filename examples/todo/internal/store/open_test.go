package store

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3/lock"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store/storetest"
)

// Several servers may start for the first time at once. Each must be ready within
// the time that a server allows itself (startLimit in server.go).
func TestServersThatStartTogetherOnAnEmptyDatabase(t *testing.T) {
	for name, locate := range storetest.Locations() {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				location := locate(t)
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				stores := make([]*Store, 8)
				var wg sync.WaitGroup
				for i := range stores {
					wg.Go(func() {
						s, err := Open(ctx, location, time.Now, slog.New(slog.DiscardHandler))
						if err != nil {
							t.Error(err)
							return
						}
						stores[i] = s
					})
				}
				wg.Wait()
				cancel()
				for _, s := range stores {
					if s != nil {
						mustCreate(t, s, "alice", "x")
						s.Close()
					}
				}
			}
		})
	}
}

// The context is for opening alone.
func TestTheStoreOutlivesTheContextThatItWasOpenedWith(t *testing.T) {
	for name, locate := range storetest.Locations() {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s, err := Open(ctx, locate(t), time.Now, slog.New(slog.DiscardHandler))
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			w := mustWatch(t, s, "alice")
			defer w.Close()
			for range 5 {
				wantChange(t, w, Change{Created, mustCreate(t, s, "alice", "x")})
			}
		})
	}
}

// Connections are made when they are needed, maybe in another directory.
func TestARelativeNameMeansTheDirectoryAtTheStart(t *testing.T) {
	t.Chdir(t.TempDir())
	s := mustOpen(t, "todo.db")
	mustCreate(t, s, "alice", "x")
	t.Chdir(t.TempDir())
	if todos := mustList(t, s, "alice"); len(todos) != 1 {
		t.Errorf("%d todos, want one", len(todos))
	}
}

// The one that waits has made nothing yet, and goes on at once when it may.
func TestOneServerAtATimeMigratesPostgres(t *testing.T) {
	location := storetest.Postgres(t)
	migrated := mustOpen(t, storetest.Postgres(t)) // only for its connections
	busy, err := migrated.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Rollback()
	if _, err := busy.ExecContext(t.Context(), `SELECT pg_advisory_xact_lock($1)`, lock.DefaultLockID); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		s, err := Open(t.Context(), location+"&application_name="+t.Name(), time.Now, slog.New(slog.DiscardHandler))
		if err == nil {
			s.Close()
		}
		opened <- err
	}()
	for limit, waits := time.Now().Add(20*time.Second), false; !waits; time.Sleep(10 * time.Millisecond) {
		const query = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'advisory')`
		if err := migrated.write.QueryRowContext(t.Context(), query, t.Name()).Scan(&waits); err != nil || time.Now().After(limit) {
			t.Fatal("the other server does not wait for its turn", err)
		}
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	var tables int
	const query = `SELECT count(*) FROM pg_tables WHERE schemaname = $1`
	if err := migrated.write.QueryRowContext(t.Context(), query, u.Query().Get("search_path")).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("the server that waits has made %d tables, %v", tables, err)
	}
	if err := busy.Rollback(); err != nil {
		t.Error(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}
