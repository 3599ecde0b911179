package jwks

import "time"

// backoff spaces the attempts while fetches fail. It is not safe for concurrent use.
type backoff struct {
	first    time.Duration
	longest  time.Duration
	pressed  time.Duration // the longest while somebody is refused for want of a key
	jitter   float64       // the part by which a delay may be shortened
	failures int           // in a row
	began    time.Time     // the last failed attempt
	next     time.Time     // when another is allowed, if that one has ended
}

func newBackoff(p policy, interval time.Duration) backoff {
	return backoff{first: p.firstDelay, longest: min(p.maxDelay, interval), pressed: p.pressedDelay, jitter: p.delayJitter}
}

// failing reports whether the last attempt failed.
func (b *backoff) failing() bool { return b.failures > 0 }

// fail counts a failed attempt; the delay runs from its start. The provider may ask
// for a longer delay (RFC 9110 §10.2.3), but not for more than the longest. random is
// from [0, 1).
func (b *backoff) fail(began time.Time, asked time.Duration, random float64) {
	delay := min(b.first<<min(b.failures, 10), b.longest)
	delay -= time.Duration(float64(delay) * b.jitter * random)
	delay = max(delay, min(asked, b.longest))
	b.failures++
	b.began, b.next = began, began.Add(delay)
}

// succeed ends the failing.
func (b *backoff) succeed() { b.failures, b.began, b.next = 0, time.Time{}, time.Time{} }

// press says that somebody is refused for want of a key: the delay, though it is
// already running, becomes short.
func (b *backoff) press() {
	if soon := b.began.Add(b.pressed); b.failing() && soon.Before(b.next) {
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
