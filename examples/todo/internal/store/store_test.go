package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store/storetest"
)

// conformance runs test on each database: the same demands on both.
func conformance(t *testing.T, test func(t *testing.T, s *Store, clock *clock)) {
	for name, locate := range storetest.Locations() {
		t.Run(name, func(t *testing.T) {
			c := &clock{now: time.Date(2030, 1, 2, 3, 4, 5, 678901000, time.UTC)}
			s, err := Open(t.Context(), locate(t), c.Now, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			test(t, s, c)
		})
	}
}

// clock stands still until it is told to go on.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func TestATodoIsKeptAsItWasGiven(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, c *clock) {
		created := mustCreate(t, s, "alice", "buy milk")
		want := Todo{ID: created.ID, Title: "buy milk", CreatedAt: c.now, UpdatedAt: c.now, Version: 1}
		if created != want {
			t.Errorf("Create gave %+v, want %+v", created, want)
		}
		if got := mustGet(t, s, "alice", created.ID); got != want {
			t.Errorf("Get gave %+v, want %+v", got, want)
		}

		c.advance(time.Hour)
		title, done := "buy oat milk", true
		updated, err := s.Update(t.Context(), "alice", created.ID, Patch{Title: &title, Done: &done})
		want = Todo{ID: created.ID, Title: title, Done: true, CreatedAt: created.CreatedAt, UpdatedAt: c.now, Version: 2}
		if err != nil || updated != want {
			t.Errorf("Update gave %+v, %v, want %+v", updated, err, want)
		}
		if got := mustGet(t, s, "alice", created.ID); got != want {
			t.Errorf("Get gave %+v, want %+v", got, want)
		}

		undone := false
		updated, err = s.Update(t.Context(), "alice", created.ID, Patch{Done: &undone})
		if err != nil || updated.Done || updated.Title != title {
			t.Errorf("Update of done alone gave %+v, %v", updated, err)
		}

		if err := s.Delete(t.Context(), "alice", created.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "alice", created.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get after Delete gave %v, want ErrNotFound", err)
		}
	})
}

// What a statement could take for SQL, a wildcard, a comment or a placeholder.
var hostile = []string{
	`'; DROP TABLE todos; --`, `" OR "1"="1`, `alice' OR '1'='1`, `%`, `_`, `alice%`, `$1`, `?1`, `:owner`, `\`, `\'`,
	"/* */", "a\tb\nc", "é", "e\u0301", "😀", "\u202e", "\ufeff", "ALICE", "alice ", " alice", "%s%n", "{{.}}", "<script>",
	"alice\t", "alice\u00a0", "\ufeffalice", "al\u200dice", "Å", "A\u030a", "\u212b", "ß", "ss", "ﬁ", "fi", "1", "１", "01",
}

func TestTitlesAndOwnersAreDataNotSQL(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		hers := mustWatch(t, s, "alice")
		mine := mustCreate(t, s, "alice", "alice's own")
		wantChange(t, hers, Change{Created, mine})
		for _, text := range hostile {
			theirs := mustWatch(t, s, text)
			got := mustCreate(t, s, text, text)
			wantChange(t, theirs, Change{Created, got})
			theirs.Close()
			if again := mustGet(t, s, text, got.ID); again.Title != text {
				t.Errorf("title %q came back as %q", text, again.Title)
			}
			title := text + "!"
			if updated, err := s.Update(t.Context(), text, got.ID, Patch{Title: &title}); err != nil || updated.Title != title {
				t.Errorf("Update as owner %q gave %+v, %v", text, updated, err)
			}
			if todos := mustList(t, s, text); len(todos) != 1 || todos[0].ID != got.ID {
				t.Errorf("owner %q lists %+v, want only the one todo", text, todos)
			}
		}
		for _, id := range append(hostile, "", "\x00", "\xff", strings.ToUpper(mine.ID), "{"+mine.ID+"}", "urn:uuid:"+mine.ID, mine.ID+" ") {
			if _, err := s.Get(t.Context(), "alice", id); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get of id %q gave %v, want ErrNotFound", id, err)
			}
			if _, err := s.Update(t.Context(), "alice", id, Patch{}); !errors.Is(err, ErrNotFound) {
				t.Errorf("Update of id %q gave %v, want ErrNotFound", id, err)
			}
			if err := s.Delete(t.Context(), "alice", id); !errors.Is(err, ErrNotFound) {
				t.Errorf("Delete of id %q gave %v, want ErrNotFound", id, err)
			}
		}
		if got := mustGet(t, s, "alice", mine.ID); got != mine {
			t.Errorf("alice's todo became %+v", got)
		}
		hers.Close()
		for c := range hers.Changes() {
			t.Errorf("alice heard %+v", c)
		}
	})
}

func TestOwnersNeverMeet(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		hers := mustCreate(t, s, "alice", "hers")
		his := mustCreate(t, s, "bob", "his")
		title := "stolen"
		if _, err := s.Get(t.Context(), "bob", hers.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get gave %v, want ErrNotFound", err)
		}
		if _, err := s.Update(t.Context(), "bob", hers.ID, Patch{Title: &title}); !errors.Is(err, ErrNotFound) {
			t.Errorf("Update gave %v, want ErrNotFound", err)
		}
		// Not a conflict either: that would tell that the todo exists.
		if _, err := s.Update(t.Context(), "bob", hers.ID, Patch{Title: &title}, At(99)); !errors.Is(err, ErrNotFound) {
			t.Errorf("Update at a version gave %v, want ErrNotFound", err)
		}
		if err := s.Delete(t.Context(), "bob", hers.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("Delete gave %v, want ErrNotFound", err)
		}
		if err := s.Delete(t.Context(), "bob", hers.ID, At(1)); !errors.Is(err, ErrNotFound) {
			t.Errorf("Delete at a version gave %v, want ErrNotFound", err)
		}
		if todos := mustList(t, s, "bob"); !slices.Equal(todos, []Todo{his}) {
			t.Errorf("bob lists %+v, want %+v", todos, his)
		}
		if todos := mustList(t, s, "alice"); !slices.Equal(todos, []Todo{hers}) {
			t.Errorf("alice lists %+v, want %+v", todos, hers)
		}
		if todos := mustList(t, s, "carol"); todos == nil || len(todos) != 0 {
			t.Errorf("carol lists %#v, want an empty list", todos)
		}
	})
}

func TestEditsAtAVersion(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		todo := mustCreate(t, s, "alice", "one")
		title := "two"
		if _, err := s.Update(t.Context(), "alice", todo.ID, Patch{Title: &title}, At(2)); !errors.Is(err, ErrConflict) {
			t.Errorf("Update at version 2 of version 1 gave %v, want ErrConflict", err)
		}
		if got := mustGet(t, s, "alice", todo.ID); got != todo {
			t.Errorf("a refused edit left %+v", got)
		}
		if got, err := s.Update(t.Context(), "alice", todo.ID, Patch{Title: &title}, At(9, 1)); err != nil || got.Version != 2 {
			t.Errorf("Update at version 9 or 1 gave %+v, %v", got, err)
		}
		if err := s.Delete(t.Context(), "alice", todo.ID, At(1)); !errors.Is(err, ErrConflict) {
			t.Errorf("Delete at version 1 of version 2 gave %v, want ErrConflict", err)
		}
		if err := s.Delete(t.Context(), "alice", todo.ID, At(2)); err != nil {
			t.Error(err)
		}
	})
}

func TestPages(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		var want []Todo
		for i := range 7 {
			want = append(want, mustCreate(t, s, "alice", fmt.Sprint(7-i))) // titles have another order than ids
			mustCreate(t, s, "bob", fmt.Sprint(i))
		}
		for limit := 1; limit <= 8; limit++ {
			var got []Todo
			after := ""
			for range 8 {
				todos, next, err := s.List(t.Context(), "alice", after, limit)
				if err != nil || len(todos) > limit {
					t.Fatalf("List(%d) gave %d todos, %v", limit, len(todos), err)
				}
				got = append(got, todos...)
				if after = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d gave %d todos, want the %d, the newest last", limit, len(got), len(want))
			}
		}
	})
}

// Many slow readers with full pages must not fill the memory.
func TestALargePageEndsEarly(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		random := rand.New(rand.NewPCG(3, 14))
		var want []Todo
		for i := range 150 {
			title := strings.Repeat([]string{"a", "é", "😀"}[i%3], 1+random.IntN(MaxTitle))
			want = append(want, mustCreate(t, s, "alice", title))
		}
		// Not by us: an administrator's title can be longer than a page.
		for _, i := range []int{0, 70, 71, 149} {
			want[i].Title = strings.Repeat("x", maxPage+1)
			if _, err := s.write.ExecContext(t.Context(), `UPDATE todos SET title = $1 WHERE id = $2`, want[i].Title, want[i].ID); err != nil {
				t.Fatal(err)
			}
		}
		for _, limit := range []int{1, 2, 69, 70, 71, 72, 149, 150, 151, 1000} {
			after := ""
			for rest := want; len(rest) > 0; {
				n := min(limit, len(rest))
				for n > 1 && size(rest[:n]) > maxPage {
					n--
				}
				end := ""
				if n < len(rest) {
					end = rest[n-1].ID
				}
				page, next, err := s.List(t.Context(), "alice", after, limit)
				if err != nil || !slices.Equal(page, rest[:n]) || next != end {
					t.Fatalf("List(%d) gave %d todos, %q, %v, want %d, %q", limit, len(page), next, err, n, end)
				}
				after, rest = next, rest[n:]
			}
		}
	})
}

// size returns how many bytes of a page todos take.
func size(todos []Todo) (bytes int) {
	for _, t := range todos {
		bytes += len(t.Title) + 100
	}
	return bytes
}

func TestTitles(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		good := mustCreate(t, s, "alice", strings.Repeat("😀", MaxTitle))
		if got := mustGet(t, s, "alice", good.ID); got.Title != strings.Repeat("😀", MaxTitle) {
			t.Errorf("the longest title came back with %d bytes", len(got.Title))
		}
		for _, title := range []string{"", " ", "\n\t\u00a0", strings.Repeat("a", MaxTitle+1), "a\x00b", "a\xffb"} {
			if _, err := s.Create(t.Context(), "alice", title); !errors.Is(err, ErrTitle) {
				t.Errorf("Create of %.10q gave %v, want ErrTitle", title, err)
			}
			if _, err := s.Update(t.Context(), "alice", good.ID, Patch{Title: &title}); !errors.Is(err, ErrTitle) {
				t.Errorf("Update to %.10q gave %v, want ErrTitle", title, err)
			}
		}
		if todos := mustList(t, s, "alice"); !slices.Equal(todos, []Todo{good}) {
			t.Errorf("the refused titles left %d todos", len(todos))
		}
	})
}

// Many writers and readers at once: nothing is lost, nothing is told to come
// back because a lock is held, and every version is used once.
func TestConcurrentUse(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		const workers, rounds = 8, 12
		shared := mustCreate(t, s, "shared", "0")
		versions := make([][]int64, workers)
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				owner := fmt.Sprint("owner ", i)
				for range rounds {
					if _, err := s.Create(t.Context(), owner, owner); err != nil {
						t.Error(err)
					}
					if _, _, err := s.List(t.Context(), owner, "", 100); err != nil {
						t.Error(err)
					}
					updated, err := s.Update(t.Context(), "shared", shared.ID, Patch{Title: &owner})
					if err != nil {
						t.Error(err)
					}
					versions[i] = append(versions[i], updated.Version)
				}
			})
		}
		wg.Wait()
		for i := range workers {
			if todos := mustList(t, s, fmt.Sprint("owner ", i)); len(todos) != rounds {
				t.Errorf("owner %d has %d todos, want %d", i, len(todos), rounds)
			}
		}
		all := slices.Concat(versions...)
		slices.Sort(all)
		for i, v := range all {
			if v != int64(i+2) {
				t.Fatalf("the versions are %v, want each of 2 to %d once", all, workers*rounds+1)
			}
		}
	})
}

// Of many edits that name the same version, one wins.
func TestOneEditOfAVersionWins(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		todo := mustCreate(t, s, "alice", "race")
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				done := true
				_, errs[i] = s.Update(t.Context(), "alice", todo.ID, Patch{Done: &done}, At(1))
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, ErrConflict):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d edits of version 1 won, want one", won)
		}
	})
}

// A condition is looked at before the statement runs. What changes in between is
// noticed, and the condition is asked again.
func TestWhatChangesBetweenAConditionAndItsEditIsNoticed(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		edits := map[string]func(id string, c Condition) error{
			"Update": func(id string, c Condition) error {
				_, err := s.Update(t.Context(), "alice", id, Patch{}, c)
				return err
			},
			"Delete": func(id string, c Condition) error { return s.Delete(t.Context(), "alice", id, c) },
		}
		for name, edit := range edits {
			for what, c := range map[string]struct {
				holds Condition
				want  error
			}{
				"any version":       {func(int64) bool { return true }, nil},
				"the first version": {At(1), ErrConflict},
			} {
				todo := mustCreate(t, s, "alice", "race")
				var asked []int64
				err := edit(todo.ID, func(version int64) bool {
					if asked = append(asked, version); len(asked) == 1 {
						if _, err := s.Update(t.Context(), "alice", todo.ID, Patch{}); err != nil {
							t.Error(err)
						}
					}
					return c.holds(version)
				})
				if !errors.Is(err, c.want) || !slices.Equal(asked, []int64{1, 2}) {
					t.Errorf("%s at %s gave %v, asked about versions %v, want %v after 1 and 2", name, what, err, asked, c.want)
				}
			}
			todo := mustCreate(t, s, "alice", "gone")
			if err := edit(todo.ID, func(int64) bool { return s.Delete(t.Context(), "alice", todo.ID) == nil }); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s of what is gone by then gave %v, want ErrNotFound", name, err)
			}
		}
	})
}

func TestTwoServersShareADatabase(t *testing.T) {
	for name, locate := range storetest.Locations() {
		t.Run(name, func(t *testing.T) {
			location := locate(t)
			first, err := Open(t.Context(), location, time.Now, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()
			second, err := Open(t.Context(), location, time.Now, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			var wg sync.WaitGroup
			for _, s := range []*Store{first, second} {
				wg.Go(func() {
					for range 20 {
						if _, err := s.Create(t.Context(), "alice", "x"); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if todos := mustList(t, first, "alice"); len(todos) != 40 {
				t.Errorf("%d todos, want 40", len(todos))
			}
		})
	}
}

func TestACanceledCallGivesItsReason(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Create(ctx, "alice", "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("Create gave %v, want context.Canceled", err)
		}
		if _, err := s.Create(t.Context(), "alice", "y"); err != nil {
			t.Error(err)
		}
	})
}

// A database that hangs does not hang the callers: here all connections are taken.
func TestNoOperationWaitsForEver(t *testing.T) {
	for name, operate := range map[string]func(context.Context, *Store) error{
		"Create": func(ctx context.Context, s *Store) error { _, err := s.Create(ctx, "alice", "x"); return err },
		"Get":    func(ctx context.Context, s *Store) error { _, err := s.Get(ctx, "alice", anID); return err },
		"List":   func(ctx context.Context, s *Store) error { _, _, err := s.List(ctx, "alice", "", 1); return err },
		"Update": func(ctx context.Context, s *Store) error { _, err := s.Update(ctx, "alice", anID, Patch{}); return err },
		"Delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, "alice", anID) },
		"Ping":   func(ctx context.Context, s *Store) error { return s.Ping(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := mustOpen(t, storetest.SQLite(t))
				for _, db := range []*sql.DB{s.read, s.write} {
					for range db.Stats().MaxOpenConnections {
						taken, err := db.Conn(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						defer taken.Close()
					}
				}
				begun := time.Now()
				if err := operate(t.Context(), s); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != patience {
					t.Errorf("%v after %v, want a deadline that was exceeded after %v", err, time.Since(begun), patience)
				}
			})
		})
	}
}

func TestClosingTheStoreEndsItsWatches(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		w := mustWatch(t, s, "alice")
		s.Close()
		wantEnd(t, w, ErrClosed)
	})
}

func TestPingAfterClose(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
		if err := s.Ping(t.Context()); err == nil {
			t.Error("Ping of a closed store gave no error")
		}
	})
}

func TestTodosOutliveTheProcess(t *testing.T) {
	location := storetest.SQLite(t)
	s, err := Open(t.Context(), location, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	want := mustCreate(t, s, "alice", "still here")
	s.Close()
	if s, err = Open(t.Context(), location, time.Now, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := mustGet(t, s, "alice", want.ID); got != want {
		t.Errorf("after opening again: %+v, want %+v", got, want)
	}
	if _, err := os.Stat(location); err != nil {
		t.Error(err)
	}
}

// With these, SQLite waits for the disk before it acknowledges: a power failure
// takes nothing that was.
func TestSQLiteWaitsForTheDisk(t *testing.T) {
	s, err := Open(t.Context(), storetest.SQLite(t), time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} { // 2 is FULL
		var got string
		if err := s.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}

// Only the one connection that may write can write.
func TestSQLiteReadersCannotWrite(t *testing.T) {
	s := mustOpen(t, storetest.SQLite(t))
	todo := mustCreate(t, s, "alice", "x")
	if _, err := s.read.Exec(`DELETE FROM todos`); err == nil || len(mustList(t, s, "alice")) != 1 {
		t.Errorf("a reader deleted %+v, %v", todo, err)
	}
}

func TestPostgresThatCannotStoreEveryTitleIsRefused(t *testing.T) {
	admin := mustOpen(t, storetest.Postgres(t))
	var name string
	if err := admin.read.QueryRow(`SELECT 'latin_' || current_schema()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.write.Exec(`CREATE DATABASE ` + name + ` TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := admin.write.Exec(`DROP DATABASE ` + name + ` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	}()
	location, err := url.Parse(os.Getenv("TODO_TEST_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	location.Path = name
	s, err := Open(t.Context(), location.String(), time.Now, slog.New(slog.DiscardHandler))
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("Open gave %v, want an error that names the encoding", err)
	}
}

func TestPostgresThatDoesNotWaitForTheDiskIsRefused(t *testing.T) {
	location := storetest.Postgres(t)
	s, err := Open(t.Context(), location+"&synchronous_commit=off", time.Now, slog.New(slog.DiscardHandler))
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
		t.Errorf("Open gave %v, want an error that names synchronous_commit", err)
	}
}

// The order of ids, and with it that of pages, is the same in every locale.
func TestPostgresComparesBytes(t *testing.T) {
	s := mustOpen(t, storetest.Postgres(t))
	var columns int
	if err := s.read.QueryRow(`SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'todos'
		AND column_name IN ('owner', 'id') AND collation_name = 'C'`).Scan(&columns); err != nil || columns != 2 {
		t.Errorf("%d of owner and id are compared by bytes, %v", columns, err)
	}
}

func TestWrongLocations(t *testing.T) {
	for _, location := range []string{"", "\x00", ":memory:", "file:x.db", "mysql://host/db", "postgres://%zz", "postgres://h:port/x", t.TempDir() + "/none/such.db"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		s, err := Open(ctx, location, time.Now, slog.New(slog.DiscardHandler))
		cancel()
		if err == nil {
			s.Close()
			t.Errorf("Open(%q) gave no error", location)
		}
	}
	_, err := Open(t.Context(), "postgres://user:hunter2@[::1/db", time.Now, slog.New(slog.DiscardHandler))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Open gave %v, want an error without the password", err)
	}
}

func mustCreate(t *testing.T, s *Store, owner, title string) Todo {
	t.Helper()
	todo, err := s.Create(t.Context(), owner, title)
	if err != nil {
		t.Fatalf("Create(%q): %v", title, err)
	}
	return todo
}

func mustGet(t *testing.T, s *Store, owner, id string) Todo {
	t.Helper()
	todo, err := s.Get(t.Context(), owner, id)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return todo
}

func mustList(t *testing.T, s *Store, owner string) []Todo {
	t.Helper()
	todos, next, err := s.List(t.Context(), owner, "", 1000)
	if err != nil || next != "" {
		t.Fatalf("List: next %q, %v", next, err)
	}
	return todos
}
