package resilience

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Observe lets the fault strike subjects of a library, in two bubbles of its own, and
// returns what it saw. A cell that cannot be observed is no failure of the test, but an
// Observation that says so. Observe must not be called in a bubble.
func Observe(t *testing.T, c Cell, l Library) Observation {
	t.Helper()
	var seen Observation
	if c.Fault.OfClock && l.Clock != GivenClock {
		seen.Unobservable = "the library takes no clock"
		return seen
	}
	for _, observe := range []func(*run) error{(*run).observeHeld, (*run).observeNext} {
		inBubble(t, c, l, &seen, observe)
	}
	return seen
}

// inBubble observes one life of a subject.
func inBubble(t *testing.T, c Cell, l Library, seen *Observation, observe func(*run) error) {
	t.Helper()
	booted := time.Now()
	var outside *world
	if c.Fault.place == onSockets {
		o := newOperator()
		defer o.stop()
		outside = newWorld(t, c.Fault)
		outside.operate = o.do
	}
	defer func() {
		// A goroutine that cannot be ended stays behind in its bubble.
		problem := recover()
		switch {
		case problem == nil:
		case strings.HasPrefix(fmt.Sprint(problem), "deadlock: main bubble goroutine has exited"):
			seen.Leaked = max(seen.Leaked, 1)
		default:
			t.Fatalf("resilience: %v", problem)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := outside
		if w == nil {
			w = newWorld(t, c.Fault)
		}
		w.connect(t, booted)
		t.Cleanup(w.network.transport.CloseIdleConnections)
		synctest.Wait()
		r := &run{world: w, library: l, state: c.State, seen: seen, others: goroutines()}
		if err := observe(r); err != nil {
			seen.Unobservable = fmt.Sprintf("%s: the state cannot be reached: %v", l.Name, err)
		}
		r.finish()
	})
}
