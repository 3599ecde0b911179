package jwks

import "time"

// Delays between attempts while fetches fail.
const (
	firstDelay = time.Second
	maxDelay   = time.Minute
	// pressedDelay is the longest delay while somebody is refused for want of a key.
	pressedDelay = 5 * time.Second
	// delayJitter is the part by which a delay may be shortened, so that replicas do
	// not return together.
	delayJitter = 0.1
)

// backoff spaces the attempts while fetches fail. It is not safe for concurrent use.
type backoff struct {
	longest  time.Duration
	failures int       // in a row
	began    time.Time // the last failed attempt
	next     time.Time // when another is allowed, if that one has ended
}

func newBackoff(interval time.Duration) backoff {
	return backoff{longest: min(maxDelay, interval)}
}

// failing reports whether the last attempt failed.
func (b *backoff) failing() bool { return b.failures > 0 }

// fail counts a failed attempt; the delay runs from its start. The provider may ask
// for a longer delay (RFC 9110 §10.2.3), but not for more than the longest. random is
// from [0, 1).
func (b *backoff) fail(began time.Time, asked time.Duration, random float64) {
	delay := min(firstDelay<<min(b.failures, 10), b.longest)
	delay -= time.Duration(float64(delay) * delayJitter * random)
	delay = max(delay, min(asked, b.longest))
	b.failures++
	b.began, b.next = began, began.Add(delay)
}

// succeed ends the failing.
func (b *backoff) succeed() { *b = backoff{longest: b.longest} }

// press says that somebody is refused for want of a key: the delay, though it is
// already running, becomes short.
func (b *backoff) press() {
	if soon := b.began.Add(pressedDelay); b.failing() && soon.Before(b.next) {
		b.next = soon
	}
}

// wait returns how long it takes until another attempt is allowed, or 0.
func (b *backoff) wait(now time.Time) time.Duration {
	if !b.failing() {
		return 0
	}
	return max(b.next.Sub(now), 0)
}
