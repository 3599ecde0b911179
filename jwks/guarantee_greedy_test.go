package jwks_test

import (
	"math/rand/v2"
	"time"
)

// moment is what somebody who is out for harm knows of a source: all of it.
type moment struct {
	tokens float64 // of the budget for unknown kids
	age    float64 // of the held set, in intervals; 1 and more: it is due
	cold   bool
	lately int // fetches in the last 10 s
	ill    bool
	good   int // keys that are published
	bad    int // spoilt ones
}

func (w *world) moment() moment {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	m := moment{
		tokens: w.tokens(now), cold: !w.usable(w.held, now), ill: w.issuer.wrong != none,
		good:   len(w.issuer.published.usable()),
		lately: count(w.began, func(t time.Time) bool { return now.Sub(t) < ceiling*ceilingPeriod }),
	}
	m.bad = len(w.issuer.published) - m.good
	if !m.cold {
		m.age = float64(now.Sub(w.held.began)) / float64(w.held.interval)
	}
	return m
}

// attack is a few events that belong together, with the harm that they do at a moment:
// 1 is the most that they can do, and 0 none.
type attack struct {
	harm   func(moment) float64
	events []event
}

// attacks lists what can be done to a source, each with the moment that is worst for it.
var attacks = []attack{
	{ // A key is published when the flood has just spent what the budget gained.
		func(m moment) float64 { return 1 - (m.tokens - float64(int(m.tokens))) },
		[]event{{do: doFlood, n: 20}, {do: doUntilGain}, {do: doFlood, n: 20}, {do: doPublish}, {do: doFresh}, {do: doUntilDue}, {do: doFresh}},
	},
	{ // The flood goes on while the key is waited for.
		func(m moment) float64 { return 0.6 + 0.1*m.tokens },
		[]event{{do: doFlood, n: 300, each: 100 * time.Microsecond}, {do: doPublish}, {do: doFlood, n: 200, each: 45 * time.Millisecond}, {do: doUntilDue}, {do: doFlood, n: 20}, {do: doFresh}},
	},
	{ // A key is asked for just before it is published, and what is left is spent.
		func(m moment) float64 { return 0.5 + m.tokens/6 },
		[]event{{do: doEarly, n: 3}, {do: doPublish}, {do: doFlood, n: 20}, {do: doFresh}, {do: doUntilDue}, {do: doFresh}},
	},
	{ // A key is withdrawn right after a fetch, and used for as long as it goes.
		func(m moment) float64 { return 1 - min(1, m.age) },
		[]event{{do: doPublish}, {do: doFresh}, {do: doWithdraw}, {do: doUntilOld}, {do: doOld}, {do: doUntilDue}, {do: doOld}},
	},
	{ // The same in a service that is always busy.
		func(m moment) float64 { return 0.8 - min(0.8, m.age) },
		[]event{{do: doPublish}, {do: doFresh}, {do: doWithdraw}, {do: doBusy, each: 20 * time.Second, span: 75 * time.Minute}, {do: doOld}, {do: doUntilDue}, {do: doOld}},
	},
	{ // The issuer fails when the set is due, and is back right after an attempt.
		func(m moment) float64 { return min(1, m.age) },
		[]event{{do: doFail, n: 1}, {do: doBusy, each: time.Second, span: 17 * time.Second}, {do: doPublish}, {do: doFlood, n: 20}, {do: doRepair}, {do: doFresh}, {do: doUntilDue}, {do: doFresh}, {do: doUntilDue}, {do: doFresh}},
	},
	{ // It fails quietly for so long that the delay is long, and a key goes meanwhile.
		func(m moment) float64 { return 0.9 * min(1, m.age) },
		[]event{{do: doPublish}, {do: doFresh}, {do: doFail}, {do: doBusy, each: time.Second, span: 12 * time.Minute}, {do: doWithdraw}, {do: doBusy, each: time.Second, span: 12 * time.Minute}, {do: doRepair}, {do: doOld}, {do: doUntilDue}, {do: doUntilDue}, {do: doHonest}, {do: doOld}, {do: doWait, span: 5 * time.Second}, {do: doOld}},
	},
	{ // It is away until the set is too old, and only probes ask.
		func(m moment) float64 {
			if m.cold {
				return 1
			}
			return 0.4
		},
		[]event{{do: doFail, n: 1}, {do: doWait, span: 24 * time.Hour}, {do: doProbe, n: 25, each: time.Second}, {do: doRepair}, {do: doProbe, n: 20, each: 500 * time.Millisecond}},
	},
	{ // Everybody asks at once, and the answer is slow.
		func(m moment) float64 { return min(1, m.tokens/3) },
		[]event{{do: doSlower, each: 2 * time.Second}, {do: doPublish}, {do: doFlood, n: 1500}, {do: doHonest}, {do: doFresh}, {do: doWait, span: 3 * time.Second}, {do: doFresh}, {do: doRepair}},
	},
	{ // The keys flip faster than the ceiling allows to follow.
		func(m moment) float64 { return 1 - float64(min(m.lately, ceiling))/ceiling },
		[]event{{do: doFlip, n: 30}, {do: doFlip, n: 10, each: 300 * time.Millisecond}, {do: doUntilDue}, {do: doFresh}},
	},
	{ // A kid is used again while bad signatures spend the budget.
		func(m moment) float64 { return 0.9 - m.tokens/6 },
		[]event{{do: doWait, span: 10 * time.Second}, {do: doForge, n: 100}, {do: doFlood, n: 20}, {do: doReuse}, {do: doFresh}, {do: doUntilDue}, {do: doFresh}, {do: doWait, span: 5 * time.Second}, {do: doFresh}, {do: doOld}},
	},
	{ // A key that was skipped is mended while its kid spends the budget.
		func(m moment) float64 { return float64(min(1, m.bad)) },
		[]event{{do: doUnfit, n: 50}, {do: doMend}, {do: doUnfit, n: 50, each: 10 * time.Millisecond}, {do: doFresh}, {do: doUntilDue}, {do: doFresh}, {do: doWait, span: 5 * time.Second}, {do: doFresh}},
	},
	{ // A key is spoilt right after a fetch.
		func(m moment) float64 { return (1 - min(1, m.age)) * float64(min(1, m.good-1)) },
		[]event{{do: doSpoil}, {do: doUnfit, n: 20}, {do: doUntilOld}, {do: doOld}, {do: doUntilDue}, {do: doOld}},
	},
	{ // Everybody comes back after the night, and the issuer is slow, or hangs.
		func(moment) float64 { return 0.5 },
		[]event{{do: doIdle}, {do: doSlower, each: 4 * time.Second}, {do: doBare, n: 50}, {do: doHonest}, {do: doOld}, {do: doFresh}, {do: doWait, span: 5 * time.Second}, {do: doOld}, {do: doRepair}},
	},
	{ // A refresh is under way, and does not bring what is asked for.
		func(m moment) float64 { return 0.7 * min(1, m.age) },
		[]event{{do: doUntilOld}, {do: doSlower, each: 4 * time.Second}, {do: doHonest}, {do: doWait, span: time.Second}, {do: doPublish}, {do: doFresh}, {do: doFlood, n: 50}, {do: doWait, span: 5 * time.Second}, {do: doFresh}, {do: doRepair}},
	},
	{ // The issuer comes and goes.
		func(m moment) float64 { return 0.3 + 0.2*m.tokens },
		[]event{{do: doFlap, each: 2 * time.Second, span: 3 * time.Second}, {do: doFlood, n: 200, each: 100 * time.Millisecond}, {do: doProbe, n: 5, each: time.Second}, {do: doRepair}, {do: doHonest}, {do: doUntilDue}, {do: doFresh}},
	},
	{ // Its nodes disagree about a new key.
		func(m moment) float64 { return 0.5 },
		[]event{{do: doPublish}, {do: doDisagree}, {do: doFresh}, {do: doFlood, n: 20}, {do: doBusy, each: time.Second, span: 20 * time.Second}, {do: doFresh}, {do: doHonest}, {do: doRepair}, {do: doUntilDue}, {do: doFresh}},
	},
	{ // The issuer fails once, just before the set is idle, and a withdrawn key is used again.
		func(m moment) float64 { return 0.9 - min(0.9, m.age) },
		[]event{{do: doPublish}, {do: doFresh}, {do: doWithdraw}, {do: doUntilOld}, {do: doFail}, {do: doHonest}, {do: doRepair}, {do: doWait, span: 2*time.Minute + time.Second}, {do: doOld}},
	},
	{ // Cache-Control makes a set idle early, and nobody asks until then.
		func(m moment) float64 { return 0.7 - min(0.7, m.age/2) },
		[]event{{do: doCache, n: 1}, {do: doPublish}, {do: doFresh}, {do: doWait, span: time.Second}, {do: doWithdraw}, {do: doWait, span: 121 * time.Second}, {do: doOld}},
	},
	{ // Cache-Control asks for a refresh at each request.
		func(moment) float64 { return 0.3 },
		[]event{{do: doCache, n: 1}, {do: doBusy, each: 7 * time.Second, span: 10 * time.Minute}, {do: doWithdraw}, {do: doIdle}, {do: doOld}},
	},
}

// greedy is a script of n events in which each attack is the one of a few that does most
// harm at the time. One in four is any.
func greedy(r *rand.Rand, n int) script {
	var queue []event
	return func(w *world) (event, bool) {
		if n--; n < 0 {
			return event{}, false
		}
		if len(queue) == 0 {
			queue = worst(r, w.moment())
		}
		next := queue[0]
		queue = queue[1:]
		return next, true
	}
}

// worst chooses among four.
func worst(r *rand.Rand, m moment) []event {
	chosen := attacks[r.IntN(len(attacks))]
	if r.IntN(4) == 0 {
		return chosen.events
	}
	for range 3 {
		if other := attacks[r.IntN(len(attacks))]; other.harm(m) > chosen.harm(m) {
			chosen = other
		}
	}
	return chosen.events
}
