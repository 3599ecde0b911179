package jwks_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is something that happens to a source. Which of the fields count, and for
// what, depends on what is done.
type event struct {
	do   deed
	n    int
	each time.Duration
	span time.Duration
}

// String is the event as a literal, so that a history can be copied into a test.
func (e event) String() string {
	text := "{do: do" + strings.ToUpper(string(e.do[:1])) + string(e.do[1:])
	if e.n != 0 {
		text += fmt.Sprintf(", n: %d", e.n)
	}
	if e.each != 0 {
		text += fmt.Sprintf(", each: %d /* %v */", e.each, e.each)
	}
	if e.span != 0 {
		text += fmt.Sprintf(", span: %d /* %v */", e.span, e.span)
	}
	return text + "}"
}

// deed is the name of a method in deeds.
type deed string

// What the issuer does.
const (
	doPublish  deed = "publish"  // a new key
	doWithdraw deed = "withdraw" // the nth good key, unless it is the only one
	doRestore  deed = "restore"  // the key that was withdrawn last
	doReuse    deed = "reuse"    // another key under the nth kid
	doSpoil    deed = "spoil"    // the nth good key, which is there but not to be used
	doMend     deed = "mend"     // the nth spoilt key
	doFlip     deed = "flip"     // n times, one each: publish a key, withdraw another, and ask for the new one
	doFail     deed = "fail"     // in the nth way
	doFlap     deed = "flap"     // up for each and down for span, in the nth way
	doSlower   deed = "slower"   // answers take each
	doDisagree deed = "disagree" // every other answer has the document as it was before the last change
	doRepair   deed = "repair"   // all of the last four
	doCache    deed = "cache"    // the nth Cache-Control
)

// What clients do.
const (
	doHonest    deed = "honest"    // tokens under all good keys that were accepted before
	doFresh     deed = "fresh"     // tokens under those that were not
	doOld       deed = "old"       // tokens under withdrawn keys
	doEarly     deed = "early"     // n tokens, one each, with the kid that is published next
	doFlood     deed = "flood"     // n tokens, one each, with random kids
	doFixed     deed = "fixed"     // n tokens, one each, with one unknown kid
	doUnfit     deed = "unfit"     // n tokens, one each, with the kid of a spoilt key
	doForge     deed = "forge"     // n tokens, one each, with bad signatures
	doStrange   deed = "strange"   // n tokens, one each, of an algorithm that no key is for
	doBare      deed = "bare"      // n tokens, one each, without kid
	doImpatient deed = "impatient" // n tokens with random kids, at once, whose callers leave after each
	doBusy      deed = "busy"      // as honest, once each, for span
	doProbe     deed = "probe"     // n times, one each
)

// How time passes.
const (
	doWait      deed = "wait"      // for span
	doUntilDue  deed = "untilDue"  // until a guarantee must hold of something
	doUntilGain deed = "untilGain" // until the budget gains
	doUntilOld  deed = "untilOld"  // until just before the set is idle
	doIdle      deed = "idle"      // until the set is idle
)

// deeds tells how each is done. It is a function, because methods call it.
func (w *world) deeds() map[deed]func(event) {
	return map[deed]func(event){
		doPublish: func(event) { w.publish() }, doWithdraw: w.withdraw, doRestore: func(event) { w.restore() },
		doReuse: w.reuse, doSpoil: w.spoil, doMend: w.mend, doFlip: w.flip,
		doFail: w.fail, doFlap: w.flap, doSlower: w.slower, doDisagree: func(event) { w.disagree() },
		doRepair: func(event) { w.repair() }, doCache: w.changeCache,
		doHonest: func(event) { w.sendAll(w.accepted()) },
		doFresh:  func(event) { w.sendAll(w.unmet()) },
		doOld:    func(event) { w.sendAll(w.signers(w.gone)) },
		doEarly: func(e event) {
			w.stream(e, func(int) claim { return claim{signer: signer{w.nextKid(), w.made % len(materials())}} })
		},
		doFlood: func(e event) { w.stream(e, func(int) claim { return random() }) },
		doFixed: func(e event) {
			w.stream(e, func(int) claim { return claim{signer: signer{kid: "fixed"}, kind: anonymous} })
		},
		doUnfit:   w.sendUnfit,
		doForge:   func(e event) { w.stream(e, w.underGood(forged)) },
		doStrange: func(e event) { w.stream(e, w.underGood(foreign)) },
		doBare:    func(e event) { w.stream(e, func(int) claim { return claim{kind: anonymous} }) },
		doImpatient: func(e event) {
			w.stream(event{n: e.n}, func(int) claim { c := random(); c.leave = e.each; return c })
		},
		doBusy: w.busy, doProbe: w.probes,
		doWait: func(e event) { w.rest(e.span) }, doUntilDue: func(event) { w.rest(w.untilDue()) },
		doUntilGain: func(event) { w.rest(w.untilGain()) },
		doUntilOld:  func(event) { w.rest(w.untilIdle() - 1) }, doIdle: func(event) { w.rest(w.untilIdle()) },
	}
}

// randomLife draws whom a source meets.
func randomLife(r *rand.Rand) life {
	pick := func(all ...time.Duration) time.Duration { return all[r.IntN(len(all))] }
	l := life{
		interval: pick(5*time.Minute, 5*time.Minute, time.Minute, 20*time.Second),
		cooldown: 10 * time.Second,
		maxStale: pick(24*time.Hour, 24*time.Hour, 40*time.Minute),
		discover: r.IntN(3) == 0, down: r.IntN(4) == 0, warm: r.IntN(4) > 0,
		validator: validator(r.IntN(3)), caches: r.IntN(3) == 0,
		latency: pick(0, 0, 30*time.Millisecond, 400*time.Millisecond),
		jitter:  rand.New(rand.NewPCG(r.Uint64(), 0)).Float64, // one fetch at a time draws from it
	}
	return l
}

// randomEvents draws what happens.
func randomEvents(r *rand.Rand, n int) []event {
	events := make([]event, n)
	for i := range events {
		events[i] = randomEvent(r)
	}
	return events
}

func randomEvent(r *rand.Rand) event {
	e := event{do: deck()[r.IntN(len(deck()))], n: r.IntN(16)}
	switch e.do {
	case doFlood, doFixed, doEarly, doForge, doUnfit, doStrange, doBare, doImpatient:
		// 1 to 10,000 a second, or all at once.
		e.n = []int{1, 3, 20, 20, 100, 300}[r.IntN(6)]
		if r.IntN(40) == 0 {
			e.n = 2000
		}
		e.each = []time.Duration{0, 0, 100 * time.Microsecond, time.Millisecond, 30 * time.Millisecond, time.Second}[r.IntN(6)]
		if e.n > 20 && e.each > time.Millisecond {
			e.each = time.Millisecond
		}
	case doFlip:
		e.n, e.each = 1+r.IntN(15), []time.Duration{0, 50 * time.Millisecond, time.Second}[r.IntN(3)]
	case doFlap:
		e.each, e.span = r.N(20*time.Second), r.N(20*time.Second)
	case doSlower:
		e.each = []time.Duration{100 * time.Millisecond, 900 * time.Millisecond, 2 * time.Second, 4 * time.Second}[r.IntN(4)]
	case doBusy:
		e.each, e.span = r.N(40*time.Second)+time.Second, r.N(10*time.Minute)
	case doProbe:
		e.n, e.each = 1+r.IntN(20), r.N(3*time.Second)
	case doWait:
		e.span = []time.Duration{r.N(time.Second), r.N(5 * time.Second), r.N(15 * time.Second), r.N(time.Minute), r.N(20 * time.Minute), r.N(2 * time.Hour), r.N(25 * time.Hour)}[r.IntN(7)*r.IntN(7)/6]
	default:
	}
	return e
}

// weights tell how often what happens.
var weights = map[deed]int{
	doPublish: 8, doWithdraw: 7, doRestore: 2, doReuse: 3, doSpoil: 2, doMend: 3, doFlip: 1,
	doFail: 5, doFlap: 2, doSlower: 3, doDisagree: 1, doRepair: 12, doCache: 2,
	doHonest: 14, doFresh: 10, doOld: 8, doEarly: 3, doFlood: 10, doFixed: 3, doUnfit: 2, doForge: 3,
	doStrange: 2, doBare: 2, doImpatient: 2, doBusy: 3, doProbe: 6,
	doWait: 20, doUntilDue: 10, doUntilGain: 4, doUntilOld: 2, doIdle: 3,
}

// deck has each deed as often as it weighs.
var deck = sync.OnceValue(func() []deed {
	var all []deed
	for _, do := range slices.Sorted(maps.Keys(weights)) {
		all = append(all, slices.Repeat([]deed{do}, weights[do])...)
	}
	return all
})
