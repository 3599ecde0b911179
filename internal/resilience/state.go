package resilience

import "time"

// State is what a library is in when a fault strikes it. The ages are those of the
// default policy: a set is refreshed after 5 min, and used for 24 h.
type State int

const (
	// Cold is a start while the fault is there already.
	Cold State = iota
	// Warm is a set that was fetched a minute ago.
	Warm
	// SoftExpired is a set that is due for a refresh, 6 min old.
	SoftExpired
	// Idle is a set that nobody has asked for in 15 min.
	Idle
	// BeyondMaxStale is a set that is 25 h old, because the issuer has been out of reach
	// for that long, and nobody has asked.
	BeyondMaxStale
	// CallerLeft is the first fetch ever, slow and under way, of a caller that has left
	// already. The fault strikes that fetch.
	CallerLeft
)

// States lists all states.
func States() []State {
	return []State{Cold, Warm, SoftExpired, Idle, BeyondMaxStale, CallerLeft}
}

// String returns the state's name, as it stands in tables.
func (s State) String() string {
	switch s {
	case Cold:
		return "cold"
	case Warm:
		return "warm"
	case SoftExpired:
		return "soft-expired"
	case Idle:
		return "idle"
	case BeyondMaxStale:
		return "beyond MaxStale"
	case CallerLeft:
		return "caller left"
	default:
		return "unknown"
	}
}

// age is how old the set is when the fault begins, or 0 if there is none.
func (s State) age() time.Duration {
	switch s {
	case Warm:
		return time.Minute
	case SoftExpired:
		return 6 * time.Minute
	case Idle:
		return 15 * time.Minute
	case BeyondMaxStale:
		return 25 * time.Hour
	default:
		return 0
	}
}
