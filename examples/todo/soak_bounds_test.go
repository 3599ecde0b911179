//go:build soak

package main

import (
	"slices"
	"testing"
	"time"
)

// The numbers of the policy that the bounds are made of.
const (
	soakCooldown = 2 * time.Second // TODO_JWKS_COOLDOWN
	soakBudget   = 3               // fetches for unknown kids that may come at once
	soakCeiling  = 10              // fetches for any reason that may come at once, and one more each second
	soakInterval = 5 * time.Minute // TODO_JWKS_REFRESH, less 10 % at times

	// The delays after failures in a row: 1 s, 2 s, 4 s, and not more than 5 s while
	// requests are refused for want of a key. Each may be 10 % shorter.
	firstDelay   = time.Second
	pressedDelay = 5 * time.Second

	// soakSlack is for one fetch, which is two requests over loopback, for the pace of a
	// connection, and for a machine with more to do than it has processors for.
	soakSlack = 500 * time.Millisecond
)

// mayRefuse is for how long, of the time that the issuer was up, a good token may be
// refused until the time at which it is accepted, and for how long a withdrawn key may
// go on working.
//
// While fetches do not fail, the next one comes as soon as the budget has one: within
// a cooldown. One that fails costs no budget, so from then on only the backoff is in
// the way, and of that only what is left when the issuer comes back. Both may be met
// by one key, which comes while the budget is spent, whereupon the issuer goes.
func (i *soakIssuer) mayRefuse(until soakTime) time.Duration {
	back := comeback(i.phases, until)
	return soakCooldown + delayAfter(failures(i.fetches, back)) + soakSlack
}

// upTime is for how long the issuer was up between two times.
func upTime(phases []soakPhase, from, to soakTime) (up time.Duration) {
	for _, p := range phases {
		end := p.To
		if end == 0 {
			end = to
		}
		if p.Fault == "" {
			up += time.Duration(max(min(end, to)-max(p.From, from), 0))
		}
	}
	return up
}

// comeback is when the issuer came back for the last time before a time.
func comeback(phases []soakPhase, before soakTime) (at soakTime) {
	for _, p := range phases {
		if p.Fault == "" && p.From <= before {
			at = p.From
		}
	}
	return at
}

// failures counts the fetches of the key set that failed in a row until a time.
func failures(fetches []soakFetch, until soakTime) (n int) {
	for _, f := range fetches {
		switch {
		case f.Document != "keys" || f.End > until:
		case f.good():
			n = 0
		default:
			n++
		}
	}
	return n
}

// delayAfter is the longest delay after failures in a row.
func delayAfter(failures int) time.Duration {
	if failures == 0 {
		return 0
	}
	return min(firstDelay<<min(failures-1, 10), pressedDelay)
}

// mayFetch is how many good fetches there may be in a time: those of the full budget,
// one more each cooldown, a free one for each key that the issuer made, and the
// scheduled ones.
func mayFetch(in time.Duration, rotations int) int {
	return soakBudget + int(in/soakCooldown) + rotations + int(in/(soakInterval*9/10))
}

// mayFail is how many fetches may fail in a number of times of flapEvery each: the
// delays after the first two failures, of 0.9 s and 1.8 s at least, are longer
// together, so there is no third.
func mayFail(downs int) int { return 2 * downs }

func TestSoakBounds(t *testing.T) {
	s := func(seconds float64) soakTime { return soakTime(seconds * float64(time.Second)) }
	phases := []soakPhase{{From: 0, To: s(2)}, {From: s(2), To: s(4), Fault: "503"}, {From: s(4), To: s(6)}, {From: s(6), To: s(8), Fault: "hang"}, {From: s(8)}}
	for _, row := range []struct{ from, to, want float64 }{{0, 10, 6}, {1, 3, 1}, {2.5, 3.5, 0}, {3, 5, 1}, {1, 5, 2}, {8.5, 20, 11.5}, {5, 5, 0}} {
		if got := upTime(phases, s(row.from), s(row.to)); got != time.Duration(s(row.want)) {
			t.Errorf("from %v to %v the issuer was up for %v, want %v s", row.from, row.to, got, row.want)
		}
	}
	for at, want := range map[float64]float64{1: 0, 3: 0, 4: 4, 7: 4, 9: 8} {
		if got := comeback(phases, s(at)); got != s(want) {
			t.Errorf("before %v it came back at %v, want %v", at, got, want)
		}
	}
	fetches := []soakFetch{
		{At: s(1), End: s(1), Document: "keys", Status: 200},
		{At: s(2.5), End: s(2.5), Document: "metadata", Status: 503},
		{At: s(2.5), End: s(2.5), Document: "keys", Status: 503},
		{At: s(3.5), End: s(3.5), Document: "keys"},
		{At: s(5.3), End: s(5.4), Document: "keys", Status: 200},
		{At: s(7), End: s(8), Document: "keys", Status: 200},
	}
	for at, want := range map[float64]int{2: 0, 3: 1, 4: 2, 5.35: 2, 6: 0, 9: 0} {
		if got := failures(fetches, s(at)); got != want {
			t.Errorf("until %v there are %d failures, want %d", at, got, want)
		}
	}
	var delays []time.Duration
	for n := range 6 {
		delays = append(delays, delayAfter(n)/time.Second)
	}
	if want := []time.Duration{0, 1, 2, 4, 5, 5}; !slices.Equal(delays, want) {
		t.Errorf("the delays are %v, want %v", delays, want)
	}
	i := &soakIssuer{phases: phases, fetches: fetches}
	if got, want := i.mayRefuse(s(5)), soakCooldown+2*time.Second+soakSlack; got != want {
		t.Errorf("at 5 it may have been refused for %v, want %v", got, want)
	}
	if got, want := mayFetch(time.Minute, 6), 3+30+6; got != want {
		t.Errorf("there may be %d fetches in a minute, want %d", got, want)
	}
}
