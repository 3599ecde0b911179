package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
)

// backlog is how many changes a watcher may fall behind.
const backlog = 64

// ErrSlow ends a watch whose reader fell too far behind, or whose owner's changes
// come faster than the store reads them. The reader has missed changes: it has to
// list the todos again.
var ErrSlow = errors.New("store: the watcher is too slow")

// ErrInterrupted ends a watch because the connection broke on which PostgreSQL
// announces changes: the reader may have missed some and has to list the todos
// again. Until there is a new connection, no watch can begin.
var ErrInterrupted = errors.New("store: changes cannot be followed at the moment")

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

// Change is one thing that happened. Todo is the todo after it; of a deleted one
// it has the ID and the last Version only.
//
// Changes come in the order of their commits. A version may be left out if a
// later one is on its way, so the first that a watcher hears of a new todo can be
// an edit.
type Change struct {
	Kind ChangeKind
	Todo Todo
}

// Watch is a subscription to the changes of one owner. On PostgreSQL these are
// the changes made through any store on the same tables, on SQLite those made
// through this one. Close it when done.
type Watch struct {
	changes chan Change // closed at the end, after reason was set
	reason  error       // why changes was closed; read only after that

	feed  *feed
	topic topic
}

// Changes gives the changes made since the watch began. The channel is closed
// when the watch ends, and Err then has the reason.
func (w *Watch) Changes() <-chan Change { return w.changes }

// Err returns why the watch ended: the error is or wraps [ErrSlow],
// [ErrInterrupted] or [ErrClosed]. Call it only after the channel of Changes was
// closed.
func (w *Watch) Err() error { return w.reason }

// Close ends the watch. It may be called more than once.
func (w *Watch) Close() {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	w.feed.end(w, ErrClosed)
}

// Watch begins a subscription: every change that commits after it returns is
// told, and one from just before may be. The error is or wraps [ErrInterrupted] or [ErrClosed].
func (s *Store) Watch(owner string) (*Watch, error) {
	return s.feed.watch(owner)
}

// EndWatches ends every watch with [ErrClosed] and lets no other begin, but
// leaves the store open: a server that stops cannot wait for streams that never
// end by themselves.
func (s *Store) EndWatches() { s.feed.interrupt(ErrClosed) }

// topic names an owner where others may listen: anybody who may connect to a
// PostgreSQL database hears what is announced in it.
type topic string

func topicOf(owner string) topic {
	sum := sha256.Sum256([]byte(owner))
	return topic(hex.EncodeToString(sum[:]))
}

// audience is who watches one owner; never nobody.
type audience struct {
	owner   string
	watches map[*Watch]struct{}
}

// feed hands changes to watchers. Its zero value is ready. publish never waits
// for a watcher.
type feed struct {
	mu        sync.Mutex // guards what follows
	audiences map[topic]audience
	refusal   error // why no watch can begin; nil if one can
}

func (f *feed) watch(owner string) (*Watch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refusal != nil {
		return nil, f.refusal
	}
	w := &Watch{changes: make(chan Change, backlog), feed: f, topic: topicOf(owner)}
	if f.audiences == nil {
		f.audiences = make(map[topic]audience)
	}
	if _, there := f.audiences[w.topic]; !there {
		f.audiences[w.topic] = audience{owner: owner, watches: make(map[*Watch]struct{})}
	}
	f.audiences[w.topic].watches[w] = struct{}{}
	return w, nil
}

// owner returns whose topic it is, if anybody watches that.
func (f *feed) owner(t topic) (owner string, watched bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, watched := f.audiences[t]
	return a.owner, watched
}

func (f *feed) publish(t topic, c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.audiences[t].watches {
		select {
		case w.changes <- c:
		default:
			f.end(w, ErrSlow)
		}
	}
}

// endTopic ends the watches of one topic.
func (f *feed) endTopic(t topic, reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.audiences[t].watches {
		f.end(w, reason)
	}
}

// interrupt ends every watch, and lets none begin until resume. After ErrClosed
// there is no other reason and no resuming.
func (f *feed) interrupt(reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !errors.Is(f.refusal, ErrClosed) {
		f.refusal = reason
	}
	for _, a := range f.audiences {
		for w := range a.watches {
			f.end(w, reason)
		}
	}
}

// resume lets watches begin.
func (f *feed) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !errors.Is(f.refusal, ErrClosed) {
		f.refusal = nil
	}
}

// end removes a watch and closes its channel, once. The caller holds mu.
func (f *feed) end(w *Watch, reason error) {
	watches := f.audiences[w.topic].watches
	if _, there := watches[w]; !there {
		return
	}
	delete(watches, w)
	if len(watches) == 0 {
		delete(f.audiences, w.topic)
	}
	w.reason = reason
	close(w.changes)
}
