package verifier

import "fmt"

// KeySetState is what a source of keys tells a [Report] about itself and about one kid
// and algorithm. It contains no secret. Strings are the source's and the issuer's.
type KeySetState struct {
	// Source is the address, the issuer or the file that the keys are from.
	Source string `json:"source"`
	// Usable says whether the source has a set that may be relied on now.
	Usable bool `json:"usable"`
	// Keys counts the usable keys, and KeysForAlgorithm those of them that fit the
	// token's algorithm.
	Keys             int `json:"keys"`
	KeysForAlgorithm int `json:"keys_for_alg"`
	// KIDs has the kids of the usable keys. A report shows the first sixteen, and sets
	// KIDCount to how many there are.
	KIDs     []string `json:"kids,omitempty"`
	KIDCount int      `json:"kid_count"`
	// Skipped counts the published keys that are not usable.
	Skipped int `json:"skipped"`
	// Published says that the token's kid is in the set, on a usable key or not, and
	// SkippedBecause says why the key under it is not used, if one is not.
	Published      bool   `json:"kid_published"`
	SkippedBecause string `json:"kid_skipped_because,omitzero"`
	// AgeSeconds is the time since the set was fetched or confirmed.
	AgeSeconds int `json:"age_seconds"`
	// LookUp says what is known of a look-up for the token's kid.
	LookUp LookUp `json:"look_up,omitzero"`
	// LastError is what the last fetch failed of, or "" if it was good.
	LastError string `json:"last_error,omitzero"`
	// OtherIssuer says that the issuer's metadata names another issuer than the one that
	// it was asked for, which is why there are no new keys.
	OtherIssuer bool `json:"other_issuer,omitzero"`
	// ClockSeconds is how far the issuer's clock is ahead of ours (negative: behind), by
	// the Date header field (RFC 9110 §6.6.1) of its last good answer: at least so much, to
	// the second. It is nil if that is not known.
	ClockSeconds *int `json:"clock_difference_seconds,omitzero"`
}

// LookUp is what a source of keys knows of a look-up for a kid.
type LookUp string

// What can be known of a look-up.
const (
	// LookUpNotNeeded: the set has the kid, or the token names none.
	LookUpNotNeeded LookUp = "not_needed"
	// LookUpInVain: the issuer was asked, now or shortly before, and does not have the
	// kid.
	LookUpInVain LookUp = "in_vain"
	// LookUpFailed: the issuer could not be asked, or was shortly before and did not
	// answer well.
	LookUpFailed LookUp = "failed"
	// LookUpRefused: the issuer was not asked, because too many unknown kids came
	// before.
	LookUpRefused LookUp = "refused"
)

// maxShownKIDs bounds a report.
const maxShownKIDs = 16

// describeKeys asks the source of keys for its state.
func (x *explanation) describeKeys() {
	if x.by == nil || x.by.keys == nil {
		return
	}
	source, ok := x.by.keys.(interface {
		Describe(kid string, alg Algorithm) KeySetState
	})
	if !ok {
		return
	}
	var kid string
	var alg Algorithm
	if x.header != nil {
		kid, alg = x.header.KeyID, Algorithm(x.header.Algorithm)
	}
	s := source.Describe(kid, alg)
	s.Source, s.LastError, s.SkippedBecause = x.tell(s.Source), x.tell(s.LastError), x.tell(s.SkippedBecause)
	var kids []string
	for _, kid := range s.KIDs[:min(len(s.KIDs), maxShownKIDs)] {
		kids = append(kids, x.show(kid))
	}
	s.KIDs, s.KIDCount = kids, len(s.KIDs)
	if !x.reached(StepKey) {
		s.LookUp = "" // nobody asked
	}
	if x.header == nil {
		s.Published, s.KeysForAlgorithm = false, 0
	}
	x.keySet = &s
}

// reached reports whether the decision came as far as a step.
func (x *explanation) reached(wanted Step) bool {
	for _, s := range steps {
		if s == wanted {
			return x.step != ""
		}
		if s == x.step {
			return false
		}
	}
	return false
}

// String says it in words.
func (l LookUp) String() string {
	switch l {
	case LookUpNotNeeded:
		return "not needed"
	case LookUpInVain:
		return "made, and the issuer does not publish the kid"
	case LookUpFailed:
		return "failed"
	case LookUpRefused:
		return "refused, because too many unknown kids came before"
	case "":
		return "not made"
	default:
		return fmt.Sprintf("%q", string(l))
	}
}
