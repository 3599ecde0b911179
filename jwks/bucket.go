package jwks

import "time"

// bucket is a token bucket: it holds up to capacity tokens, and gains one each
// period. It is not safe for concurrent use.
type bucket struct {
	capacity int
	period   time.Duration
	level    int
	since    time.Time // when the level was last right
}

func newBucket(capacity int, period time.Duration) bucket {
	return bucket{capacity: capacity, period: period, level: capacity}
}

// refill brings the level up to now.
func (b *bucket) refill(now time.Time) {
	if b.level >= b.capacity {
		b.level, b.since = b.capacity, now
		return
	}
	gained := int(now.Sub(b.since) / b.period)
	if gained <= 0 {
		return
	}
	b.level += gained
	b.since = b.since.Add(time.Duration(gained) * b.period)
	if b.level >= b.capacity { // a full bucket gains nothing, not even a part
		b.level, b.since = b.capacity, now
	}
}

// take takes a token, if there is one.
func (b *bucket) take(now time.Time) bool {
	b.refill(now)
	if b.level == 0 {
		return false
	}
	b.level--
	return true
}

// give returns a token that was taken.
func (b *bucket) give() { b.level = min(b.level+1, b.capacity) }
