package main

import "sync"

// maxWatches is how many watches one owner may hold at a time in this process, over
// gRPC and as event streams together. A watch whose client does not read keeps its
// changes in memory, over gRPC until the token expires, and each edit is sent to every
// watch of its owner.
const maxWatches = 32

// watchers counts the watches of each owner. Its zero value is ready.
type watchers struct {
	mu    sync.Mutex // guards what follows
	count map[string]int
}

// enter takes a place, which leave gives back, or reports that none is left.
func (w *watchers) enter(owner string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count[owner] >= maxWatches {
		return false
	}
	if w.count == nil {
		w.count = make(map[string]int)
	}
	w.count[owner]++
	return true
}

// leave gives back the place of one enter.
func (w *watchers) leave(owner string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count[owner]--; w.count[owner] == 0 {
		delete(w.count, owner)
	}
}
