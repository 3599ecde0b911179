package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// flight is one fetch.
type flight struct {
	began   time.Time
	kid     string // what it was started for, if it was for a token
	alg     verifier.Algorithm
	anew    bool    // read the metadata again
	charged bool    // it took from the budget for unknown kids
	refund  bool    // which it gives back if it brings a key for kid and alg
	renew   *keySet // the set that it may find unchanged, or nil

	landed chan struct{} // closed at the end

	// Set before landed is closed:

	err         error
	conditional bool // it asked with validators
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
	set, err = r.get(ctx, f, address)
	return set, address.String(), err
}

// get gets and reads the set, or finds that the one to renew is unchanged.
func (r *Remote) get(ctx context.Context, f *flight, address *url.URL) (*keySet, error) {
	var marks validators
	if f.renew != nil && f.renew.url == address.String() {
		marks = f.renew.marks
	}
	f.conditional = marks != validators{}
	found, err := r.locator.documents.get(ctx, address, marks)
	if err != nil {
		return nil, fmt.Errorf("jwks: the key set cannot be had: %w", err)
	}
	var set *keySet
	if found.unchanged {
		set = f.renew.confirmed()
	} else {
		if set, err = readSet(found.body); err != nil {
			return nil, err
		}
		set.read, set.url, set.marks = f.began, address.String(), validatorsOf(found.header)
	}
	set.began = f.began
	if !found.unchanged || len(found.header.Values("Cache-Control")) > 0 { // RFC 9111 §4.3.4
		set.interval = intervalFor(r.options.Interval, found.header)
	}
	set.fresh = vary(set.interval, r.random())
	return set, nil
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
	now := r.now()
	r.failed = now
	r.backoff.fail(f.began, asked, r.random())
	if r.held(now) == nil {
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
