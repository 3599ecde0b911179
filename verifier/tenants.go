package verifier

import (
	"container/list"
	"time"
)

// tenant is an issuer's place in a router.
type tenant struct {
	// Set once. ByIssuer sets the verifier only.

	verifier *Verifier
	issuer   string
	resolved time.Time // when the call began that brought the verifier

	// Guarded by foundIssuers.mu:

	place   *list.Element // in one of the lists of liveTenants, or nil
	proven  bool          // a token was accepted, so this place is no stranger's doing
	evicted bool          // it made room for another
	denials uint64        // liveTenants.denials when it did
	retry   time.Time     // resolve is not asked again before, for it failed
}

// liveTenants are the tenants that have a verifier, at most a number of them. It is not
// safe for concurrent use.
type liveTenants struct {
	most     int
	byIssuer map[string]*tenant
	proven   *list.List // of *tenant, the one last used first
	unproven *list.List // of *tenant, the one that came last first
	denials  uint64     // how often an issuer was denied
}

func newLiveTenants(most int) liveTenants {
	return liveTenants{most: most, byIssuer: make(map[string]*tenant), proven: list.New(), unproven: list.New()}
}

// put takes the place of the tenant of the same issuer, or adds one.
func (l *liveTenants) put(t *tenant) {
	t.evicted = false
	if old := l.byIssuer[t.issuer]; old != nil {
		t.place, t.proven = old.place, old.proven
		t.place.Value = t
		old.place = nil
		l.byIssuer[t.issuer] = t
		return
	}
	t.place, t.proven = l.unproven.PushFront(t), false
	l.byIssuer[t.issuer] = t
	l.makeRoom()
}

// use moves an issuer's tenant to where it makes room last.
func (l *liveTenants) use(issuer string) {
	t := l.byIssuer[issuer]
	switch {
	case t == nil:
	case t.proven:
		l.proven.MoveToFront(t.place)
	default:
		l.unproven.Remove(t.place)
		t.place, t.proven = l.proven.PushFront(t), true
	}
}

// drop takes an issuer's tenant off.
func (l *liveTenants) drop(issuer string) {
	t := l.byIssuer[issuer]
	if t == nil {
		return
	}
	if t.proven {
		l.proven.Remove(t.place)
	} else {
		l.unproven.Remove(t.place)
	}
	t.place = nil
	delete(l.byIssuer, issuer)
}

// deny takes an issuer's tenant off for good: of those that have made room, none comes
// back, for this may be one.
func (l *liveTenants) deny(issuer string) {
	l.drop(issuer)
	l.denials++
}

// bringBack puts a tenant that made room, while its token was verified, for those that
// others only named. What resolve said since does not tell whether it was denied: that
// is forgotten in time, and strangers push it out.
func (l *liveTenants) bringBack(t *tenant) {
	if t.evicted && l.byIssuer[t.issuer] == nil && t.denials == l.denials {
		l.put(t)
	}
}

// makeRoom lets go of one tenant if there is one too many. The first unproven one is
// the newcomer, and stays. So a flood of forged tokens that name real tenants costs
// one proven tenant its place, and no more.
func (l *liveTenants) makeRoom() {
	if len(l.byIssuer) <= l.most {
		return
	}
	last := l.unproven.Back()
	if l.unproven.Len() == 1 {
		last = l.proven.Back()
	}
	t := last.Value.(*tenant)
	l.drop(t.issuer)
	t.evicted, t.denials = true, l.denials
}

// elapsed is the time from one moment to another by whichever clock says more: the
// monotonic one stands still while a machine sleeps, and the other can be set back.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
