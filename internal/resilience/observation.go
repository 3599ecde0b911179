package resilience

import (
	"fmt"
	"time"
)

// Observation is what was seen of a cell.
type Observation struct {
	// Unobservable says why nothing was, or is "": the rest is of no meaning then.
	Unobservable string

	// Held and Next are what became of the first token, as in Expectation. Each kind was
	// sent to a Subject of its own.
	Held Answer
	Next Answer

	// Calm and Pressed are the minutes after it.
	Calm    Minute
	Pressed Minute

	// HeldAfter and NextAfter are as in Expectation, or Never. Both are 0 for a library
	// that did not refuse.
	HeldAfter time.Duration
	NextAfter time.Duration

	// Withdrawn is as in Expectation, or Never if the key still works after 26 h.
	Withdrawn time.Duration

	// Odd is what became of a token under a key that is published and unfit: everybody
	// has its private half, or can find it. It is "" where the fault has no such key.
	Odd Outcome

	// Left is how long the caller that left took to return, who wanted to after 100 ms.
	Left time.Duration

	// Elsewhere is the number of requests to another origin.
	Elsewhere int
	// LargestBody is how much was read of an answer, in octets.
	LargestBody int64

	// Running is the number of goroutines that a Subject had while nothing was asked, and
	// Leaked what was left of them after Close.
	Running int
	Leaked  int
}

// Never is the time until something that did not happen.
const Never = time.Duration(1<<63 - 1)

// Answer is what became of one token.
type Answer struct {
	Outcome Outcome
	// Wait is how long the request took.
	Wait time.Duration
	// Fetches is as in Bound.
	Fetches int
}

// String returns the answer in the words of a table.
func (a Answer) String() string {
	fetches := "fetches"
	if a.Fetches == 1 {
		fetches = "fetch"
	}
	return fmt.Sprintf("%s after %v, %d %s", a.Outcome, a.Wait, a.Fetches, fetches)
}

// Minute is what became of a token a second for a minute.
type Minute struct {
	// Fetches is how many there were.
	Fetches int
	// HeldRefused is how many of 60 tokens under the held key were refused, and HeldWait
	// the longest time that one of them took.
	HeldRefused int
	HeldWait    time.Duration
	// NextWait is the longest time that a token under the next key took.
	NextWait time.Duration
}
