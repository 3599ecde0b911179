package store

import (
	"errors"
	"slices"
	"testing"
)

func TestAWatchTellsTheOwnersChanges(t *testing.T) {
	conformance(t, func(t *testing.T, s *Store, _ *clock) {
		w := s.Watch("alice")
		defer w.Close()
		mustCreate(t, s, "bob", "not hers")
		created := mustCreate(t, s, "alice", "hers")
		title := "edited"
		updated, err := s.Update(t.Context(), "alice", created.ID, Patch{Title: &title})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(t.Context(), "alice", created.ID, Patch{}, 1); !errors.Is(err, ErrConflict) {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), "alice", created.ID); err != nil {
			t.Fatal(err)
		}
		w.Close()
		var got []Change
		for c := range w.Changes() {
			got = append(got, c)
		}
		want := []Change{{Created, created}, {Updated, updated}, {Deleted, updated}}
		if !slices.Equal(got, want) {
			t.Errorf("the watch told %+v, want %+v", got, want)
		}
	})
}

func TestASlowWatcherIsEndedAndHoldsUpNobody(t *testing.T) {
	var f feed
	slow, other := f.watch("alice"), f.watch("alice")
	for range backlog + 1 {
		f.publish("alice", Change{Kind: Created}) // would hang here if it waited
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
	if len(f.owners) != 0 {
		t.Errorf("the feed still holds %d owners", len(f.owners))
	}
}

func TestTheEndOfTheFeedEndsWatches(t *testing.T) {
	var f feed
	before := f.watch("alice")
	f.close()
	after := f.watch("alice")
	for _, w := range []*Watch{before, after} {
		if _, open := <-w.Changes(); open || !errors.Is(w.Err(), ErrClosed) {
			t.Errorf("open %v, reason %v, want closed and ErrClosed", open, w.Err())
		}
	}
}
