package resilience_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/internal/resilience"
)

// record is what was seen of one cell and one peer: a line of resilience-peers.jsonl.
// What is zero is left out there.
type record struct {
	Peer         string       `json:"peer"`
	Fault        string       `json:"fault"`
	State        string       `json:"state"`
	Unobservable string       `json:"unobservable,omitzero"`
	Serial       bool         `json:"serial,omitzero"` // requests waited for each other before the peer, see serial
	Held         answer       `json:"held,omitzero"`
	Next         answer       `json:"next,omitzero"`
	Calm         minute       `json:"calm_minute,omitzero"`
	Pressed      minute       `json:"pressed_minute,omitzero"`
	HeldAfter    milliseconds `json:"held_after_ms,omitzero"`
	NextAfter    milliseconds `json:"next_after_ms,omitzero"`
	Withdrawn    milliseconds `json:"withdrawn_ms,omitzero"`
	// Odd is what became of a token under a key that is published and unfit.
	Odd         resilience.Outcome `json:"odd_key,omitzero"`
	Left        milliseconds       `json:"left_ms,omitzero"`
	Elsewhere   int                `json:"requests_elsewhere,omitzero"`
	LargestBody int64              `json:"largest_body,omitzero"`
	Running     int                `json:"goroutines_idle,omitzero"`
	Leaked      int                `json:"goroutines_left,omitzero"`
}

type answer struct {
	Outcome resilience.Outcome `json:"outcome"`
	Wait    milliseconds       `json:"wait_ms,omitzero"`
	Fetches int                `json:"fetches,omitzero"`
}

type minute struct {
	Fetches     int          `json:"fetches,omitzero"`
	HeldRefused int          `json:"held_refused,omitzero"`
	HeldWait    milliseconds `json:"held_wait_ms,omitzero"`
	NextWait    milliseconds `json:"next_wait_ms,omitzero"`
}

func newRecord(p peers.Peer, c resilience.Cell, seen resilience.Observation) record {
	return record{
		Peer: p.Name, Fault: c.Fault.Name, State: c.State.String(),
		Unobservable: seen.Unobservable,
		Held:         answered(seen.Held),
		Next:         answered(seen.Next),
		Calm:         minuteOf(seen.Calm),
		Pressed:      minuteOf(seen.Pressed),
		HeldAfter:    inMilliseconds(seen.HeldAfter),
		NextAfter:    inMilliseconds(seen.NextAfter),
		Withdrawn:    inMilliseconds(seen.Withdrawn),
		Odd:          seen.Odd,
		Left:         inMilliseconds(seen.Left),
		Elsewhere:    seen.Elsewhere,
		LargestBody:  seen.LargestBody,
		Running:      seen.Running,
		Leaked:       seen.Leaked,
	}
}

func answered(seen resilience.Answer) answer {
	return answer{seen.Outcome, inMilliseconds(seen.Wait), seen.Fetches}
}

func minuteOf(m resilience.Minute) minute {
	return minute{m.Fetches, m.HeldRefused, inMilliseconds(m.HeldWait), inMilliseconds(m.NextWait)}
}

// String returns the outcome and, if there was one, the wait.
func (a answer) String() string {
	if a.Wait == 0 {
		return string(a.Outcome)
	}
	return string(a.Outcome) + " " + a.Wait.String()
}

// milliseconds is a time, or never.
type milliseconds int64

const never milliseconds = -1

func inMilliseconds(d time.Duration) milliseconds {
	if d == resilience.Never {
		return never
	}
	return milliseconds(d.Milliseconds())
}

// String returns the time in tenths of a second, as short as it can be said.
func (m milliseconds) String() string {
	if m == never {
		return "never"
	}
	text := (time.Duration(m) * time.Millisecond).Round(100 * time.Millisecond).String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-len(nothing)+1]
		}
	}
	return text
}

// longer returns the longer one of two times.
func longer(a, b milliseconds) milliseconds {
	if a == never || b == never {
		return never
	}
	return max(a, b)
}

func TestMilliseconds(t *testing.T) {
	tests := map[milliseconds]string{
		0: "0s", 500: "500ms", 5_000: "5s", 60_000: "1m", 90_000: "1m30s", 3_600_000: "1h", 3_660_000: "1h1m", 3_605_000: "1h0m5s", never: "never",
	}
	for m, want := range tests {
		if got := m.String(); got != want {
			t.Errorf("%d ms: %q, want %q", int64(m), got, want)
		}
	}
	if got := longer(never, 1); got != never {
		t.Errorf("the longer one of never and 1 ms is %v", got)
	}
}
