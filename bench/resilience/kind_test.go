package resilience_test

import (
	"testing"

	"github.com/bearerproof/bearerproof/internal/resilience"
)

// kind is what a fault does, as far as a library can see it.
type kind int

const (
	away        kind = iota // no good answer comes from the issuer
	odd                     // the set has an odd key, and the good ones
	withdrawing             // the held key is no longer in the set, and nobody says so
	clock                   // the clock jumps
)

func kindOf(f *resilience.Fault) kind {
	atStart := resilience.Cell{Fault: f, State: resilience.Cold}.Expect()
	switch {
	case f.OfClock:
		return clock
	case atStart.Withdrawn > 0:
		return withdrawing
	case atStart.Held.Outcome == resilience.Accepted:
		return odd
	default:
		return away
	}
}

// observable are the faults that a peer can be observed in.
func observable() []*resilience.Fault {
	var all []*resilience.Fault
	for _, f := range resilience.Faults() {
		if kindOf(f) != clock {
			all = append(all, f)
		}
	}
	return all
}

func TestKindOf(t *testing.T) {
	tests := map[string]kind{
		"connection refused":               away,
		"hang before the header":           away,
		"429 with Retry-After: 30":         away,
		"empty key beside":                 odd,
		"kid reused for another key":       withdrawing,
		"304 to every validator, for ever": withdrawing,
		"clock jumps an hour ahead":        clock,
		"clock jumps 25 hours back":        clock,
	}
	for _, f := range resilience.Faults() {
		want, listed := tests[f.Name]
		if got := kindOf(f); listed && got != want {
			t.Errorf("%s: kind %d, want %d", f.Name, got, want)
		}
		delete(tests, f.Name)
	}
	for name := range tests {
		t.Errorf("no fault is called %q", name)
	}
}
