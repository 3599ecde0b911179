package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

const (
	// maxQueue is how many announced changes of one owner may wait to be read.
	maxQueue = 4 * backlog

	// readers is how many changes are read at once. Requests have the other half of
	// the connections at least.
	readers = poolSize / 2
)

// teller reads the changes that one connection announces, and publishes them. Each
// topic has a queue and at most one goroutine, so an owner's changes keep their order,
// and however many they are, they do not hold up anybody else's.
type teller struct {
	read    func(ctx context.Context, owner, id string) (Todo, error) // set once
	feed    *feed                                                     // set once
	places  chan struct{}                                             // one is taken for each read
	working sync.WaitGroup

	mu     sync.Mutex               // guards what follows
	queues map[topic][]announcement // of the topics that have a goroutine
}

func newTeller(read func(ctx context.Context, owner, id string) (Todo, error), f *feed) *teller {
	return &teller{read: read, feed: f, places: make(chan struct{}, readers), queues: make(map[topic][]announcement)}
}

// enqueue has the change told, if anybody watches it. It does not wait. The end of ctx
// ends what is being read.
func (t *teller) enqueue(ctx context.Context, a announcement) {
	if _, watched := t.feed.owner(a.topic); !watched {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	queue, working := t.queues[a.topic]
	if len(queue) == maxQueue {
		t.queues[a.topic] = nil
		t.feed.endTopic(a.topic, ErrSlow)
		return
	}
	t.queues[a.topic] = append(queue, a)
	if !working {
		t.working.Go(func() { t.work(ctx, a.topic) })
	}
}

// wait returns when every queue is empty. There has to be no watch any more, or else
// what is queued is read first.
func (t *teller) wait() { t.working.Wait() }

// work tells what is in the topic's queue.
func (t *teller) work(ctx context.Context, of topic) {
	for a, more := t.next(of); more; a, more = t.next(of) {
		t.places <- struct{}{}
		t.tell(ctx, a)
		<-t.places
	}
}

// next takes an announcement out of the topic's queue. If there is none, the topic's
// goroutine has to end.
func (t *teller) next(of topic) (a announcement, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	queue := t.queues[of]
	if len(queue) == 0 {
		delete(t.queues, of)
		return announcement{}, false
	}
	t.queues[of] = queue[1:]
	return queue[0], true
}

// tell publishes the change, if anybody still watches it. It reads the todo, which an
// announcement does not contain; if that is not what was announced, it has
// changed again, and that will be announced too.
func (t *teller) tell(ctx context.Context, a announcement) {
	owner, watched := t.feed.owner(a.topic)
	if !watched {
		return
	}
	todo, err := t.read(ctx, owner, a.id)
	switch {
	case errors.Is(err, ErrNotFound):
		if a.kind == Deleted {
			t.feed.publish(a.topic, Change{Kind: Deleted, Todo: Todo{ID: a.id, Version: a.version}})
		}
	case err != nil:
		t.feed.endTopic(a.topic, fmt.Errorf("%w: %w", ErrInterrupted, err))
	case a.kind != Deleted && todo.Version == a.version:
		t.feed.publish(a.topic, Change{Kind: a.kind, Todo: todo})
	}
}
