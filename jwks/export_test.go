package jwks

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"time"
)

// SetClock replaces the clock. It must be called before anything else.
func (r *Remote) SetClock(now func() time.Time) { r.now = now }

// SetRandom replaces the source of jitter. It must be called before anything else.
func (r *Remote) SetRandom(random func() float64) { r.random = random }

// Absent returns how many kids are remembered as absent.
func (r *Remote) Absent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.absent.since)
}

// NewClient returns the client that is used where the caller brings none.
func NewClient() *http.Client { return newClient() }

// ReadMetadata reads a discovery document of an issuer.
func ReadMetadata(issuer string, body []byte) (*url.URL, error) {
	l, err := newLocator(documents{}, issuer)
	if err != nil {
		return nil, err
	}
	return l.readMetadata(body)
}

// MayFetch reports whether a URL may be fetched from without InsecureAllowHTTP.
func MayFetch(raw string) bool {
	_, err := documents{}.address(raw)
	return err == nil
}

// Numbers returns a function for each number of the policy, by its name, that multiplies
// it. They must be called before anything else. It panics if one is missing.
func (r *Remote) Numbers() map[string]func(factor float64) {
	p := &r.policy
	count := func(n *int) func(float64) {
		return func(factor float64) { *n = int(float64(*n) * factor); r.adopt(*p) }
	}
	span := func(d *time.Duration) func(float64) {
		return func(factor float64) { *d = time.Duration(float64(*d) * factor); r.adopt(*p) }
	}
	part := func(f *float64) func(float64) {
		return func(factor float64) { *f *= factor; r.adopt(*p) }
	}
	numbers := map[string]func(float64){
		"missBudget": count(&p.missBudget), "fetchCeiling": count(&p.fetchCeiling), "fetchPeriod": span(&p.fetchPeriod), "maxAbsent": count(&p.maxAbsent),
		"maxWait": span(&p.maxWait), "maxWaiting": count(&p.maxWaiting), "maxIdleWait": span(&p.maxIdleWait), "failedLately": span(&p.failedLately),
		"intervalJitter": part(&p.intervalJitter), "idleIntervals": count(&p.idleIntervals), "shortestInterval": span(&p.shortestInterval), "trustUnread": span(&p.trustUnread),
		"rediscovery": span(&p.rediscovery), "failoverRest": span(&p.failoverRest), "restoreTime": span(&p.restoreTime),
		"firstDelay": span(&p.firstDelay), "maxDelay": span(&p.maxDelay), "pressedDelay": span(&p.pressedDelay), "delayJitter": part(&p.delayJitter),
	}
	if fields := reflect.TypeFor[policy]().NumField(); len(numbers) != fields {
		panic(fmt.Sprintf("%d numbers are listed, and the policy has %d", len(numbers), fields))
	}
	// One setting stands for these two.
	numbers["budgetPeriod"] = func(factor float64) { r.budget.period = time.Duration(float64(r.budget.period) * factor) }
	numbers["absentSpan"] = func(factor float64) { r.absent.span = time.Duration(float64(r.absent.span) * factor) }
	return numbers
}
