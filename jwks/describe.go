package jwks

import (
	"cmp"
	"errors"
	"math"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// Describe tells [verifier.Verifier.Explain] about the held set and about a look-up for
// this kid and algorithm. It causes no fetch.
func (r *Remote) Describe(kid string, alg verifier.Algorithm) verifier.KeySetState {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	set := r.current.Load()
	s := verifier.KeySetState{Source: cmp.Or(r.url, r.source), Usable: r.usable(set, now), LookUp: r.lookedUp(kid, now)}
	if set != nil {
		s.Source = cmp.Or(set.url, s.Source)
		s.AgeSeconds = int(elapsed(set.began, now) / time.Second)
		set.describe(&s, kid, alg)
	}
	if r.lastError != nil {
		s.LastError = r.lastError.Error()
		_, s.OtherIssuer = errors.AsType[otherIssuerError](r.lastError)
	}
	if r.ahead != nil {
		seconds := int(min(max(r.ahead.Round(time.Second)/time.Second, math.MinInt32), math.MaxInt32))
		s.ClockSeconds = &seconds
	}
	return s
}

// lookedUp says why the answer about a kid was what it was, in the order in which
// join and refuse decide. r.mu is held.
func (r *Remote) lookedUp(kid string, now time.Time) verifier.LookUp {
	set := r.held(now)
	r.budget.refill(now)
	switch {
	case set.knows(kid):
		return verifier.LookUpNotNeeded
	case set != nil && r.absent.has(kid, now):
		return verifier.LookUpInVain
	case r.lastError != nil:
		return verifier.LookUpFailed
	case set != nil && r.flight == nil && !set.due(now) && r.budget.level == 0:
		return verifier.LookUpRefused
	default:
		return ""
	}
}

// Describe tells [verifier.Verifier.Explain] about the held set and about a look-up for
// this kid and algorithm. It does not read the file.
func (f *File) Describe(kid string, alg verifier.Algorithm) verifier.KeySetState {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	set := f.current.Load()
	s := verifier.KeySetState{Source: f.path, Usable: true, AgeSeconds: int(elapsed(set.began, now) / time.Second)}
	set.describe(&s, kid, alg)
	err := f.trouble(now)
	if err != nil {
		s.LastError = err.Error()
	}
	switch {
	case set.knows(kid):
		s.LookUp = verifier.LookUpNotNeeded
	case err != nil:
		s.LookUp = verifier.LookUpFailed
	case f.look == nil && elapsed(f.began, now) < f.pause:
		s.LookUp = verifier.LookUpInVain
	}
	return s
}

// Describe tells [verifier.Verifier.Explain] about the set.
func (s *Static) Describe(kid string, alg verifier.Algorithm) verifier.KeySetState {
	state := verifier.KeySetState{Source: "a set that does not change", Usable: true}
	s.set.describe(&state, kid, alg)
	if s.set.knows(kid) {
		state.LookUp = verifier.LookUpNotNeeded
	}
	return state
}

// describe tells of the keys.
func (s *keySet) describe(state *verifier.KeySetState, kid string, alg verifier.Algorithm) {
	state.Keys, state.Skipped = len(s.keys), len(s.skipped)
	state.KeysForAlgorithm = len(s.find("", alg))
	seen := map[string]bool{"": true}
	for _, key := range s.keys {
		if id := key.ID(); !seen[id] {
			seen[id] = true
			state.KIDs = append(state.KIDs, id)
		}
	}
	if kid == "" {
		return
	}
	state.Published = s.knows(kid)
	if len(s.find(kid, alg)) > 0 {
		return
	}
	for _, skipped := range s.skipped {
		if skipped.ID == kid {
			state.SkippedBecause = skipped.Reason
		}
	}
}
