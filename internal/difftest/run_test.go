package difftest

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	runInputs = flag.Uint64("differential.inputs", 0, "how many inputs TestDifferentialRun makes; 0 stands for a short run")
	runSeed   = flag.Uint64("differential.seed", 1, "what TestDifferentialRun makes its inputs from")
)

// Both sides are given the same inputs, and agree or differ for a reason of the list.
func TestDifferentialRun(t *testing.T) {
	inputs := cmp.Or(*runInputs, shortRun)
	if testing.Short() && *runInputs == 0 {
		inputs /= 4
	}
	began := time.Now()
	total := run(t, inputs)
	if total.inputs != inputs {
		t.Errorf("%d inputs of %d were judged", total.inputs, inputs)
	}
	if share := float64(total.roads[mutatedFirst]) / float64(inputs); share < 0.3 {
		t.Errorf("%.1f %% of the inputs were mutated before they were signed, and not 30 %%", 100*share)
	}
	if total.outcomes[bothAccept] == 0 || total.outcomes[bothRefuse] == 0 {
		t.Error("the two sides never agree")
	}
	// In a short run, rare ones may not turn up; TestEachReason has one of each.
	if inputs >= 1_000_000 {
		for _, r := range stricter {
			if total.reasons[r.name] == 0 {
				t.Errorf("no input was refused for the reason %q", r.name)
			}
		}
	}
	t.Log(total.report(*runSeed, time.Since(began)))
}

// batch is how many inputs a worker takes at a time.
const batch = 1000

// run judges the inputs on all processors. It stops soon after a fault.
func run(t *testing.T, inputs uint64) *tally {
	j, g := newJudge(t), newGenerator(*runSeed, 4096)
	total := newTally()
	var taken, faults atomic.Uint64
	var mu sync.Mutex // guards total
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			own := newTally()
			for faults.Load() < 10 {
				start := taken.Add(batch) - batch
				if start >= inputs {
					break
				}
				if start%1_000_000 == 0 && start > 0 {
					t.Logf("%d inputs begun", start)
				}
				for i := start; i < min(start+batch, inputs); i++ {
					in := g.input(i)
					v := j.judge(t.Context(), in.raw)
					own.count(in.road, v)
					if v.outcome == faulty {
						faults.Add(1)
						t.Errorf("input %d of seed %d: %s\n%v\ntoken %q", i, *runSeed, v.why, in.recipe, in.raw)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(own)
		})
	}
	workers.Wait()
	return total
}

// tally counts inputs.
type tally struct {
	inputs          uint64
	roads           [numRoads]uint64
	outcomes        [goJoseRefuses + 1]uint64
	reasons         map[string]uint64 // of weRefuse and goJoseRefuses
	verified        uint64            // mutated before they were signed, and the signature is good
	acceptedMutated uint64            // mutated before they were signed, and accepted by both
}

func newTally() *tally { return &tally{reasons: map[string]uint64{}} }

func (t *tally) count(way road, v verdict) {
	t.inputs++
	t.roads[way]++
	t.outcomes[v.outcome]++
	if v.outcome == weRefuse || v.outcome == goJoseRefuses {
		t.reasons[v.why]++
	}
	if way == mutatedFirst && v.verified {
		t.verified++
	}
	if way == mutatedFirst && v.outcome == bothAccept {
		t.acceptedMutated++
	}
}

func (t *tally) add(other *tally) {
	t.inputs += other.inputs
	t.verified += other.verified
	t.acceptedMutated += other.acceptedMutated
	for i, n := range other.roads {
		t.roads[i] += n
	}
	for i, n := range other.outcomes {
		t.outcomes[i] += n
	}
	for name, n := range other.reasons {
		t.reasons[name] += n
	}
}

// report writes the counts and their shares of all inputs.
func (t *tally) report(seed uint64, took time.Duration) string {
	var text strings.Builder
	line := func(indent, what string, n uint64) {
		fmt.Fprintf(&text, "%s%-*s %10d  %7.3f %%\n", indent, 46-len(indent), what, n, 100*float64(n)/float64(max(t.inputs, 1)))
	}
	fmt.Fprintf(&text, "\n%d inputs from seed %d in %v: %.0f a second\n", t.inputs, seed, took.Round(time.Second), float64(t.inputs)/took.Seconds())
	line("", "mutated before they were signed", t.roads[mutatedFirst])
	line("  ", "of them with a good signature (go-jose)", t.verified)
	line("  ", "of them accepted by both", t.acceptedMutated)
	line("", "damaged after they were signed", t.roads[damagedAfter])
	line("", "good", t.roads[untouched])
	line("", "not signed", t.roads[notSigned])
	line("", "garbage", t.roads[garbage])
	fmt.Fprintln(&text)
	line("", "accepted by both, with the same payload", t.outcomes[bothAccept])
	line("", "refused by both", t.outcomes[bothRefuse])
	line("", "refused by us alone, for the reason", t.outcomes[weRefuse])
	for _, name := range t.sorted(func(name string) bool { return !isPassedOver(name) }) {
		line("  ", name, t.reasons[name])
	}
	line("", "refused by go-jose alone, for the", t.outcomes[goJoseRefuses])
	for _, name := range t.sorted(isPassedOver) {
		line("  ", name, t.reasons[name])
	}
	line("", "at fault", t.outcomes[faulty])
	return text.String()
}

// sorted lists the names that are kept, the most frequent first.
func (t *tally) sorted(keep func(string) bool) []string {
	names := slices.DeleteFunc(slices.Collect(maps.Keys(t.reasons)), func(name string) bool { return !keep(name) })
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(t.reasons[b], t.reasons[a]), cmp.Compare(a, b)) })
	return names
}

func isPassedOver(name string) bool {
	for _, parameter := range passedOver {
		if parameter.name == name {
			return true
		}
	}
	return false
}
