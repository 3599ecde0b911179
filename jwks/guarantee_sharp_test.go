package jwks_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
)

// Factors of a number. A number that is a bound is taken away by never.
const (
	half  = 0.5
	twice = 2
	no    = 0
	never = 1e6
)

// mutation is one number of the policy that is changed, and the guarantee that breaks.
type mutation struct {
	number    string
	factor    float64
	guarantee string // "" if none can break
	// reason says why none can, and elsewhere names the test of the number.
	reason, elsewhere string

	life   func(*life) // other than usual, or nil
	events []event
}

func (m mutation) String() string {
	names := map[float64]string{half: "halved", twice: "doubled", no: "without", never: "unbounded"}
	return m.number + " " + names[m.factor]
}

// change makes the mutation.
func (m mutation) change(o *jwks.Options, r *jwks.Remote) {
	settings := func(d *time.Duration) { *d = time.Duration(float64(*d) * m.factor) }
	if o != nil {
		switch m.number {
		case "Interval":
			settings(&o.Interval)
		case "Cooldown":
			settings(&o.Cooldown)
		case "MaxStale":
			settings(&o.MaxStale)
		case "Timeout":
			o.Timeout = time.Duration(float64(5*time.Second) * m.factor)
		}
		return
	}
	if number, is := r.Numbers()[m.number]; is {
		number(m.factor)
	}
}

// usualLife is that of most mutations.
func (m mutation) usualLife() life {
	l := life{interval: 5 * time.Minute, cooldown: 10 * time.Second, maxStale: 24 * time.Hour, warm: true}
	if m.life != nil {
		m.life(&l)
	}
	return l
}

// Histories that several mutations share.
var (
	floodAtOnce  = []event{{do: doWait, span: time.Minute}, {do: doFlood, n: 20, each: time.Millisecond}}
	longFlood    = []event{{do: doFlood, n: 200, each: time.Second}}
	newKey       = []event{{do: doPublish}, {do: doUntilDue}, {do: doFresh}}
	newInFlood   = []event{{do: doWait, span: time.Minute}, {do: doFlood, n: 20, each: time.Millisecond}, {do: doPublish}, {do: doUntilDue}, {do: doFresh}}
	announcedKey = []event{{do: doEarly, n: 1}, {do: doPublish}, {do: doUntilDue}, {do: doFresh}}
	flips        = []event{{do: doFlip, n: 30}}
	longFlips    = []event{{do: doFlip, n: 60, each: 100 * time.Millisecond}}
	afterFlips   = []event{{do: doFlip, n: 10}, {do: doPublish}, {do: doUntilDue}, {do: doFresh}}
	firstToken   = []event{{do: doWait, span: 6 * time.Second}, {do: doFresh}, {do: doWait, span: 5 * time.Second}}
	slowFirst    = []event{{do: doSlower, each: 4 * time.Second}, {do: doWait, span: 6 * time.Second}, {do: doFresh}, {do: doWait, span: 5 * time.Second}}
	crowd        = []event{{do: doSlower, each: 2 * time.Second}, {do: doFlood, n: 2000}, {do: doWait, span: 3 * time.Second}}
	afterRefresh = []event{{do: doWait, span: 5 * time.Minute}, {do: doSlower, each: 4 * time.Second}, {do: doFresh}, {do: doWait, span: time.Second}, {do: doFlood, n: 1}, {do: doWait, span: 10 * time.Second}}
	hungMorning  = []event{{do: doFresh}, {do: doIdle}, {do: doFail, n: 1}, {do: doHonest}, {do: doWait, span: 5 * time.Second}}
	hungLater    = []event{{do: doFresh}, {do: doIdle}, {do: doFail, n: 1}, {do: doHonest}, {do: doWait, span: 30 * time.Second}, {do: doHonest}, {do: doWait, span: 5 * time.Second}}
	withdrawn    = []event{{do: doPublish}, {do: doFresh}, {do: doWait, span: time.Second}, {do: doWithdraw}, {do: doUntilDue}, {do: doOld}, {do: doWait, span: time.Second}}
	failedBefore = []event{{do: doPublish}, {do: doFresh}, {do: doWithdraw}, {do: doWait, span: 450 * time.Second}, {do: doFail}, {do: doHonest}, {do: doRepair}, {do: doWait, span: 151 * time.Second}, {do: doOld}}
	notIdle      = []event{{do: doFresh}, {do: doWait, span: 6 * time.Minute}, {do: doHonest}, {do: doWait, span: time.Second}}
	shortened    = []event{{do: doCache, n: 1}, {do: doPublish}, {do: doFresh}, {do: doWithdraw}, {do: doWait, span: 121 * time.Second}, {do: doOld}}
	shortBusy    = []event{{do: doCache, n: 1}, {do: doPublish}, {do: doFresh}, {do: doBusy, each: time.Second, span: 10 * time.Minute}}
	stubbornBusy = []event{{do: doPublish}, {do: doFresh}, {do: doWithdraw}, {do: doBusy, each: 20 * time.Second, span: 75 * time.Minute}, {do: doOld}}
	busyHour     = []event{{do: doFresh}, {do: doBusy, each: 5 * time.Second, span: time.Hour}}
	failingFlood = []event{{do: doFail}, {do: doFlood, n: 200, each: 50 * time.Millisecond}}
	failingProbe = []event{{do: doProbe, n: 300, each: 100 * time.Millisecond}}
	backAgain    = []event{{do: doProbe, n: 170, each: 100 * time.Millisecond}, {do: doRepair}, {do: doProbe, n: 100, each: 100 * time.Millisecond}}
	hungAndBack  = []event{{do: doFail, n: 1}, {do: doProbe}, {do: doWait, span: 4 * time.Second}, {do: doRepair}, {do: doProbe, n: 20, each: 500 * time.Millisecond}}
	quietOutage  = []event{{do: doPublish}, {do: doFresh}, {do: doWithdraw}, {do: doFail}, {do: doBusy, each: time.Second, span: 19 * time.Minute}, {do: doRepair}, {do: doUntilDue}, {do: doUntilDue}, {do: doHonest}, {do: doWait, span: time.Second}, {do: doOld}}
	dayAway      = []event{{do: doFresh}, {do: doFail}, {do: doWait, span: 25 * time.Hour}, {do: doHonest}, {do: doBare}}
	halfDayAway  = []event{{do: doFresh}, {do: doFail}, {do: doWait, span: 13 * time.Hour}, {do: doHonest}}
)

func cold(l *life)       { l.warm = false }
func away(l *life)       { l.warm, l.down = false, true }
func sluggish(l *life)   { l.latency = 100 * time.Millisecond }
func confirmed(l *life)  { l.validator = stubbornETag }
func shortening(l *life) { l.caches = true }
func earliest(l *life)   { l.jitter = func() float64 { return 0 } }    // of an interval
func soonest(l *life)    { l.jitter = func() float64 { return 0.99 } } // of a delay

// mutations lists what is changed of DESIGN §4, and which guarantee breaks.
var mutations = []mutation{
	{number: "missBudget", factor: twice, guarantee: "G2", events: floodAtOnce},
	{number: "missBudget", factor: never, guarantee: "G2", events: floodAtOnce},
	{number: "missBudget", factor: no, guarantee: "G1", events: newKey},
	{number: "budgetPeriod", factor: twice, guarantee: "G1", events: newInFlood},
	{number: "budgetPeriod", factor: never, guarantee: "G1", events: newInFlood},
	{number: "budgetPeriod", factor: half, guarantee: "G2", events: longFlood},
	{number: "Cooldown", factor: twice, guarantee: "G1", events: newInFlood},
	{number: "Cooldown", factor: half, guarantee: "G2", events: longFlood},
	{number: "fetchCeiling", factor: twice, guarantee: "G2", events: flips},
	{number: "fetchCeiling", factor: never, guarantee: "G2", events: flips},
	{number: "fetchCeiling", factor: no, guarantee: "G6", life: cold, events: firstToken},
	{
		number: "fetchPeriod", factor: twice, reason: "a ceiling that gains more slowly still gains within the 10 s of G1",
		elsewhere: "TestCeilingHoldsAgainstAnIssuerThatFlips", events: longFlips,
	},
	{number: "fetchPeriod", factor: half, guarantee: "G2", events: longFlips},
	{number: "fetchPeriod", factor: never, guarantee: "G1", events: afterFlips},

	{number: "absentSpan", factor: twice, guarantee: "G1", events: announcedKey},
	{number: "absentSpan", factor: never, guarantee: "G1", events: announcedKey},
	{
		number: "absentSpan", factor: no, reason: "the budget bounds the fetches for a kid that is not remembered, as for any other",
		elsewhere: "TestAbsentKidIsRememberedForOneCooldown", events: longFlood,
	},
	{number: "maxAbsent", factor: twice, guarantee: "G7", events: crowd},
	{number: "maxAbsent", factor: never, guarantee: "G7", events: crowd},
	{
		number: "maxAbsent", factor: no, reason: "the budget bounds the fetches for kids that are not remembered, as for any others",
		elsewhere: "TestAtMost256KidsAreRememberedTheOldestGoing", events: crowd,
	},

	{number: "maxWait", factor: twice, guarantee: "G4", events: afterRefresh},
	{number: "maxWait", factor: never, guarantee: "G4", events: afterRefresh},
	{number: "maxWait", factor: half, guarantee: "G6", life: cold, events: slowFirst},
	{number: "maxWait", factor: no, guarantee: "G6", life: cold, events: slowFirst},
	{number: "maxWaiting", factor: twice, guarantee: "G7", events: crowd},
	{number: "maxWaiting", factor: never, guarantee: "G7", events: crowd},
	{number: "maxWaiting", factor: no, guarantee: "G6", life: cold, events: firstToken},
	{number: "maxIdleWait", factor: twice, guarantee: "G4", events: hungMorning},
	{number: "maxIdleWait", factor: never, guarantee: "G4", events: hungMorning},
	{number: "maxIdleWait", factor: no, guarantee: "G3", life: sluggish, events: withdrawn},
	{number: "failedLately", factor: twice, guarantee: "G3", events: failedBefore},
	{number: "failedLately", factor: never, guarantee: "G3", events: failedBefore},
	{number: "failedLately", factor: no, guarantee: "G4", events: hungLater},

	{number: "Interval", factor: twice, guarantee: "G3", events: withdrawn},
	{number: "Interval", factor: half, guarantee: "G2", events: busyHour},
	{number: "intervalJitter", factor: twice, guarantee: "G2", life: earliest, events: busyHour},
	{
		number: "intervalJitter", factor: no, reason: "it spreads replicas, and a model of one source sees no herd",
		elsewhere: "TestIntervalVariesByUpToATenth", events: busyHour,
	},
	{number: "idleIntervals", factor: twice, guarantee: "G3", events: withdrawn},
	{number: "idleIntervals", factor: never, guarantee: "G3", events: withdrawn},
	{number: "idleIntervals", factor: half, guarantee: "G4", life: sluggish, events: notIdle},
	{number: "shortestInterval", factor: twice, guarantee: "G3", life: shortening, events: shortened},
	{number: "shortestInterval", factor: half, guarantee: "G2", life: shortening, events: shortBusy},
	{number: "shortestInterval", factor: no, guarantee: "G2", life: shortening, events: shortBusy},
	{number: "trustUnread", factor: twice, guarantee: "G3", life: confirmed, events: stubbornBusy},
	{number: "trustUnread", factor: never, guarantee: "G3", life: confirmed, events: stubbornBusy},
	{
		number: "trustUnread", factor: no, reason: "a refresh without validators costs the issuer a body, and no fetch more",
		elsewhere: "TestUnchangedAnswerRenewsTheSet", life: confirmed, events: stubbornBusy,
	},
	{
		number: "rediscovery", factor: twice, reason: "no guarantee is about an issuer that moves its keys and leaves the old ones where they were",
		elsewhere: "TestMetadataIsReadAgainHourly", life: func(l *life) { l.discover = true }, events: busyHour,
	},
	{
		number: "rediscovery", factor: never, reason: "as above", elsewhere: "TestMetadataIsReadAgainHourly",
		life: func(l *life) { l.discover = true }, events: busyHour,
	},
	{
		number: "restoreTime", factor: twice, reason: "the model's source has no snapshot",
		elsewhere: "TestRestartDuringAnOutageServesAtOnce", life: cold, events: hungAndBack,
	},
	{
		number: "restoreTime", factor: no, reason: "as above",
		elsewhere: "TestRestartDuringAnOutageServesAtOnce", life: cold, events: hungAndBack,
	},
	{
		number: "failoverRest", factor: twice, reason: "no guarantee is about which of two addresses is asked first",
		elsewhere: "TestAddressThatFailedIsAskedSecondForAMinute", events: busyHour,
	},
	{
		number: "failoverRest", factor: never, reason: "as above",
		elsewhere: "TestAddressThatFailedIsAskedSecondForAMinute", events: busyHour,
	},

	{
		number: "firstDelay", factor: twice, reason: "fewer attempts at first; the pressed delay bounds the way back",
		elsewhere: "TestR76FailuresBackOffExponentiallyToAMinute", life: away, events: backAgain,
	},
	{number: "firstDelay", factor: half, guarantee: "G2", events: failingFlood},
	{number: "firstDelay", factor: no, guarantee: "G2", events: failingFlood},
	{number: "maxDelay", factor: twice, guarantee: "G3", events: quietOutage},
	{number: "maxDelay", factor: no, guarantee: "G2", events: failingFlood},
	{number: "pressedDelay", factor: twice, guarantee: "G6", life: away, events: backAgain},
	{number: "pressedDelay", factor: never, guarantee: "G6", life: away, events: backAgain},
	{number: "pressedDelay", factor: half, guarantee: "G2", life: away, events: failingProbe},
	{number: "pressedDelay", factor: no, guarantee: "G2", life: away, events: failingProbe},
	{number: "delayJitter", factor: twice, guarantee: "G2", life: soonest, events: failingFlood},
	{
		number: "delayJitter", factor: no, reason: "it keeps replicas from returning together, and a model of one source sees no herd",
		elsewhere: "TestJitterOnlyShortensTheDelay", events: failingFlood,
	},
	{number: "Timeout", factor: twice, guarantee: "G6", life: cold, events: hungAndBack},
	{number: "Timeout", factor: half, guarantee: "G6", life: cold, events: slowFirst},
	{number: "MaxStale", factor: twice, guarantee: "G3", events: dayAway},
	{number: "MaxStale", factor: half, guarantee: "G5", events: halfDayAway},
}

// The model is sharp: whichever number of the policy is doubled or taken away, it names
// the guarantee that breaks, and in the same history none breaks with the right number.
func TestModelIsSharp(t *testing.T) {
	for _, m := range mutations {
		t.Run(m.String(), func(t *testing.T) {
			if violations, _ := run(t, m.usualLife(), play(m.events)); len(violations) > 0 {
				t.Fatalf("with the right number: %v", violations)
			}
			l := m.usualLife()
			l.change = m.change
			violations, _ := run(t, l, play(m.events))
			switch {
			case len(violations) == 0 && m.guarantee != "":
				t.Errorf("no guarantee breaks, want %s", m.guarantee)
			case len(violations) > 0 && violations[0].guarantee != m.guarantee:
				t.Errorf("want %q to break first: %v", m.guarantee, violations)
			}
		})
	}
}

// Many doubled numbers are found in three greedy histories, none of which is made for
// one of them.
// A long run tells of all mutations which history of either kind is the first to find
// them, and names what else breaks in them.
func TestModelIsSharpInHistoriesThatNobodyWrote(t *testing.T) {
	doubled, detected := 0, 0
	for _, m := range mutations {
		switch {
		case m.guarantee == "":
		case *seeds > 0:
			t.Logf("%v: %s; random: %s; greedy: %s", m, m.guarantee, m.first(t, min(*seeds, 300), randomly), m.first(t, min(*seeds, 300), greedily))
		case m.factor == twice:
			doubled++
			if m.first(t, 3, greedily) != "never" {
				detected++
			}
		}
	}
	if detected*3 < doubled {
		t.Errorf("%d of %d doubled numbers are found in three greedy histories", detected, doubled)
	}
}

// first tells in which history the mutation shows, and as what.
func (m mutation) first(t *testing.T, seeds int, next func(*rand.Rand) script) string {
	t.Helper()
	for seed := range uint64(seeds) {
		r := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }
		l := randomLife(r())
		l.change = m.change
		if violations, _ := run(t, l, next(r())); len(violations) > 0 {
			return fmt.Sprintf("seed %d, %s", seed, violations[0].guarantee)
		}
	}
	return "never"
}

// Each number of the policy is doubled, and taken away where that makes sense.
func TestEachNumberOfThePolicyIsChanged(t *testing.T) {
	keys, err := jwks.NewRemote(modelKeys, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for _, m := range mutations {
		done[m.String()] = true
		if m.guarantee == "" && (m.reason == "" || m.elsewhere == "") {
			t.Errorf("%v breaks no guarantee, and it is not said why and what else tests it", m)
		}
	}
	for number := range keys.Numbers() {
		is := func(factor float64) bool { return done[mutation{number: number, factor: factor}.String()] }
		if !is(twice) || !is(no) && !is(never) {
			t.Errorf("%s is not doubled and taken away", number)
		}
	}
}

// What is found in a random history is printed as the shortest that shows it.
func TestFailureIsShownByItsShortestSequence(t *testing.T) {
	m := mutation{number: "missBudget", factor: twice}
	for seed := range uint64(200) {
		broken := check(t, seed, m.change, randomly)
		if broken == "" {
			continue
		}
		// A history has dozens. The order of goroutines is not the seed's, so what is found
		// is not always the same.
		events := strings.Count(broken, "{do: ")
		if !strings.Contains(broken, fmt.Sprintf("seed %d: G2: ", seed)) || events == 0 || events > 12 {
			t.Errorf("%d events, want a few, and the seed: %s", events, broken)
		}
		return
	}
	t.Error("nothing was found in 200 histories")
}
