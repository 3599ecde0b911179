package jwks

import (
	"crypto/sha256"
	"time"
)

// absentKids remembers kids which the issuer, when asked, did not have. Kids are
// what anybody sends, so they are kept as hashes. It is not safe for concurrent
// use.
type absentKids struct {
	span  time.Duration // how long a kid is remembered
	most  int
	since map[[sha256.Size]byte]time.Time
}

func newAbsentKids(span time.Duration, most int) absentKids {
	return absentKids{span: span, most: most, since: make(map[[sha256.Size]byte]time.Time)}
}

// add remembers a kid from the start of the fetch that did not bring it. When there
// are too many, the oldest goes.
func (a *absentKids) add(kid string, asked time.Time) {
	id := sha256.Sum256([]byte(kid))
	if _, known := a.since[id]; !known && len(a.since) >= a.most {
		a.dropOldest()
	}
	a.since[id] = asked
}

func (a *absentKids) dropOldest() {
	var oldest [sha256.Size]byte
	var at time.Time
	for id, since := range a.since {
		if at.IsZero() || since.Before(at) {
			oldest, at = id, since
		}
	}
	delete(a.since, oldest)
}

// count returns how many kids are remembered now.
func (a *absentKids) count(now time.Time) int {
	n := 0
	for _, since := range a.since {
		if now.Sub(since) < a.span {
			n++
		}
	}
	return n
}

// has reports whether the kid is remembered.
func (a *absentKids) has(kid string, now time.Time) bool {
	if len(a.since) == 0 {
		return false
	}
	id := sha256.Sum256([]byte(kid))
	since, known := a.since[id]
	if known && now.Sub(since) >= a.span {
		delete(a.since, id)
		return false
	}
	return known
}
