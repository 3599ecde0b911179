package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store/storetest"
)

// script is a connection that says what a test tells it to.
type script struct {
	announce chan string   // payloads
	broken   chan struct{} // closed: every call fails
	deaf     chan struct{} // closed: Check says so
	mute     chan struct{} // closed: Check hangs
	checks   atomic.Int64
	closed   atomic.Bool
}

func newScript() *script {
	return &script{announce: make(chan string, 8), broken: make(chan struct{}), mute: make(chan struct{}), deaf: make(chan struct{})}
}

var (
	errBroken  = errors.New("the connection broke")
	errRefused = errors.New("no connection can be made")
	errDeaf    = errors.New("the connection listens to nothing")
)

func (s *script) WaitForNotification(ctx context.Context) (*pgconn.Notification, error) {
	select {
	case payload := <-s.announce:
		return &pgconn.Notification{Payload: payload}, nil
	case <-s.broken:
		return nil, errBroken
	case <-ctx.Done():
		return nil, fmt.Errorf("timeout: %w", ctx.Err())
	}
}

func (s *script) Check(ctx context.Context) error {
	s.checks.Add(1)
	select {
	case <-s.deaf:
		return errDeaf
	case <-s.mute:
		<-ctx.Done()
		return ctx.Err()
	default:
		return nil
	}
}

func (s *script) Close(context.Context) error {
	s.closed.Store(true)
	return nil
}

// listening runs a listener in the bubble of t. dial makes its second connection
// and those after; read is the table of todos.
func listening(t *testing.T, first *script, dial func(context.Context) (connection, error), read func(owner, id string) (Todo, error)) *feed {
	return listeningTo(t, first, dial, read, slog.DiscardHandler)
}

// listeningTo is listening with a log.
func listeningTo(t *testing.T, first *script, dial func(context.Context) (connection, error), read func(owner, id string) (Todo, error), log slog.Handler) *feed {
	f := new(feed)
	l := newListener(dial, func(_ context.Context, owner, id string) (Todo, error) { return read(owner, id) }, f, slog.New(log))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(ctx, first)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	synctest.Wait()
	return f
}

const anID = "01890000-0000-7000-8000-000000000000"

func about(op, owner string, version int64) string {
	return fmt.Sprintf("%s %s %s %d", op, topicOf(owner), anID, version)
}

func TestWhatIsAnnouncedIsReadAndTold(t *testing.T) {
	now := Todo{ID: anID, Title: "now", Version: 3}
	for what, row := range map[string]struct {
		announced string
		read      Todo
		err       error
		want      Change // a zero Kind: nothing
		ends      error
	}{
		"a new todo":                                {announced: about("INSERT", "alice", 3), read: now, want: Change{Created, now}},
		"an edit":                                   {announced: about("UPDATE", "alice", 3), read: now, want: Change{Updated, now}},
		"a deletion":                                {announced: about("DELETE", "alice", 3), err: ErrNotFound, want: Change{Deleted, Todo{ID: anID, Version: 3}}},
		"an edit that a later one has replaced":     {announced: about("UPDATE", "alice", 2), read: now},
		"an edit of what is gone by now":            {announced: about("UPDATE", "alice", 3), err: ErrNotFound},
		"a deletion of what is there":               {announced: about("DELETE", "alice", 3), read: now},
		"an edit that cannot be read":               {announced: about("UPDATE", "alice", 3), err: context.DeadlineExceeded, ends: ErrInterrupted},
		"something of somebody whom nobody watches": {announced: about("UPDATE", "bob", 3), read: now},
		"nonsense":                                  {announced: "nonsense"},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newScript()
				f := listening(t, c, func(context.Context) (connection, error) { return newScript(), nil }, func(owner, id string) (Todo, error) {
					if owner != "alice" || id != anID {
						t.Errorf("read %q of %q", id, owner)
					}
					return row.read, row.err
				})
				w := begin(t, f)
				defer w.Close()
				c.announce <- row.announced
				synctest.Wait()
				select {
				case got, open := <-w.Changes():
					if got != row.want || open != (row.ends == nil) || !open && !errors.Is(w.Err(), row.ends) {
						t.Errorf("the watch told %+v, open %v, %v, want %+v and %v", got, open, w.reason, row.want, row.ends)
					}
				default:
					if row.want.Kind != 0 || row.ends != nil {
						t.Errorf("the watch told nothing, want %+v, %v", row.want, row.ends)
					}
				}
			})
		})
	}
}

func TestAnnouncementsThatCannotBeRead(t *testing.T) {
	good := about("INSERT", "alice", 1)
	if _, err := parseAnnouncement(good); err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{"", " ", "INSERT", good + " ", " " + good, good + "x", strings.TrimSuffix(good, "1") + "01", strings.Replace(good, "INSERT", "TRUNCATE", 1), strings.Replace(good, anID, "x", 1), strings.Repeat(" ", 7999)} {
		if a, err := parseAnnouncement(payload); err == nil {
			t.Errorf("%.40q gave %+v", payload, a)
		}
	}
}

// A break ends the watches, and new ones wait for a new connection, which is
// asked for less and less often.
func TestABrokenConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newScript(), newScript()
		begun := time.Now()
		attempts := make(chan time.Duration, 16)
		f := listening(t, first, func(context.Context) (connection, error) {
			attempts <- time.Since(begun)
			if time.Since(begun) < 30*time.Second {
				return nil, errRefused
			}
			return second, nil
		}, func(string, string) (Todo, error) { return Todo{ID: anID, Version: 1}, nil })
		w := begin(t, f)
		close(first.broken)
		synctest.Wait()
		wantEnd(t, w, ErrInterrupted)
		if !errors.Is(w.Err(), errBroken) || !first.closed.Load() {
			t.Errorf("the watch ended with %v, the connection is closed: %v", w.Err(), first.closed.Load())
		}
		if _, err := f.watch("alice"); !errors.Is(err, ErrInterrupted) {
			t.Errorf("without a connection, a watch gave %v, want ErrInterrupted", err)
		}
		time.Sleep(leastWait)
		synctest.Wait()
		if _, err := f.watch("alice"); !errors.Is(err, ErrInterrupted) || !errors.Is(err, errRefused) {
			t.Errorf("after an attempt, a watch gave %v, want ErrInterrupted and why the attempt failed", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		at := time.Duration(0)
		for _, ms := range []int{100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
			at += time.Duration(ms) * time.Millisecond
			if got := <-attempts; got != at {
				t.Errorf("an attempt after %v, want one after %v", got, at)
			}
		}
		again := begin(t, f)
		defer again.Close()
		second.announce <- about("INSERT", "alice", 1)
		if c := mustHear(t, again); c.Kind != Created {
			t.Errorf("the new connection told %+v", c)
		}
		// It lasted, so the next break is mended at once.
		broke := time.Since(begun)
		close(second.broken)
		if got := <-attempts - broke; got != leastWait {
			t.Errorf("an attempt %v after the second break, want one after %v", got, leastWait)
		}
	})
}

func TestAnAttemptToConnectThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newScript()
		attempts := 0
		f := listening(t, first, func(ctx context.Context) (connection, error) {
			if attempts++; attempts == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return newScript(), nil
		}, nil)
		close(first.broken)
		time.Sleep(leastWait + patience + 2*leastWait)
		synctest.Wait()
		begin(t, f).Close()
	})
}

func TestASilentConnectionMustShowThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newScript()
		f := listening(t, c, func(context.Context) (connection, error) { return nil, errBroken }, nil)
		w := begin(t, f)
		time.Sleep(4*heartbeat + time.Second)
		synctest.Wait()
		if c.checks.Load() != 4 || c.closed.Load() {
			t.Errorf("%d checks in four heartbeats, closed %v", c.checks.Load(), c.closed.Load())
		}
		close(c.mute)
		time.Sleep(heartbeat + patience)
		synctest.Wait()
		wantEnd(t, w, ErrInterrupted)
		if !c.closed.Load() {
			t.Error("the dead connection is still open")
		}
	})
}

// A restored table announces on another channel, and says nothing on this one.
func TestADeafConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, second := newScript(), newScript()
		f := listening(t, c, func(context.Context) (connection, error) { return second, nil }, func(string, string) (Todo, error) { return Todo{ID: anID, Version: 1}, nil })
		w := begin(t, f)
		close(c.deaf)
		time.Sleep(heartbeat + leastWait)
		synctest.Wait()
		wantEnd(t, w, ErrInterrupted)
		if !errors.Is(w.Err(), errDeaf) || !c.closed.Load() {
			t.Errorf("the watch ended with %v, the connection is closed: %v", w.Err(), c.closed.Load())
		}
		again := begin(t, f)
		defer again.Close()
		second.announce <- about("INSERT", "alice", 1)
		if change := mustHear(t, again); change.Kind != Created {
			t.Errorf("the new connection told %+v", change)
		}
	})
}

// Any role that may connect to the database can announce anything, at any rate.
func TestNonsenseEndsNothingAndIsLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := newScript()
		f := listeningTo(t, c, func(context.Context) (connection, error) { return c, nil },
			func(string, string) (Todo, error) { return Todo{ID: anID, Version: 1}, nil }, slog.NewTextHandler(&log, nil))
		w := begin(t, f)
		defer w.Close()
		for range 3 {
			for range 1000 {
				c.announce <- "INSERT nonsense\nlevel=ERROR"
			}
			time.Sleep(complainEvery)
			synctest.Wait()
		}
		c.announce <- about("INSERT", "alice", 1)
		if change := mustHear(t, w); change.Kind != Created {
			t.Errorf("after nonsense, the watch tells %+v", change)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "\n"); n != 3 || strings.Contains(log.String(), "nonsense") {
			t.Errorf("3000 announcements in 3 minutes gave %d lines:\n%.500s", n, log.String())
		}
	})
}

func TestPostgresSaysWhetherItIsListenedTo(t *testing.T) {
	for what, statement := range map[string]string{
		"a pooler gave the session to somebody else": `UNLISTEN *`,
		"the table was restored":                     `ALTER TABLE todos RENAME TO was; CREATE TABLE todos (LIKE was INCLUDING ALL)`,
		"there is no table":                          `ALTER TABLE todos RENAME TO gone`,
	} {
		t.Run(what, func(t *testing.T) {
			location := storetest.Postgres(t)
			mustOpen(t, location)
			connect, err := listenAt(location)
			if err != nil {
				t.Fatal(err)
			}
			c, err := connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(t.Context()) //nolint:errcheck // nothing was written
			if err := c.Check(t.Context()); err != nil {
				t.Fatalf("it listens, and says: %v", err)
			}
			if _, err := c.(subscription).Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			if err := c.Check(t.Context()); err == nil {
				t.Error("it does not hear what is announced, and says it does")
			}
		})
	}
}

func TestPostgresTellsOtherServers(t *testing.T) {
	location := storetest.Postgres(t)
	here, there := mustOpen(t, location), mustOpen(t, location)
	w := mustWatch(t, here, "alice")
	defer w.Close()
	elsewhere := mustWatch(t, mustOpen(t, storetest.Postgres(t)), "alice")
	defer elsewhere.Close()

	created := mustCreate(t, there, "alice", strings.Repeat("😀", MaxTitle))
	wantChange(t, w, Change{Created, created})
	mine := mustCreate(t, here, "alice", "mine")
	wantChange(t, w, Change{Created, mine})
	done := true
	updated, err := here.Update(t.Context(), "alice", created.ID, Patch{Done: &done})
	if err != nil {
		t.Fatal(err)
	}
	wantChange(t, w, Change{Updated, updated})
	if err := there.Delete(t.Context(), "alice", created.ID); err != nil {
		t.Fatal(err)
	}
	wantChange(t, w, Change{Deleted, Todo{ID: created.ID, Version: 2}})
	// The same owner in other tables of the same database is somebody else.
	elsewhere.Close()
	for c := range elsewhere.Changes() {
		t.Errorf("another schema's watch told %+v", c)
	}
}

// What is rolled back is not told.
func TestPostgresTellsWhatIsCommittedOnly(t *testing.T) {
	s := mustOpen(t, storetest.Postgres(t))
	w := mustWatch(t, s, "alice")
	defer w.Close()
	todo := mustCreate(t, s, "alice", "kept")
	wantChange(t, w, Change{Created, todo})
	tx, err := s.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `DELETE FROM todos`); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	// Not by us: an administrator's edit is a change too.
	if _, err := s.write.ExecContext(t.Context(), `UPDATE todos SET done = TRUE, version = version + 1`); err != nil {
		t.Fatal(err)
	}
	todo.Done, todo.Version = true, 2
	wantChange(t, w, Change{Updated, todo})
}

func TestPostgresEndsWatchesWhenTheConnectionBreaks(t *testing.T) {
	s := mustOpen(t, storetest.Postgres(t))
	w := mustWatch(t, s, "alice")
	if _, err := s.write.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = $1`,
		mustChannel(t, s)); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, w, ErrInterrupted)
	var again *Watch
	for limit := time.Now().Add(20 * time.Second); again == nil; {
		var err error
		if again, err = s.Watch("alice"); err != nil && time.Now().After(limit) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	defer again.Close()
	wantChange(t, again, Change{Created, mustCreate(t, s, "alice", "after the break")})
}

// mustChannel returns the statement with which the store listens.
func mustChannel(t *testing.T, s *Store) string {
	t.Helper()
	var statement string
	if err := s.write.QueryRow(`SELECT 'LISTEN "todos_' || 'todos'::regclass::oid || '"'`).Scan(&statement); err != nil {
		t.Fatal(err)
	}
	return statement
}

func mustOpen(t *testing.T, location string) *Store {
	t.Helper()
	s, err := Open(t.Context(), location, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
