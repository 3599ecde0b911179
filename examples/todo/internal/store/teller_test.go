package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// todoAt is what the tables of these tests have: a todo at the version 1 for each id.
func todoAt(id string) Todo { return Todo{ID: id, Version: 1} }

// nth is an id.
func nth(i int) string { return fmt.Sprintf("01890000-0000-7000-8000-%012d", i) }

// createdNth is what is announced when the owner's todo nth(i) is created.
func createdNth(owner string, i int) string {
	return fmt.Sprintf("INSERT %s %s 1", topicOf(owner), nth(i))
}

func noSecond(context.Context) (connection, error) { return nil, errRefused }

// heard returns the ids that the watch has told by now, and whether it goes on.
func heard(w *Watch) (ids []string, open bool) {
	synctest.Wait()
	for {
		select {
		case c, open := <-w.Changes():
			if !open {
				return ids, false
			}
			ids = append(ids, c.Todo.ID)
		default:
			return ids, true
		}
	}
}

func TestOneOwnersChangesDoNotHoldUpAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newScript()
		hang := make(chan struct{})
		var reading atomic.Int64
		f := listening(t, c, noSecond, func(owner, id string) (Todo, error) {
			if owner == "alice" {
				reading.Add(1)
				<-hang
			}
			return todoAt(id), nil
		})
		defer close(hang)
		defer watchOf(t, f, "alice").Close()
		bob := watchOf(t, f, "bob")
		defer bob.Close()
		for i := range maxQueue {
			c.announce <- createdNth("alice", i)
		}
		c.announce <- createdNth("bob", 7)
		if ids, open := heard(bob); !slices.Equal(ids, []string{nth(7)}) || !open {
			t.Errorf("while alice's changes wait, bob hears %v, open %v, want his own", ids, open)
		}
		if n := reading.Load(); n != 1 {
			t.Errorf("%d of alice's changes are read at once, want one, so that others have a place", n)
		}
	})
}

func TestChangesOfOneOwnerAreToldInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newScript()
		random := rand.New(rand.NewPCG(2, 7))
		var pauses [3 * backlog]time.Duration
		for i := range pauses {
			pauses[i] = time.Duration(random.IntN(20)) * time.Millisecond
		}
		var reads atomic.Int64
		f := listening(t, c, noSecond, func(_, id string) (Todo, error) {
			time.Sleep(pauses[reads.Add(1)-1])
			return todoAt(id), nil
		})
		owners := []string{"alice", "bob", "carol"}
		watches, want := map[string]*Watch{}, map[string][]string{}
		for _, owner := range owners {
			watches[owner] = watchOf(t, f, owner)
			defer watches[owner].Close()
		}
		for i := range len(pauses) {
			owner := owners[i%len(owners)]
			want[owner] = append(want[owner], nth(i))
			c.announce <- createdNth(owner, i)
		}
		time.Sleep(time.Minute)
		for owner, w := range watches {
			if ids, open := heard(w); !slices.Equal(ids, want[owner]) || !open {
				t.Errorf("%s hears %v, open %v, want %v", owner, ids, open, want[owner])
			}
		}
	})
}

// More changes than the store reads end the watches of their owner, and nobody else's.
func TestAnOwnerWhoseChangesComeTooFastHasToListAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newScript()
		hang := make(chan struct{})
		f := listening(t, c, noSecond, func(owner, id string) (Todo, error) {
			if owner == "alice" {
				<-hang
			}
			return todoAt(id), nil
		})
		alice, bob := watchOf(t, f, "alice"), watchOf(t, f, "bob")
		defer bob.Close()
		for i := range 1 + maxQueue { // one of them is being read
			c.announce <- createdNth("alice", i)
			synctest.Wait()
		}
		if ids, open := heard(alice); len(ids) > 0 || !open {
			t.Errorf("with a full queue, alice hears %v, open %v", ids, open)
		}
		c.announce <- createdNth("alice", 1000)
		if _, open := heard(alice); open || !errors.Is(alice.Err(), ErrSlow) {
			t.Errorf("one change too many: open %v, %v, want ErrSlow", open, alice.reason)
		}
		again := watchOf(t, f, "alice")
		defer again.Close()
		close(hang)
		c.announce <- createdNth("alice", 1001)
		if ids, _ := heard(again); !slices.Contains(ids, nth(1001)) || len(ids) > 2 {
			t.Errorf("the next watch hears %v, want the next change, and of those before only the one that was being read", ids)
		}
		c.announce <- createdNth("bob", 7)
		if ids, open := heard(bob); !slices.Equal(ids, []string{nth(7)}) || !open {
			t.Errorf("bob hears %v, open %v, want his own", ids, open)
		}
	})
}

// The changes of all owners are announced to every server.
func TestWhatNobodyWatchesIsNeitherQueuedNorRead(t *testing.T) {
	var f feed
	tell := newTeller(func(context.Context, string, string) (Todo, error) {
		t.Error("it is read")
		return Todo{}, ErrNotFound
	}, &f)
	for range readers {
		tell.places <- struct{}{}
	}
	watch := begin(t, &f)
	tell.enqueue(t.Context(), announcement{kind: Created, topic: topicOf("alice"), id: nth(1), version: 1})
	watch.Close()
	tell.enqueue(t.Context(), announcement{kind: Created, topic: topicOf("bob"), id: nth(2), version: 1})
	tell.mu.Lock()
	if _, queued := tell.queues[topicOf("bob")]; queued {
		t.Error("it is queued")
	}
	tell.mu.Unlock()
	for range readers {
		<-tell.places
	}
	tell.wait()
}

// Requests need connections to the database too.
func TestChangesAreReadAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newScript()
		next := make(chan struct{})
		var reading, most atomic.Int64
		f := listening(t, c, noSecond, func(_, id string) (Todo, error) {
			most.Store(max(most.Load(), reading.Add(1)))
			<-next
			reading.Add(-1)
			return todoAt(id), nil
		})
		var watches []*Watch
		for i := range 3 * readers {
			owner := fmt.Sprint("owner", i)
			watches = append(watches, watchOf(t, f, owner))
			c.announce <- createdNth(owner, i)
			c.announce <- createdNth(owner, i)
		}
		synctest.Wait()
		if n := reading.Load(); n != readers {
			t.Errorf("%d changes are read at once, want %d", n, readers)
		}
		close(next)
		for i, w := range watches {
			if ids, open := heard(w); !slices.Equal(ids, []string{nth(i), nth(i)}) || !open {
				t.Errorf("an owner hears %v, open %v, want both changes", ids, open)
			}
			w.Close()
		}
		if n := most.Load(); n != readers {
			t.Errorf("up to %d changes were read at once, want %d", n, readers)
		}
	})
}

// A change of before the interruption that is read after it could undo a later one.
func TestWhatIsLeftOfABrokenConnectionIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newScript(), newScript()
		const reading = time.Second
		f := listening(t, first, func(context.Context) (connection, error) { return second, nil }, func(_, id string) (Todo, error) {
			time.Sleep(reading) // even if the read was canceled
			return todoAt(id), nil
		})
		before := begin(t, f)
		for i := range 3 {
			first.announce <- createdNth("alice", i)
		}
		synctest.Wait()
		close(first.broken)
		synctest.Wait()
		wantEnd(t, before, ErrInterrupted)
		if !errors.Is(before.Err(), errBroken) {
			t.Errorf("the watch ended with %v, want what broke the connection", before.Err())
		}
		var after *Watch
		for after == nil {
			time.Sleep(leastWait / 10)
			after, _ = f.watch("alice")
		}
		defer after.Close()
		second.announce <- createdNth("alice", 7)
		time.Sleep(10 * reading)
		if ids, open := heard(after); !slices.Equal(ids, []string{nth(7)}) || !open {
			t.Errorf("the new watch hears %v, open %v, want what the new connection announced", ids, open)
		}
	})
}

// Otherwise a database that hangs would keep the listener from a new connection.
func TestReadsEndWithTheirConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newScript(), newScript()
		f := new(feed)
		read := func(ctx context.Context, _, _ string) (Todo, error) {
			<-ctx.Done()
			return Todo{}, ctx.Err()
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			newListener(func(context.Context) (connection, error) { return second, nil }, read, f, nil).run(ctx, first)
		}()
		announce := func(c *script) {
			for i := range 2 * readers {
				owner := fmt.Sprint("owner", i)
				watchOf(t, f, owner)
				c.announce <- createdNth(owner, i)
				c.announce <- createdNth(owner, i)
			}
			synctest.Wait()
		}
		synctest.Wait()
		announce(first)
		close(first.broken)
		time.Sleep(leastWait)
		synctest.Wait()
		announce(second)
		f.interrupt(ErrClosed)
		stop()
		<-done // the bubble waits for the others
	})
}
