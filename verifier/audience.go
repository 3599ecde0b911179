package verifier

import (
	"errors"
	"slices"
)

// Audience is the decision about "aud" (RFC 7519 §4.1.3): [AnyOf] names this
// service. The zero value is no decision and is refused by [New].
type Audience struct {
	anyOf []string
	skip  bool
}

// AnyOf accepts a token whose "aud" contains at least one of the given audiences,
// compared byte for byte. Without a name, or with an empty one, [New] fails.
func AnyOf(audiences ...string) Audience {
	return Audience{anyOf: slices.Clone(audiences)}
}

// InsecureSkipAudience accepts a token whoever it was issued for, absent audience
// included. Any other service that is handed a token of this issuer can then use it
// here in the user's name (RFC 9700 §2.3).
func InsecureSkipAudience() Audience { return Audience{skip: true} }

// fault says why the decision cannot be used, or returns nil.
func (a Audience) fault() error {
	if a.skip {
		return nil
	}
	if len(a.anyOf) == 0 {
		return errors.New("verifier: Config.Audience names no audience")
	}
	if slices.Contains(a.anyOf, "") {
		return errors.New("verifier: Config.Audience has an empty name")
	}
	return nil
}

// accepts reports whether a token for these audiences is meant for us.
func (a Audience) accepts(token []string) bool {
	if a.skip {
		return true
	}
	for _, audience := range token {
		if slices.Contains(a.anyOf, audience) {
			return true
		}
	}
	return false
}
