package resilience

import (
	"fmt"
	"time"
)

// Judge says in a sentence each where an observation is not what is expected, and
// nothing of one that is.
func (c Cell) Judge(seen Observation) []string {
	if seen.Unobservable != "" {
		return []string{"nothing was observed: " + seen.Unobservable}
	}
	expected := c.Expect()
	var d differences
	d.answer("held key", seen.Held, expected.Held)
	d.answer("next key", seen.Next, expected.Next)
	d.count("fetches in a calm minute", seen.Calm.Fetches, expected.Calm)
	d.count("fetches in a pressed minute", seen.Pressed.Fetches, expected.Pressed)
	if expected.Held.Outcome == Accepted && expected.Withdrawn == 0 {
		d.count("refused tokens of the held key in a calm minute", seen.Calm.HeldRefused, 0)
		d.count("refused tokens of the held key in a pressed minute", seen.Pressed.HeldRefused, 0)
		d.time("a token of the held key waited in a calm minute", seen.Calm.HeldWait, 0)
		d.time("a token of the held key waited in a pressed minute", seen.Pressed.HeldWait, 0)
	}
	d.time("a token waited in a calm minute", max(seen.Calm.HeldWait, seen.Calm.NextWait), longestWait)
	d.time("a token waited in a pressed minute", max(seen.Pressed.HeldWait, seen.Pressed.NextWait), longestWait)
	if expected.Withdrawn > 0 {
		d.time("the withdrawn key worked on", seen.Withdrawn, expected.Withdrawn)
	} else {
		d.time("the held key was missing afterwards", seen.HeldAfter, expected.HeldAfter)
	}
	d.time("the next key was missing afterwards", seen.NextAfter, expected.NextAfter)
	if c.State == CallerLeft {
		d.time("the caller that left was kept", seen.Left, patienceOfLeaver)
	}
	if seen.Odd == Accepted {
		d.add("odd key: its token was %s", seen.Odd)
	}
	d.count("requests to another origin", seen.Elsewhere, 0)
	d.count("octets read of an answer", int(seen.LargestBody), mostOctets)
	d.count("goroutines while idle", seen.Running, 0)
	d.count("goroutines after the end", seen.Leaked, 0)
	return d
}

// differences are sentences.
type differences []string

func (d *differences) add(format string, of ...any) { *d = append(*d, fmt.Sprintf(format, of...)) }

func (d *differences) answer(what string, seen Answer, want Bound) {
	if seen.Outcome != want.Outcome {
		d.add("%s: %s, want %s", what, seen.Outcome, want.Outcome)
	}
	if seen.Wait > want.Within {
		d.add("%s: answered after %v, want %v at most", what, seen.Wait, want.Within)
	}
	if seen.Fetches < want.Fewest || seen.Fetches > want.Most {
		d.add("%s: %d fetches, want %d to %d", what, seen.Fetches, want.Fewest, want.Most)
	}
}

func (d *differences) count(what string, seen, most int) {
	if seen > most {
		d.add("%s: %d, want %d at most", what, seen, most)
	}
}

func (d *differences) time(what string, seen, most time.Duration) {
	switch {
	case seen == Never:
		d.add("%s: for ever, want %v at most", what, most)
	case seen > most:
		d.add("%s: %v, want %v at most", what, seen, most)
	}
}
