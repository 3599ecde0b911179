package jwks_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

// seeds asks for a long run, as in
//
//	go test -run Guarantees -guarantee.seeds 5000 ./jwks
var seeds = flag.Int("guarantee.seeds", 0, "in how many random and how many greedy histories the guarantees are checked")

// histories is how many there are, of which a greedy one takes three times as long.
func histories(usually int) int {
	switch {
	case *seeds > 0:
		return *seeds
	case testing.Short():
		return usually / 4
	}
	return usually
}

// The guarantees G1 to G8 hold, whatever an issuer and its clients do. A failure prints
// the seed and the shortest sequence of events that was found to show it.
func TestGuaranteesHoldInRandomHistories(t *testing.T) {
	hold(t, histories(150), randomly)
}

// So they do if what happens is always what is worst at the time.
func TestGuaranteesHoldInGreedyHistories(t *testing.T) {
	hold(t, histories(50), greedily)
}

// steps is how many events a history has.
const steps = 60

func randomly(r *rand.Rand) script { return play(randomEvents(r, steps)) }

func greedily(r *rand.Rand) script { return greedy(r, steps) }

func hold(t *testing.T, seeds int, next func(*rand.Rand) script) {
	t.Helper()
	failed := 0
	for seed := range uint64(seeds) {
		broken := check(t, seed, nil, next)
		if broken == "" {
			continue
		}
		t.Error(broken)
		if failed++; failed == 3 {
			t.Fatal("and so on")
		}
	}
}

// check runs the history of a seed with a source that is changed. It returns what a
// failure is to print, or "".
func check(t *testing.T, seed uint64, change change, next func(*rand.Rand) script) string {
	t.Helper()
	r := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }
	l := func() life {
		l := randomLife(r())
		l.change = change
		return l
	}
	violations, happened := run(t, l(), next(r()))
	if len(violations) == 0 {
		return ""
	}
	shortest := shrink(t, l, happened, violations[0].guarantee, 300)
	if again, _ := run(t, l(), play(shortest)); len(again) > 0 {
		violations = again
	}
	return fmt.Sprintf("seed %d: %v\nwith %v, after %d events, the shortest found being:\n%s", seed, violations[0], l(), len(happened), listing(shortest))
}
