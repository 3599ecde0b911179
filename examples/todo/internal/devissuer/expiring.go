package devissuer

import (
	"sync"
	"time"
)

// expiring is a map of bounded size whose entries expire. Expired entries are removed when something is added; when
// it is still full then, the entry that would expire first makes room, so that a flood costs a bounded amount of
// memory and never blocks whoever comes last.
type expiring[V any] struct {
	limit int // set once

	mu      sync.Mutex // guards what follows
	entries map[string]expiringEntry[V]
}

type expiringEntry[V any] struct {
	value   V
	expires time.Time
}

func newExpiring[V any](limit int) *expiring[V] {
	return &expiring[V]{limit: limit, entries: make(map[string]expiringEntry[V])}
}

// put stores value until expires.
func (e *expiring[V]) put(key string, value V, expires time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sweep(time.Now())
	if len(e.entries) >= e.limit {
		e.evict()
	}
	e.entries[key] = expiringEntry[V]{value: value, expires: expires}
}

// get returns the value of key, unless it has expired.
func (e *expiring[V]) get(key string) (V, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lookUp(key)
}

// take is get for things that may be used once: of several callers, one gets the value.
func (e *expiring[V]) take(key string) (V, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	value, ok := e.lookUp(key)
	delete(e.entries, key)
	return value, ok
}

// remove deletes the entries whose value matches.
func (e *expiring[V]) remove(matches func(V) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, entry := range e.entries {
		if matches(entry.value) {
			delete(e.entries, key)
		}
	}
}

func (e *expiring[V]) len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.entries)
}

// lookUp is called with mu held.
func (e *expiring[V]) lookUp(key string) (V, bool) {
	entry, ok := e.entries[key]
	if !ok || !time.Now().Before(entry.expires) {
		var none V
		return none, false
	}
	return entry.value, true
}

// sweep is called with mu held.
func (e *expiring[V]) sweep(now time.Time) {
	for key, entry := range e.entries {
		if !now.Before(entry.expires) {
			delete(e.entries, key)
		}
	}
}

// evict is called with mu held.
func (e *expiring[V]) evict() {
	var first string
	var earliest time.Time
	for key, entry := range e.entries {
		if earliest.IsZero() || entry.expires.Before(earliest) {
			first, earliest = key, entry.expires
		}
	}
	delete(e.entries, first)
}
