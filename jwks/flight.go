package jwks

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// flight is one fetch.
type flight struct {
	began   time.Time
	kid     string // what it was started for, if it was for a token
	alg     verifier.Algorithm
	anew    bool // read the metadata again
	charged bool // it took from the budget for unknown kids
	refund  bool // which it gives back if it brings a key for kid and alg

	landed chan struct{} // closed at the end
	err    error         // set before landed is closed
}

// begin starts a fetch. It runs on its own context, so that a caller who gives up
// takes nobody along. r.mu is held, and there is no other fetch.
func (r *Remote) begin(f *flight) {
	f.landed = make(chan struct{})
	r.flight = f
	go r.fly(f)
}

// fly fetches the set and puts it in the place of the held one.
func (r *Remote) fly(f *flight) {
	ctx, stop := context.WithTimeout(context.Background(), r.options.Timeout)
	defer stop()
	set, url, err := r.fetch(ctx, f)
	before := r.current.Load()
	failures := r.land(f, set, url, err)
	r.report(before, set, failures, err)
}

// fetch finds, gets and reads a set.
func (r *Remote) fetch(ctx context.Context, f *flight) (set *keySet, url string, err error) {
	defer func() { r.locator.doubt = err != nil }()
	address, err := r.locator.locate(ctx, f)
	if err != nil {
		return nil, "", err
	}
	body, err := r.locator.documents.get(ctx, address)
	if err != nil {
		return nil, address.String(), err
	}
	if set, err = readSet(body); err != nil {
		return nil, address.String(), err
	}
	set.began = f.began
	set.fresh = vary(r.options.Interval, r.random())
	return set, address.String(), nil
}

// vary lengthens or shortens an interval; random is from [0, 1).
func vary(interval time.Duration, random float64) time.Duration {
	spread := time.Duration(float64(interval) * intervalJitter * (2*random - 1))
	if spread > math.MaxInt64-interval { // somebody said never
		return interval
	}
	return interval + spread
}

// land ends a fetch. It returns how many attempts in a row have failed, or had
// failed before this one.
func (r *Remote) land(f *flight, set *keySet, url string, err error) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(f.landed)
	r.flight, f.err = nil, err
	if url != "" {
		r.url = url
	}
	r.lastError = err
	if err != nil {
		r.fail(f, err)
		return r.backoff.failures
	}
	before := r.backoff.failures
	r.backoff.succeed()
	r.current.Store(set)
	if f.refund && len(set.find(f.kid, f.alg)) > 0 {
		r.budget.give()
	}
	if !set.knows(f.kid) {
		r.absent.add(f.kid, f.began)
	}
	return before
}

// fail counts a failed fetch, which costs nothing of the budget. r.mu is held.
func (r *Remote) fail(f *flight, err error) {
	if f.charged {
		r.budget.give()
	}
	var asked time.Duration
	if status, ok := errors.AsType[statusError](err); ok {
		asked = status.retryAfter
	}
	r.backoff.fail(f.began, asked, r.random())
	if r.held(r.now()) == nil {
		// Who waited is being refused for want of any key.
		r.backoff.press()
	}
}

// report logs what a fetch did.
func (r *Remote) report(before, set *keySet, failures int, err error) {
	log := r.options.Logger
	if err != nil {
		log.Warn("fetching the key set failed", "error", err, "failures", failures)
		return
	}
	if failures > 0 {
		log.Info("the key set can be fetched again", "failures", failures)
	}
	added, removed := set.difference(before), before.difference(set)
	if len(added)+len(removed) > 0 {
		log.Info("the key set changed", "added", added, "removed", removed)
	}
	for _, skipped := range set.newlySkipped(before) {
		log.Info("a key of the set is not used", "kid", skipped.ID, "reason", skipped.Reason)
	}
}
