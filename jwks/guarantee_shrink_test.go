package jwks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// shrink returns the shortest history that it finds in a number of runs in which the
// same guarantee does not hold: it leaves chunks out, half of the history at first and
// single events at last, and makes the numbers of those that are left smaller.
func shrink(t *testing.T, l func() life, events []event, guarantee string, runs int) []event {
	t.Helper()
	fails := func(shorter []event) bool {
		if runs--; runs < 0 {
			return false
		}
		violations, _ := run(t, l(), play(shorter))
		return len(violations) > 0 && violations[0].guarantee == guarantee
	}
	for size := (len(events) + 1) / 2; size > 0 && runs > 0; {
		shorter := leaveOut(events, size, fails)
		if len(shorter) == len(events) || size > 1 {
			size /= 2
		}
		events = shorter
	}
	for i := range events {
		events = lessen(events, i, fails)
	}
	return events
}

// leaveOut leaves all chunks of a size out without which it still fails, the last first.
func leaveOut(events []event, size int, fails func([]event) bool) []event {
	for end := len(events); end > 0; end -= size {
		shorter := slices.Concat(events[:max(0, end-size)], events[end:])
		if fails(shorter) {
			events = shorter
		}
	}
	return events
}

// lessen makes the numbers of one event smaller while it still fails.
func lessen(events []event, i int, fails func([]event) bool) []event {
	for {
		less := slices.Clone(events)
		less[i].n /= 2
		less[i].span = (less[i].span / 2).Truncate(time.Second)
		if less[i] == events[i] || !fails(less) {
			return events
		}
		events = less
	}
}

// listing prints a history as a literal.
func listing(events []event) string {
	var text strings.Builder
	for _, e := range events {
		fmt.Fprintf(&text, "\t%v,\n", e)
	}
	return text.String()
}
