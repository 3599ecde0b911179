package resilience

import (
	"sync"
	"time"
	"unsafe"
)

// clock is the time of a machine whose wall clock can be set. Its monotonic clock goes
// on meanwhile, as that of a real machine does.
type clock struct {
	booted  time.Time // with a monotonic reading, which times in a bubble have not; set once
	started time.Time // in the bubble; set once

	mu    sync.Mutex    // guards what follows
	ahead time.Duration // how far the wall clock was set
}

// newClock is called in the bubble, with a time that was read outside of it.
func newClock(booted time.Time) *clock { return &clock{booted: booted, started: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	reading := c.booted.Add(time.Since(c.started) + c.ahead)
	// Add moves both readings. No function moves one alone, so the monotonic one is moved
	// back where time.Time keeps it, in its second word.
	words := (*struct {
		_         uint64
		monotonic int64
	})(unsafe.Pointer(&reading)) //nolint:gosec // TestClock holds the layout of time.Time
	words.monotonic -= int64(c.ahead)
	return reading
}

// set lets the wall clock run ahead of the true time, or behind if ahead is negative.
func (c *clock) set(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
}
