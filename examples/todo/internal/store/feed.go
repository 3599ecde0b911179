package store

import (
	"errors"
	"sync"
)

// backlog is how many changes a watcher may fall behind.
const backlog = 64

// ErrSlow ends a watch whose reader fell too far behind. The reader has missed
// changes: it has to list the todos again.
var ErrSlow = errors.New("store: the watcher is too slow")

// ErrClosed ends a watch because the store closes.
var ErrClosed = errors.New("store: closed")

// ChangeKind says what happened to a todo.
type ChangeKind uint8

// The kinds of change.
const (
	Created ChangeKind = iota + 1
	Updated
	Deleted
)

// Change is one thing that happened. Todo is the todo after it, or, when it was
// deleted, before it. Two edits that commit together may be told in either
// order: the greater Version is the later one.
type Change struct {
	Kind ChangeKind
	Todo Todo
}

// Watch is a subscription to the changes of one owner that are made through
// this Store, not those of another process. Close it when done.
type Watch struct {
	changes chan Change // closed at the end, after reason was set
	reason  error       // why changes was closed; read only after that

	feed  *feed
	owner string
}

// Changes gives the changes made since the watch began. The channel is closed
// when the watch ends, and Err then has the reason.
func (w *Watch) Changes() <-chan Change { return w.changes }

// Err returns why the watch ended: [ErrSlow] or [ErrClosed]. Call it only after
// the channel of Changes was closed.
func (w *Watch) Err() error { return w.reason }

// Close ends the watch. It may be called more than once.
func (w *Watch) Close() {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	w.feed.end(w, ErrClosed)
}

// Watch begins a subscription.
func (s *Store) Watch(owner string) *Watch {
	return s.feed.watch(owner)
}

// EndWatches ends every watch with [ErrClosed], and those that come later, but
// leaves the store open: a server that stops cannot wait for streams that never
// end by themselves.
func (s *Store) EndWatches() { s.feed.close() }

// feed hands changes to watchers. Its zero value is ready. publish never waits
// for a watcher.
type feed struct {
	mu     sync.Mutex // guards what follows
	owners map[string]map[*Watch]struct{}
	closed bool
}

func (f *feed) watch(owner string) *Watch {
	w := &Watch{changes: make(chan Change, backlog), feed: f, owner: owner}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owners == nil {
		f.owners = make(map[string]map[*Watch]struct{})
	}
	if f.owners[owner] == nil {
		f.owners[owner] = make(map[*Watch]struct{})
	}
	f.owners[owner][w] = struct{}{}
	if f.closed {
		f.end(w, ErrClosed)
	}
	return w
}

func (f *feed) publish(owner string, c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.owners[owner] {
		select {
		case w.changes <- c:
		default:
			f.end(w, ErrSlow)
		}
	}
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, watches := range f.owners {
		for w := range watches {
			f.end(w, ErrClosed)
		}
	}
}

// end removes a watch and closes its channel, once. The caller holds mu.
func (f *feed) end(w *Watch, reason error) {
	if _, there := f.owners[w.owner][w]; !there {
		return
	}
	delete(f.owners[w.owner], w)
	if len(f.owners[w.owner]) == 0 {
		delete(f.owners, w.owner)
	}
	w.reason = reason
	close(w.changes)
}
