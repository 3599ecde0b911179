package verifier

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"
)

// cacheShard is a part of a cache, and decides what makes room (after S3-FIFO). A token
// enters on probation, and is protected if it was used again by the time its turn
// comes, or comes back shortly after it had to go. Room is made on probation first, as
// far as those there have more than an eighth: so a flood of tokens that are used once
// passes through that eighth, and takes no place from one that is in use. Both queues
// are in the order of arrival; the protected go round theirs once more each time that
// they were found used (CLOCK). A hit therefore moves nothing: it reads a list and
// sets a bit.
type cacheShard struct {
	limit  cacheLimit  // set once
	places cachePlaces // changed with mu held, read without

	mu        sync.Mutex // guards what follows; nothing is called under it but the clock
	probation cacheQueue
	protected cacheQueue
	gone      []uint64 // places of those that went from probation lately, each where its hash says
}

// cacheLimit bounds a shard.
type cacheLimit struct{ entries, bytes int }

// cachedToken is a token that was accepted.
type cachedToken struct {
	// Set once.

	id         [sha256.Size]byte // of the token's text
	place      uint64            // the fast hash of that text
	token      *Token
	thumbprint [sha256.Size]byte // of the key that made the signature
	dies       time.Time         // "exp" and the leeway
	cost       int               // bytes of memory, see memoryOf

	used atomic.Bool // since its turn came last

	next atomic.Pointer[cachedToken] // see cachePlaces

	// Guarded by the shard's mu:

	in             *cacheQueue // nil: in none
	older, younger *cachedToken
}

// use marks the entry as one that is in use.
func (e *cachedToken) use() {
	if !e.used.Load() { // many processors read a hot entry; none writes it then
		e.used.Store(true)
	}
}

// keep enters a token. One that would fill more than the newcomers' eighth is not kept.
func (s *cacheShard) keep(e *cachedToken, now func() time.Time) {
	if e.cost > s.limit.bytes/8 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone == nil {
		s.gone = make([]uint64, s.limit.entries)
		s.places.begin(s.limit.entries)
	}
	if old := s.places.find(e.place); old != nil { // verified at the same time, or under another key before
		s.remove(old)
	}
	enters := &s.probation
	if *s.ghost(e.place) == e.place {
		enters = &s.protected
	}
	if s.overfull(e.cost) {
		s.makeRoom(e.cost, enters, now())
	}
	enters.push(e)
	s.places.put(e)
}

// ghost is where it is remembered that the token of a place had to go. The low bits of
// a place chose the shard. s.mu is held.
func (s *cacheShard) ghost(place uint64) *uint64 {
	return &s.gone[(place>>32)%uint64(len(s.gone))]
}

// drop takes an entry out, if it is still there.
func (s *cacheShard) drop(e *cachedToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.in != nil {
		s.remove(e)
	}
}

// overfull says that there is no room for another entry. s.mu is held.
func (s *cacheShard) overfull(cost int) bool {
	return s.probation.entries+s.protected.entries+1 > s.limit.entries ||
		s.probation.bytes+s.protected.bytes+cost > s.limit.bytes
}

// makeRoom takes entries out until there is room for one that enters a queue. It ends:
// an entry that was used loses its mark as it is moved, and while s.mu is held for
// writing a mark is set only by those that found their entry before. s.mu is held.
func (s *cacheShard) makeRoom(cost int, enters *cacheQueue, now time.Time) {
	for s.overfull(cost) {
		e := s.next(cost, enters)
		alive := now.Before(e.dies)
		if e.used.Swap(false) && alive {
			e.in.take(e)
			s.protected.push(e)
			continue
		}
		if alive && e.in == &s.probation {
			*s.ghost(e.place) = e.place
		}
		s.remove(e)
	}
}

// next returns the entry whose turn it is. s.mu is held.
func (s *cacheShard) next(cost int, enters *cacheQueue) *cachedToken {
	entries, bytes := s.probation.entries, s.probation.bytes
	if enters == &s.probation {
		entries, bytes = entries+1, bytes+cost
	}
	crowded := entries > max(1, s.limit.entries/8) || bytes > s.limit.bytes/8
	if s.protected.oldest == nil || crowded && s.probation.oldest != nil {
		return s.probation.oldest
	}
	return s.protected.oldest
}

// remove takes an entry out. s.mu is held.
func (s *cacheShard) remove(e *cachedToken) {
	e.in.take(e)
	s.places.take(e)
}

// cacheQueue is a list of entries in the order of their arrival. It is not safe for
// concurrent use.
type cacheQueue struct {
	oldest, youngest *cachedToken
	entries, bytes   int
}

// push appends an entry that is in no queue.
func (q *cacheQueue) push(e *cachedToken) {
	e.in, e.older, e.younger = q, q.youngest, nil
	if q.youngest != nil {
		q.youngest.younger = e
	} else {
		q.oldest = e
	}
	q.youngest = e
	q.entries++
	q.bytes += e.cost
}

// take takes an entry of this queue out.
func (q *cacheQueue) take(e *cachedToken) {
	if e.older != nil {
		e.older.younger = e.younger
	} else {
		q.oldest = e.younger
	}
	if e.younger != nil {
		e.younger.older = e.older
	} else {
		q.youngest = e.older
	}
	e.in, e.older, e.younger = nil, nil, nil
	q.entries--
	q.bytes -= e.cost
}
