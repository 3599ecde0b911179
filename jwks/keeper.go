package jwks

import (
	"sync"
	"time"
)

// keeper lets one goroutine at a time write the snapshot, and has it go on with the
// newest set that came meanwhile. So a disk that hangs holds up nobody, and no
// goroutines gather behind it.
type keeper struct {
	mu     sync.Mutex // guards what follows
	busy   bool
	newest time.Time // the start of the newest fetch that was to be written
	next   *flight   // what is to be written after the write under way, or nil
}

// begin returns the flight if its caller is to write it now, or nil.
func (k *keeper) begin(f *flight) *flight {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f.began.Before(k.newest) {
		return nil
	}
	k.newest = f.began
	if k.busy {
		k.next = f
		return nil
	}
	k.busy = true
	return f
}

// end returns what the caller of begin is to write next, or nil.
func (k *keeper) end() *flight {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.next
	k.next, k.busy = nil, next != nil
	return next
}
