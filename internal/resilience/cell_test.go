package resilience

import (
	"strings"
	"testing"
	"time"
)

func TestCellsAreEachFaultInEachState(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Cells() {
		if names[c.String()] {
			t.Errorf("%v is there twice", c)
		}
		names[c.String()] = true
	}
	if want := len(Faults()) * len(States()); len(names) != want {
		t.Errorf("there are %d cells, want %d", len(names), want)
	}
	for _, fault := range Faults() {
		for _, state := range States() {
			if !names[fault.Name+"/"+state.String()] {
				t.Errorf("%s, %s is missing", fault.Name, state)
			}
		}
	}
}

func TestEveryCellHasAnExpectation(t *testing.T) {
	for _, c := range Cells() {
		expected := c.Expect()
		if expected.Reason == "" || strings.HasPrefix(expected.Reason, ";") {
			t.Errorf("%v: there is no reason", c)
		}
		if expected.NextAfter == 0 {
			t.Errorf("%v: the next key is never accepted", c)
		}
		if (expected.Withdrawn == 0) != (expected.HeldAfter > 0) {
			t.Errorf("%v: the held key is withdrawn and back, or neither", c)
		}
		for _, bound := range []Bound{expected.Held, expected.Next} {
			if bound.Outcome == "" || bound.Within > longestWait || bound.Fewest > bound.Most || bound.Most > 2 {
				t.Errorf("%v: expects %+v", c, bound)
			}
		}
	}
}

// met is an observation that meets an expectation to its limits.
func met(e Expectation) Observation {
	return Observation{
		Held:      Answer{e.Held.Outcome, e.Held.Within, e.Held.Most},
		Next:      Answer{e.Next.Outcome, e.Next.Within, e.Next.Most},
		Calm:      Minute{Fetches: e.Calm},
		Pressed:   Minute{Fetches: e.Pressed},
		HeldAfter: e.HeldAfter,
		NextAfter: e.NextAfter,
		Withdrawn: e.Withdrawn,
	}
}

func TestJudgeFindsNothingWhereTheLimitsAreKept(t *testing.T) {
	for _, c := range Cells() {
		if differences := c.Judge(met(c.Expect())); len(differences) > 0 {
			t.Errorf("%v: %q", c, differences)
		}
	}
}

func TestJudgeFindsEachDifference(t *testing.T) {
	tests := []struct {
		words  string
		change func(o *Observation)
	}{
		{"held key: unclear, want accepted", func(o *Observation) { o.Held.Outcome = Unclear }},
		{"held key: answered after", func(o *Observation) { o.Held.Wait += time.Millisecond }},
		{"held key: 0 fetches, want 1 to 1", func(o *Observation) { o.Held.Fetches = 0 }},
		{"next key: 2 fetches, want 1 to 1", func(o *Observation) { o.Next.Fetches = 2 }},
		{"fetches in a calm minute", func(o *Observation) { o.Calm.Fetches++ }},
		{"fetches in a pressed minute", func(o *Observation) { o.Pressed.Fetches++ }},
		{"refused tokens of the held key in a calm minute", func(o *Observation) { o.Calm.HeldRefused = 1 }},
		{"refused tokens of the held key in a pressed minute", func(o *Observation) { o.Pressed.HeldRefused = 1 }},
		{"waited in a calm minute", func(o *Observation) { o.Calm.HeldWait = 1 }},
		{"waited in a pressed minute", func(o *Observation) { o.Pressed.NextWait = longestWait + 1 }},
		{"the held key was missing afterwards", func(o *Observation) { o.HeldAfter = Never }},
		{"the next key was missing afterwards", func(o *Observation) { o.NextAfter += time.Second }},
		{"odd key: its token was accepted", func(o *Observation) { o.Odd = Accepted }},
		{"requests to another origin", func(o *Observation) { o.Elsewhere = 1 }},
		{"octets read of an answer", func(o *Observation) { o.LargestBody = 2 << 20 }},
		{"goroutines while idle", func(o *Observation) { o.Running = 1 }},
		{"goroutines after the end", func(o *Observation) { o.Leaked = 1 }},
	}
	c := cell(t, "500", SoftExpired)
	for _, test := range tests {
		seen := met(c.Expect())
		test.change(&seen)
		wantDifference(t, c.Judge(seen), test.words)
	}
	c = cell(t, "kid reused for another key", CallerLeft)
	seen := met(c.Expect())
	seen.Withdrawn, seen.Left = Never, time.Second
	wantDifference(t, c.Judge(seen), "the withdrawn key worked on")
	wantDifference(t, c.Judge(seen), "the caller that left was kept")
}
