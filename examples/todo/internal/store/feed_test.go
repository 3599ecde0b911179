package store

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store/storetest"
)

func TestAWatchTellsTheOwnersChanges(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		w := mustWatch(t, s, "alice")
		defer w.Close()
		mustCreate(t, s, "bob", "not hers")
		created := mustCreate(t, s, "alice", "hers")
		wantChange(t, w, Change{Created, created})
		title := "edited"
		updated, err := s.Update(t.Context(), "alice", created.ID, Patch{Title: &title})
		if err != nil {
			t.Fatal(err)
		}
		wantChange(t, w, Change{Updated, updated})
		if _, err := s.Update(t.Context(), "alice", created.ID, Patch{}, At(1)); !errors.Is(err, ErrConflict) {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), "alice", created.ID); err != nil {
			t.Fatal(err)
		}
		wantChange(t, w, Change{Deleted, Todo{ID: created.ID, Version: 2}})
		w.Close()
		for c := range w.Changes() {
			t.Errorf("the watch also told %+v", c)
		}
	})
}

// Of many edits at once, each watcher hears the last one last, and none twice.
func TestAWatchTellsChangesInTheOrderOfTheirCommits(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		w := mustWatch(t, s, "alice")
		defer w.Close()
		todo := mustCreate(t, s, "alice", "race")
		wantChange(t, w, Change{Created, todo})
		const workers, rounds = 4, 8
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				for j := range rounds {
					title := fmt.Sprint(i, j)
					if _, err := s.Update(t.Context(), "alice", todo.ID, Patch{Title: &title}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		want := mustGet(t, s, "alice", todo.ID)
		for last := todo; last != want; {
			c := mustHear(t, w)
			if c.Kind != Updated || c.Todo.Version <= last.Version {
				t.Fatalf("after version %d came %+v", last.Version, c)
			}
			last = c.Todo
		}
	})
}

// Otherwise the next one could be told first.
func TestSQLiteTellsAChangeBeforeTheNextIsCommitted(t *testing.T) {
	s := mustOpen(t, storetest.SQLite(t))
	w := mustWatch(t, s, "alice")
	defer w.Close()
	var wg sync.WaitGroup
	committed := func() int {
		todos, _, err := s.List(t.Context(), "alice", "", 10)
		if err != nil {
			t.Error(err)
		}
		return len(todos)
	}
	// wait returns as soon as n todos are committed, or after a while in which they are not.
	wait := func(n int, while time.Duration) {
		for limit := time.Now().Add(while); committed() < n && time.Now().Before(limit); {
			runtime.Gosched()
		}
	}
	s.feed.mu.Lock() // nothing can be told now
	for range 2 {
		wg.Go(func() {
			if _, err := s.Create(t.Context(), "alice", "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wait(1, 20*time.Second)
	wait(2, 100*time.Millisecond)
	if n := committed(); n != 1 {
		t.Errorf("%d changes were committed before the first was told, want one", n)
	}
	s.feed.mu.Unlock()
	wg.Wait()
	if first, second := mustHear(t, w).Todo, mustHear(t, w).Todo; first.ID == second.ID {
		t.Errorf("one change was told twice: %+v", first)
	}
}

func TestASlowWatcherIsEndedAndHoldsUpNobody(t *testing.T) {
	var f feed
	slow, other := begin(t, &f), begin(t, &f)
	for range backlog + 1 {
		f.publish(topicOf("alice"), Change{Kind: Created}) // would hang here if it waited
		<-other.Changes()
	}
	told := 0
	for range slow.Changes() {
		told++
	}
	if told != backlog || !errors.Is(slow.Err(), ErrSlow) {
		t.Errorf("the slow watcher was told %d changes and %v, want %d and ErrSlow", told, slow.Err(), backlog)
	}
	slow.Close()
	other.Close()
	other.Close()
	if len(f.audiences) != 0 {
		t.Errorf("the feed still holds %d audiences", len(f.audiences))
	}
}

func TestAnInterruptionEndsWatchesUntilItIsOver(t *testing.T) {
	var f feed
	before := begin(t, &f)
	f.publish(topicOf("alice"), Change{Kind: Created})
	f.interrupt(ErrInterrupted)
	if c, open := <-before.Changes(); !open || c.Kind != Created {
		t.Error("a change from before the interruption was lost")
	}
	wantEnd(t, before, ErrInterrupted)
	if _, err := f.watch("alice"); !errors.Is(err, ErrInterrupted) {
		t.Errorf("a watch during the interruption gave %v, want ErrInterrupted", err)
	}
	f.resume()
	begin(t, &f).Close()
}

func TestTheEndOfTheFeedIsFinal(t *testing.T) {
	var f feed
	before := begin(t, &f)
	f.interrupt(ErrClosed)
	wantEnd(t, before, ErrClosed)
	f.interrupt(ErrInterrupted) // the listener stops later than the watches
	f.resume()
	if _, err := f.watch("alice"); !errors.Is(err, ErrClosed) {
		t.Errorf("a watch after the end gave %v, want ErrClosed", err)
	}
}

func TestTheWatchesOfOneOwnerCanBeEnded(t *testing.T) {
	var f feed
	alice, bob := begin(t, &f), watchOf(t, &f, "bob")
	cause := errors.New("the database is away")
	f.endTopic(topicOf("alice"), cause)
	wantEnd(t, alice, cause)
	f.publish(topicOf("bob"), Change{Kind: Created})
	if c := mustHear(t, bob); c.Kind != Created {
		t.Errorf("bob hears %+v", c)
	}
	bob.Close()
}

// begin begins a watch of alice.
func begin(t *testing.T, f *feed) *Watch {
	t.Helper()
	return watchOf(t, f, "alice")
}

func watchOf(t *testing.T, f *feed, owner string) *Watch {
	t.Helper()
	w, err := f.watch(owner)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mustWatch(t *testing.T, s *Store, owner string) *Watch {
	t.Helper()
	w, err := s.Watch(owner)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// mustHear returns the next change.
func mustHear(t *testing.T, w *Watch) Change {
	t.Helper()
	select {
	case c, open := <-w.Changes():
		if !open {
			t.Fatalf("the watch ended: %v", w.Err())
		}
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("the watch tells nothing")
		return Change{}
	}
}

func wantChange(t *testing.T, w *Watch, want Change) {
	t.Helper()
	if got := mustHear(t, w); got != want {
		t.Errorf("the watch told %+v, want %+v", got, want)
	}
}

func wantEnd(t *testing.T, w *Watch, want error) {
	t.Helper()
	select {
	case c, open := <-w.Changes():
		if open || !errors.Is(w.Err(), want) {
			t.Errorf("the watch told %+v, open %v, reason %v, want its end and %v", c, open, w.Err(), want)
		}
	case <-time.After(20 * time.Second):
		t.Error("the watch did not end")
	}
}

func TestOneWatcherHearsAllThatAnotherOneHears(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		first, second := mustWatch(t, s, "alice"), mustWatch(t, s, "alice")
		defer first.Close()
		defer second.Close()
		var want []Todo
		for i := range 5 {
			want = append(want, mustCreate(t, s, "alice", fmt.Sprint(i)))
		}
		for _, w := range []*Watch{first, second} {
			var got []Todo
			for range want {
				got = append(got, mustHear(t, w).Todo)
			}
			if !slices.Equal(got, want) {
				t.Errorf("a watch told %+v, want %+v", got, want)
			}
		}
	})
}
