package jwks

import (
	"context"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// noFetch says why there is no fetch.
type noFetch struct {
	reason Refusal
	text   string
}

func (e *noFetch) Error() string { return "jwks: " + e.text }

var (
	errUnderWay   = &noFetch{RefusedCold, "the keys are being fetched"}
	errBackingOff = &noFetch{RefusedBackoff, "the next attempt is not due yet"}
	errBudget     = &noFetch{RefusedBudget, "the budget for unknown kids is used up"}
	errCeiling    = &noFetch{RefusedCeiling, "too many fetches"}
	errWaiting    = &noFetch{RefusedWaiting, "too many requests wait for the keys"}
	errTooSlow    = &noFetch{RefusedSlow, "the issuer does not answer in time"}
)

// request is a look-up that the held set cannot answer.
type request struct {
	kid     string
	alg     verifier.Algorithm
	arrived time.Time
	after   *flight // a fetch that it has waited for, or nil

	refused *LookUpRefused // what is to be told of it
}

// lookUp waits for the fetch under way or for one of its own, and for one more if
// the first was asked for before the request came.
func (r *Remote) lookUp(ctx context.Context, q request) ([]*verifier.Key, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	defer r.tellRefusal(&q)
	timer := time.NewTimer(r.policy.maxWait - r.now().Sub(q.arrived)) // it may have waited for an idle set
	defer timer.Stop()
	for {
		f, keys, err := r.join(&q)
		if f == nil {
			return keys, err
		}
		q.after = f
		select {
		case <-f.landed:
			r.waiting.Release(1)
		case <-ctx.Done():
			r.waiting.Release(1)
			return nil, ctx.Err()
		case <-timer.C:
			r.waiting.Release(1)
			return r.waitedEnough(&q, f)
		}
	}
}

// join answers from what is known now, or returns the fetch to wait for, with a
// waiting place taken.
func (r *Remote) join(q *request) (*flight, []*verifier.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	set := r.held(now)
	if set.knows(q.kid) {
		return nil, set.find(q.kid, q.alg), nil
	}
	if q.after != nil && q.after.err != nil {
		r.backoff.press()
		return nil, nil, r.unavailable(now, q.after.err)
	}
	if set != nil && q.after != nil && !q.after.got.conditional && !q.after.began.Before(q.arrived) {
		r.absent.add(q.kid, q.after.began)
	}
	if set != nil && r.absent.has(q.kid, now) {
		return nil, nil, nil
	}
	if !r.waiting.TryAcquire(1) {
		return nil, nil, r.refuse(q, now, set, errWaiting)
	}
	if r.flight == nil {
		r.backoff.press()
		charged, err := r.permit(now, set)
		if err != nil {
			r.waiting.Release(1)
			return nil, nil, r.refuse(q, now, set, err)
		}
		cause := CauseUnknownKID
		if set == nil {
			cause = CauseCold
		}
		r.begin(&flight{
			began: now, cause: cause, kid: q.kid, alg: q.alg, anew: true,
			charged: charged, refund: charged && set != nil,
		})
	}
	return r.flight, nil, nil
}

// awaken has a set refreshed that nobody asked for in a while. It waits until a
// second after the fetch began, and not at all where an attempt failed lately: then
// the old set answers. It returns the fetch if that has landed.
func (r *Remote) awaken(ctx context.Context, set *keySet, now time.Time) (*flight, error) {
	f := r.rouse(set, now)
	if f == nil {
		return nil, nil
	}
	defer r.waiting.Release(1)
	timer := time.NewTimer(r.policy.maxIdleWait - now.Sub(f.began))
	defer timer.Stop()
	select {
	case <-f.landed:
		return f, nil
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// rouse returns the fetch to wait for before an idle set is used, with a waiting
// place taken, or nil.
func (r *Remote) rouse(set *keySet, now time.Time) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current.Load() != set || !r.failed.IsZero() && elapsed(r.failed, now) < r.policy.failedLately {
		return nil
	}
	if !r.waiting.TryAcquire(1) {
		return nil
	}
	if r.flight == nil {
		charged, err := r.permit(now, set) // an idle set is due, so the budget is no bound
		if err != nil {
			r.waiting.Release(1)
			return nil
		}
		r.begin(&flight{began: now, cause: CauseIdle, charged: charged})
	}
	return r.flight
}

// permit takes what a fetch for the sake of a request costs, or says why there can
// be none. Without a set, or with one that is due for a refresh, the budget is no
// bound, though something is taken from it. r.mu is held.
func (r *Remote) permit(now time.Time, set *keySet) (charged bool, err *noFetch) {
	if r.backoff.wait(now) > 0 {
		return false, errBackingOff
	}
	charged = r.budget.take(now)
	if set != nil && !set.due(now) && !charged {
		return false, errBudget
	}
	if !r.ceiling.take(now) {
		if charged {
			r.budget.give()
		}
		return false, errCeiling
	}
	return charged, nil
}

// refuse answers a request for which no look-up is possible: with an error if the
// issuer is to blame or there is no set, and with none, which means an unknown key,
// if not. A 503 for a spent budget would let anybody drive an operator's alarm.
// r.mu is held.
func (r *Remote) refuse(q *request, now time.Time, set *keySet, why *noFetch) error {
	var answer error
	switch {
	case r.lastError != nil:
		answer = r.unavailable(now, r.lastError)
	case set == nil:
		answer = r.unavailable(now, why)
	}
	return r.note(q, why, answer)
}

// note remembers a refusal for tellRefusal, and returns its answer.
func (r *Remote) note(q *request, why *noFetch, answer error) error {
	q.refused = &LookUpRefused{Source: r.source, Reason: why.reason, Answer: answer}
	return answer
}

// tellRefusal tells what was noted, because the lock must not wait for observers.
func (r *Remote) tellRefusal(q *request) {
	if q.refused != nil {
		r.observers.tell(func(o Observer) { o.LookUpRefused(*q.refused) })
	}
}

// waitedEnough answers a request that must not wait any longer.
func (r *Remote) waitedEnough(q *request, f *flight) ([]*verifier.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	set := r.held(now)
	if set.knows(q.kid) {
		return set.find(q.kid, q.alg), nil
	}
	if now.Sub(f.began) >= min(r.options.Timeout, r.policy.maxWait) {
		return nil, r.note(q, errTooSlow, r.unavailable(now, errTooSlow))
	}
	return nil, r.refuse(q, now, set, errTooSlow)
}

// unavailable says that there are no keys now, and when there can be. r.mu is held.
func (r *Remote) unavailable(now time.Time, cause error) error {
	// The ceiling is never longer than the second that is told at least.
	return &verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: r.backoff.wait(now), Err: cause}
}

// held returns the set if it may still be relied on, or nil.
func (r *Remote) held(now time.Time) *keySet {
	if set := r.current.Load(); r.usable(set, now) {
		return set
	}
	return nil
}
