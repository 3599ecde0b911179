package jwks

import (
	"cmp"
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
	cause   Cause
	kid     string // what it was started for, if it was for a token
	alg     verifier.Algorithm
	anew    bool    // read the metadata again
	charged bool    // it took from the budget for unknown kids
	refund  bool    // which it gives back if it brings a key for kid and alg
	renew   *keySet // the set that it may find unchanged, or nil

	landed chan struct{} // closed at the end

	// Set before landed is closed:

	err          error
	got          found // without a set if it failed
	ended        time.Time
	undiscovered error // why the metadata could not be read, where the last address was used
	failedOver   error // why the first address did not do, where the set is from the second
	unrestored   error // why the snapshot could not be used
}

// found is what was got from an address.
type found struct {
	url         string         // where the set was asked for, or ""
	conditional bool           // with validators
	unchanged   bool           // the answer was 304
	document    []byte         // of a 200
	ahead       *time.Duration // of our clock, the issuer's, by a 200; nil: not known
	set         *keySet
}

// begin starts a fetch. It runs on its own context, so that a caller who gives up
// takes nobody along. r.mu is held, and there is no other fetch.
func (r *Remote) begin(f *flight) {
	f.landed = make(chan struct{})
	r.flight = f
	go r.fly(f)
}

// fly fetches the set, puts it in the place of the held one, and tells of it, in this
// order, so that nobody waits for an observer or a disk.
func (r *Remote) fly(f *flight) {
	ctx, stop := context.WithTimeout(context.Background(), r.timeout())
	defer stop()
	r.observers.tell(func(o Observer) { o.FetchStarted(FetchStarted{r.source, f.cause}) })
	f.got, f.err = r.fetch(ctx, f)
	set := f.got.set
	if f.err != nil {
		set = cmp.Or(r.restore(f), r.current.Load())
	}
	r.land(f, set)
	r.teller.tell()
	r.keep(f)
}

// fetch brings a set from the first address or the second.
func (r *Remote) fetch(ctx context.Context, f *flight) (found, error) {
	first := func(ctx context.Context) (found, error) { return r.fetchFirst(ctx, f) }
	if r.failover == nil {
		return first(ctx)
	}
	second := func(ctx context.Context) (found, error) { return r.get(ctx, f, r.failover.address) }
	return r.failover.fetch(ctx, f, first, second)
}

// fetchFirst finds, gets and reads a set.
func (r *Remote) fetchFirst(ctx context.Context, f *flight) (got found, err error) {
	defer func() { r.locator.doubt = err != nil }()
	address, err := r.locator.locate(ctx, f)
	if err != nil {
		return found{}, err
	}
	return r.get(ctx, f, address)
}

// get gets and reads the set, or finds that the one to renew is unchanged. It says
// where it asked, also if that failed.
func (r *Remote) get(ctx context.Context, f *flight, address *url.URL) (found, error) {
	got := found{url: address.String()}
	var marks validators
	if f.renew != nil && f.renew.url == got.url {
		marks = f.renew.marks
	}
	got.conditional = marks != validators{}
	asked := r.now()
	answer, err := r.locator.documents.get(ctx, address, marks)
	if err != nil {
		return got, fmt.Errorf("jwks: the key set cannot be had: %w", err)
	}
	if !answer.unchanged {
		got.ahead = clockAhead(answer.header, asked, r.now())
	}
	var set *keySet
	if answer.unchanged {
		set = f.renew.confirmed()
	} else {
		if set, err = readSet(answer.body); err != nil {
			return got, err
		}
		set.read, set.url, set.marks = f.began, got.url, validatorsOf(answer.header)
		got.document = answer.body
	}
	set.began = f.began
	if !answer.unchanged || len(answer.header.Values("Cache-Control")) > 0 { // RFC 9111 §4.3.4
		set.interval = intervalFor(r.options.Interval, r.policy.shortestInterval, answer.header)
	}
	set.fresh = vary(set.interval, r.policy.intervalJitter, r.random())
	got.set, got.unchanged = set, answer.unchanged
	return got, nil
}

// land ends a fetch: set is held from now on.
func (r *Remote) land(f *flight, set *keySet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(f.landed)
	r.flight, f.ended = nil, r.now()
	r.last = f.status()
	if f.got.url != "" {
		r.url = f.got.url
	}
	r.ahead = cmp.Or(f.got.ahead, r.ahead)
	r.lastError = f.err
	r.current.Store(set)
	failures := r.backoff.failures
	if f.err == nil {
		r.succeed(f, set)
	} else {
		r.fail(f)
		failures = r.backoff.failures
	}
	r.teller.add(r.report(f, set, failures))
}

// succeed counts a good fetch. r.mu is held.
func (r *Remote) succeed(f *flight, set *keySet) {
	r.backoff.succeed()
	r.failedOver = f.failedOver
	if f.refund && len(set.find(f.kid, f.alg)) > 0 {
		r.budget.give()
	}
	if !set.knows(f.kid) {
		r.absent.add(f.kid, f.began)
	}
}

// fail counts a failed fetch, which costs nothing of the budget. r.mu is held.
func (r *Remote) fail(f *flight) {
	if f.charged {
		r.budget.give()
	}
	var asked time.Duration
	if status, ok := errors.AsType[statusError](f.err); ok {
		asked = status.retryAfter
	}
	r.failed = f.ended
	r.backoff.fail(f.began, asked, r.random())
	if r.held(f.ended) == nil {
		// Who waited is being refused for want of any key.
		r.backoff.press()
	}
}

// outcome is how the fetch ended.
func (f *flight) outcome() Outcome { return outcomeOf(f.err, f.got.unchanged) }

// duration is the time that the fetch took.
func (f *flight) duration() time.Duration { return f.ended.Sub(f.began) }

func (f *flight) status() FetchStatus {
	return FetchStatus{
		Began: f.began.Round(0), Ended: f.ended.Round(0), Seconds: f.duration().Seconds(),
		Cause: f.cause, Outcome: f.outcome(),
	}
}

// report returns what tells the observers of a fetch that has ended, after so many
// failures in a row. It keeps nothing of the answer's text.
func (r *Remote) report(f *flight, set *keySet, failures int) (tell func()) {
	undiscovered, unrestored := f.undiscovered, f.unrestored
	e := FetchFinished{
		Source: r.source, Cause: f.cause, Outcome: f.outcome(), Err: f.err, URL: f.got.url,
		FailedOver: f.failedOver, Duration: f.duration(), Failures: failures,
	}
	if set != nil {
		e.Age, e.Used, e.Skipped = elapsed(set.began, f.ended), len(set.keys), len(set.skipped)
	}
	return func() {
		if undiscovered != nil {
			r.observers.tell(func(o Observer) { o.DiscoveryFailed(DiscoveryFailed{r.source, undiscovered}) })
		}
		r.observers.tell(func(o Observer) { o.FetchFinished(e) })
		if unrestored != nil {
			r.observers.tell(func(o Observer) { o.SnapshotFailed(SnapshotFailed{Source: r.source, Err: unrestored}) })
		}
		r.reportKeys(set, e.Age)
	}
}

// reportKeys tells the observers how a set of an age differs from what they know. Only
// the teller's functions call it.
func (r *Remote) reportKeys(set *keySet, age time.Duration) {
	before := r.teller.known
	if set == before {
		return
	}
	if set.restored {
		r.observers.tell(func(o Observer) { o.SnapshotUsed(SnapshotUsed{r.source, age}) })
	}
	r.observers.keys(r.source, before, set)
	r.teller.known = set
}
