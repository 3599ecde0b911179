package jwks

import "sync"

// maxUntold is how many fetches wait until slow observers have been told of those
// before them.
const maxUntold = 16

// teller lets one goroutine at a time tell the observers of a source what its fetches
// did, in the order of the fetches, and has it go on with what came meanwhile. So an
// observer that is slow, or hangs, holds up nobody, and no goroutines gather behind it.
type teller struct {
	known *keySet // the observers know its keys; used by whoever tells

	mu      sync.Mutex // guards what follows
	busy    bool
	waiting []func() // each tells of a fetch
}

// add puts a fetch behind the others. Where too many wait, it takes the place of the
// last, so that the observers are told of the newest in the end.
func (t *teller) add(tell func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == maxUntold {
		t.waiting[maxUntold-1] = tell
		return
	}
	t.waiting = append(t.waiting, tell)
}

// tell tells of all that wait, unless somebody is at it.
func (t *teller) tell() {
	for next := t.begin(); next != nil; next = t.next() {
		next()
	}
}

func (t *teller) begin() func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy {
		return nil
	}
	return t.take()
}

func (t *teller) next() func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.take()
}

// take returns what is to be told next, or nil at the end. t.mu is held.
func (t *teller) take() func() {
	t.busy = len(t.waiting) > 0
	if !t.busy {
		t.waiting = nil
		return nil
	}
	next := t.waiting[0]
	t.waiting[0] = nil
	t.waiting = t.waiting[1:]
	return next
}
