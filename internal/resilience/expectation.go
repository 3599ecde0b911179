package resilience

import "time"

// Expectation is what should be observed of a cell.
type Expectation struct {
	// Held is for a token under the key that was published before the fault began, if
	// it is the first that is sent.
	Held Bound
	// Next is for a token under the key that was published when the fault began, if it
	// is the first that is sent.
	Next Bound

	// Calm is the most fetches in a minute after Held, with a token of that kind a second.
	Calm int
	// Pressed is the most fetches in a minute after Next, with a token of each kind a
	// second.
	Pressed int

	// HeldAfter and NextAfter are the longest times until such a token is accepted after
	// the fault ended, or after the first one was sent if the fault stays. HeldAfter is 0
	// for a key that the fault withdraws.
	HeldAfter time.Duration
	NextAfter time.Duration

	// Withdrawn is the longest time for which a token under the held key is accepted, if
	// the fault withdraws that key, and 0 if not.
	Withdrawn time.Duration

	// Reason is why.
	Reason string
}

// Bound is what should become of one token.
type Bound struct {
	Outcome Outcome
	// Within is the longest time that the request may take.
	Within time.Duration
	// Fewest and Most are how many fetches there may be for it, those in the background
	// included. For CallerLeft, that of the caller who left is one of them.
	Fewest, Most int
}

// What the policy of package jwks says of every cell.
const (
	// longestWait is how long any request waits, and longestIdleWait one with a held key,
	// which waits after idling only: once, and not for the minute after it.
	longestWait     = 5 * time.Second
	longestIdleWait = time.Second
	// nextAfter is how long it takes at most to accept a new key, and heldAfter to serve
	// again: 10 s, or 5 s, and one fetch, which takes no time here. Who looks notices a
	// little later.
	nextAfter = 10*time.Second + acceptancePoll
	heldAfter = 5*time.Second + acceptancePoll
	// mostWhileFailing is a fetch each 5 s, and three in quick succession at the start.
	mostWhileFailing = 60/5 + 3
	// mostUnpressed is backoff that doubles from 1 s: at 1, 3, 7, 15, 31 and, shortened by
	// jitter, almost 63 s.
	mostUnpressed = 6
	// mostForMisses is the budget for tokens without a key, 3 and one more each 10 s.
	mostForMisses = 3 + 60/10
	// mostOctets is the longest set that is read, 1 MiB, and a buffer.
	mostOctets = 1<<20 + 1<<16
	// renewed is how long a set is kept alive by answers that it is unchanged, and then
	// twice the interval.
	renewed = time.Hour + unwatched
	// unwatched is how long a withdrawn key works: twice the interval, and one fetch.
	unwatched = 2*5*time.Minute + refusalPoll
)

// effect is what a fault does to a fetch, which is what decides the expectation.
type effect int

const (
	failing    effect = iota // the fetch fails at once
	hanging                  // it fails when its time is over
	throttling               // it fails at once, and the next should be later
	harmless                 // it succeeds
	ahead                    // it succeeds, and sets look older than they are
	reused                   // it succeeds, and brings another key under the old kid
	stubborn                 // it succeeds, but a conditional one finds no change for ever
)

func (e effect) expectation(s State) Expectation {
	switch e {
	case hanging:
		return whileFailing(s, longestWait)
	case throttling:
		expected := whileFailing(s, 0)
		if expected.Held.Outcome == Accepted {
			expected.Calm = 60 / 30
			expected.Reason += "; Retry-After counts while nobody is refused"
		}
		return expected
	case harmless, ahead:
		return whileServing(s, e)
	case reused:
		return whileReused(s)
	case stubborn:
		return whileStubborn(s)
	default:
		return whileFailing(s, 0)
	}
}

// whileFailing is for fetches that fail within a time.
func whileFailing(s State, within time.Duration) Expectation {
	expected := Expectation{
		Held:      Bound{Unavailable, within, 1, 1},
		Next:      Bound{Unavailable, within, 1, 1},
		Calm:      mostWhileFailing,
		Pressed:   mostWhileFailing,
		HeldAfter: heldAfter,
		NextAfter: nextAfter,
		Reason:    "there is no set that may be used, and the token is not to blame",
	}
	switch s {
	case Warm:
		expected.Held, expected.Calm = Bound{Accepted, 0, 0, 0}, 0
		expected.Reason = "the held set is fresh; only an unknown kid makes a fetch"
	case SoftExpired:
		expected.Held, expected.Calm = Bound{Accepted, 0, 1, 1}, mostUnpressed
		expected.Reason = "the last good set serves, and is refreshed in the background"
	case Idle:
		expected.Held, expected.Calm = Bound{Accepted, longestIdleWait, 1, 1}, mostUnpressed
		expected.Reason = "the last good set serves, after one second of trying at most"
	case CallerLeft:
		expected.Held.Within, expected.Next.Within = longestWait, longestWait
		expected.Reason = "the fetch goes on without its caller, and its failure is the answer"
	default:
	}
	return expected
}

// whileServing is for fetches that succeed.
func whileServing(s State, e effect) Expectation {
	expected := Expectation{
		Held:      Bound{Accepted, 0, 1, 1},
		Next:      Bound{Accepted, 0, 1, 1},
		Calm:      0,
		Pressed:   0,
		HeldAfter: heldAfter,
		NextAfter: nextAfter,
		Reason:    "the good keys work, whatever is beside them",
	}
	switch s {
	case Warm:
		expected.Held = Bound{Accepted, 0, 0, 0}
	case Idle:
		expected.Held.Within = longestIdleWait
	case CallerLeft:
		expected.Held.Within, expected.Next.Within = longestWait, longestWait
		expected.Reason = "the fetch goes on without its caller, and serves the next one"
	default:
	}
	if e == harmless {
		return expected
	}
	expected.Reason = "a set that looks old, or too old, is refreshed before it is used"
	switch s {
	case Warm, SoftExpired:
		expected.Held = Bound{Accepted, longestIdleWait, 1, 1}
	case CallerLeft: // the fetch began before the jump, so that what it brings looks old
		expected.Held.Most, expected.Next.Most = 2, 2
		expected.Calm, expected.Pressed = 1, 1
	default:
	}
	return expected
}

// whileWithdrawing is for an issuer that takes the held key out of its set, and answers
// as if nothing were wrong. It says nothing of how long the key works on, nor why.
func whileWithdrawing(s State) Expectation {
	expected := Expectation{
		Held:      Bound{Invalid, 0, 1, 1},
		Next:      Bound{Accepted, 0, 1, 1},
		Calm:      mostForMisses,
		Pressed:   mostForMisses,
		NextAfter: nextAfter,
	}
	switch s {
	case Warm:
		expected.Held = Bound{Accepted, 0, 0, 0}
	case SoftExpired:
		expected.Held = Bound{Accepted, 0, 1, 1}
	case Idle:
		expected.Held.Within, expected.Next.Within = longestIdleWait, longestIdleWait
	case CallerLeft:
		expected.Held.Within, expected.Next.Within = longestWait, longestWait
	default:
	}
	return expected
}

// whileReused is for an issuer that has another key under the kid of the held one. What
// a token says of its key is then right before and after, so that only its signature
// tells.
func whileReused(s State) Expectation {
	expected := whileWithdrawing(s)
	expected.Withdrawn = unwatched
	expected.Reason = "the set that is fetched has the new key only"
	switch s {
	case Warm:
		expected.Next = Bound{Invalid, 0, 1, 1}
		expected.Reason = "a bad signature has the set read again, though not on its own request's road"
	case SoftExpired:
		expected.Next = Bound{Invalid, 0, 1, 1}
		expected.Reason = "the held set answers, and its refresh is under way"
	case Idle:
		expected.Reason = "an idle set is refreshed before it is used"
	default:
	}
	return expected
}

// whileStubborn is for an issuer that says of every set that it is unchanged.
func whileStubborn(s State) Expectation {
	expected := whileWithdrawing(s)
	expected.Withdrawn = renewed
	expected.Reason = "a fetch for a request asks without a validator"
	switch s {
	case Warm, SoftExpired:
		expected.Reason = "an unknown kid is asked for without a validator; a known one notices after an hour"
	case CallerLeft:
		expected.Held.Most = 2
		expected.Reason = "a key that the fetch did not bring may have been published after it began"
	default:
	}
	return expected
}
