package jwks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/bearerproof/bearerproof/verifier"
)

// Remote fetches and keeps the key set of one issuer. It is a [verifier.KeySet], is
// safe for concurrent use, and needs no closing. The package comment describes its
// policy. Only [Discover] and [NewRemote] make one.
type Remote struct {
	options Options
	policy  policy
	issuer  string // "" if not known
	address string // the key set's, as NewRemote was given it, or ""
	source  string // the issuer, or the address
	now     func() time.Time
	random  func() float64

	observers observers

	current atomic.Pointer[keySet] // read by every Verify, replaced whole

	locator  *locator  // used by the fetch under way only
	failover *failover // likewise; nil: none
	restored bool      // likewise: the snapshot was looked at
	keeper   keeper
	teller   teller
	waiting  *semaphore.Weighted // places for requests that wait for a fetch

	mu         sync.Mutex // guards what follows
	flight     *flight    // the fetch under way, or nil
	budget     bucket     // for unknown kids
	ceiling    bucket     // for any fetch
	absent     absentKids
	backoff    backoff
	last       FetchStatus    // the last attempt
	lastError  error          // of the last attempt, nil if it was good
	failed     time.Time      // when the last attempt that failed ended, zero if none did
	failedOver error          // why the first address did not do, where the held set is from the second
	ahead      *time.Duration // of our clock, the issuer's; nil: not known
	url        string         // where the key set was asked for last, or is to be asked for
}

// NewRemote returns a source for the JWK set at url, which must be https, or http
// on a loopback host. It does not know whose keys they are: prefer [Discover]. It
// does no I/O. Its error names what is wrong with the URL or an option.
//
// The log, the events, [Remote.Status] and reports show the URL with its query: put no
// secret there.
func NewRemote(url string, o *Options) (*Remote, error) {
	options, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	documents := newDocuments(options)
	address, err := documents.address(url)
	if err != nil {
		return nil, fmt.Errorf("jwks: URL %q %w", redacted(url), err)
	}
	r := &Remote{options: options, address: url, source: url, url: url}
	return r.with(&locator{documents: documents, address: address})
}

// Discover returns a source that finds the issuer's JWK set through its metadata
// (OpenID Connect Discovery §4, or RFC 8414 §3 where that is not found), which must
// name this very issuer. It does no I/O: what can be wrong with the issuer's answers
// shows at the first token, in [Remote.Warm] and [Remote.Ready]. Its error names
// what is wrong with the issuer's URL or an option.
//
// An issuer's metadata decides where its keys are fetched: any https host that this
// service can reach and whose certificate it trusts. Where issuers are tenants and not
// all trusted, give Options.Client a transport whose dialer refuses inner addresses
// (net.Dialer.Control), or use [NewRemote] with addresses of your own.
func Discover(issuer string, o *Options) (*Remote, error) {
	options, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	locator, err := newLocator(newDocuments(options), issuer)
	if err != nil {
		return nil, err
	}
	r := &Remote{options: options, issuer: issuer, source: issuer}
	return r.with(locator)
}

// with completes a source.
func (r *Remote) with(l *locator) (*Remote, error) {
	r.now, r.random, r.locator = time.Now, rand.Float64, l
	r.observers = newObservers(r.options.Logger, r.options.Observer)
	if second := r.options.Failover; second != "" {
		address, err := l.documents.address(second)
		if err != nil {
			return nil, fmt.Errorf("jwks: Options.Failover %q %w", redacted(second), err)
		}
		if l.address != nil && sameAddress(l.address, address) {
			return nil, fmt.Errorf("jwks: Options.Failover %q is the first address", redacted(second))
		}
		r.failover = &failover{address: address}
	}
	r.adopt(defaultPolicy())
	// Last, because a snapshot that is claimed stays so.
	if err := r.options.Snapshot.claim(r.issuer + "\n" + r.address); err != nil {
		return nil, fmt.Errorf("jwks: Options.Snapshot: %w", err)
	}
	return r, nil
}

// adopt puts a policy in force. It is called before anything else.
func (r *Remote) adopt(p policy) {
	r.policy = p
	r.locator.again = p.rediscovery
	if r.failover != nil {
		r.failover.rest = p.failoverRest
	}
	r.waiting = semaphore.NewWeighted(int64(p.maxWaiting))
	r.budget = newBucket(p.missBudget, r.options.Cooldown)
	r.ceiling = newBucket(p.fetchCeiling, p.fetchPeriod)
	r.absent = newAbsentKids(r.options.Cooldown, p.maxAbsent)
	r.backoff = newBackoff(p, r.options.Interval)
}

// Issuer returns the issuer whose keys these are, or "" if that is not known.
// [verifier.New] compares it with Config.Issuer.
func (r *Remote) Issuer() string { return r.issuer }

// Keys implements [verifier.KeySet]. It waits only for a fetch that the answer
// needs: while there is no set, for a kid that the set does not know, and, for up to
// a second, after nobody has asked for twice the interval.
func (r *Remote) Keys(ctx context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	now := r.now()
	set := r.current.Load()
	q := request{kid: kid, alg: alg, arrived: now}
	if set != nil && r.idle(set, now) && set.knows(kid) && r.usable(set, now) {
		var err error
		if q.after, err = r.awaken(ctx, set, now); err != nil {
			return nil, err
		}
		now, set = r.now(), r.current.Load()
	}
	if !r.usable(set, now) {
		return r.lookUp(ctx, q)
	}
	keys := set.find(kid, alg)
	if len(keys) == 0 && !set.knows(kid) {
		return r.lookUp(ctx, q)
	}
	r.refresh(set, now)
	if set.restored || r.idle(set, now) {
		r.tellStale(set, now)
	}
	if len(keys) == 0 {
		r.recheck(kid, alg)
	}
	return keys, nil
}

// Recheck is told by a verifier that a signature failed under the held keys: an
// issuer may have put a new key under an old kid. It starts a fetch in the
// background if the set is older than Options.Cooldown and the budget for unknown
// kids allows, and never waits.
func (r *Remote) Recheck() { r.recheck("", 0) }

// Warm fetches the keys if there is no usable set. It returns nil once there is
// one, the context's error if ctx ends first, and otherwise an error of kind
// [verifier.ErrKeysUnavailable]. Call it before the server listens.
func (r *Remote) Warm(ctx context.Context) error {
	_, err := r.lookUp(ctx, request{arrived: r.now()})
	return err
}

// Ready returns nil if tokens can be verified now, and otherwise why not. It starts
// a fetch that is due, and does not wait for it, so that a readiness probe brings a
// source up, and back after an outage.
func (r *Remote) Ready() error {
	now := r.now()
	set := r.current.Load()
	if r.usable(set, now) {
		r.refresh(set, now)
		return nil
	}
	q := request{arrived: now}
	defer r.tellRefusal(&q)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.usable(r.current.Load(), now) { // it landed meanwhile
		return nil
	}
	if r.flight == nil {
		r.backoff.press()
		charged, err := r.permit(now, nil)
		if err != nil {
			return r.refuse(&q, now, nil, err)
		}
		r.begin(&flight{began: now, cause: CauseCold, charged: charged})
	}
	return r.refuse(&q, now, nil, errUnderWay)
}

// usable reports whether a set may still be relied on.
func (r *Remote) usable(set *keySet, now time.Time) bool {
	return set != nil && elapsed(set.read, now) < r.options.MaxStale
}

// idle reports whether nobody has asked for so long that a key may have been
// withdrawn long ago.
func (r *Remote) idle(set *keySet, now time.Time) bool {
	return elapsed(set.began, now)/time.Duration(r.policy.idleIntervals) >= set.interval
}

func (r *Remote) tellStale(set *keySet, now time.Time) {
	e := StaleServed{r.source, elapsed(set.began, now)}
	r.observers.tell(func(o Observer) { o.StaleServed(e) })
}

// elapsed is the time since an instant: the larger of what the monotonic and the
// wall clock say, because the first stops while a machine sleeps and the second can
// be set back.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// refresh starts a fetch in the background if the set is due for one.
func (r *Remote) refresh(set *keySet, now time.Time) {
	if !set.due(now) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil && r.current.Load() == set && r.backoff.wait(now) == 0 && r.ceiling.take(now) {
		r.begin(&flight{began: now, cause: CauseScheduled, renew: r.renewable(set, now)})
	}
}

// renewable returns the set if an answer that it is unchanged would be believed, or
// nil: an issuer, or a cache before it, that answers 304 for ever must not keep a
// withdrawn key alive. An attempt after a failure asks for the whole set, because the
// validators may be what the issuer stumbles over. r.mu is held.
func (r *Remote) renewable(set *keySet, now time.Time) *keySet {
	age := elapsed(set.read, now)
	if age >= r.policy.trustUnread || r.backoff.failing() {
		return nil
	}
	if (r.options.MaxStale-age)/2 <= set.interval {
		// A 304 does not put MaxStale off, which would come before the refresh after it.
		return nil
	}
	return set
}

// recheck starts a fetch in the background, charged to the budget of unknown kids,
// because the held keys did not do for a kid that they know.
func (r *Remote) recheck(kid string, alg verifier.Algorithm) {
	now := r.now()
	set := r.current.Load()
	if set == nil || elapsed(set.read, now) < r.options.Cooldown {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight != nil || r.current.Load() != set {
		return
	}
	r.backoff.press()
	if charged, err := r.permit(now, set); err == nil {
		r.begin(&flight{
			began: now, cause: CauseRecheck, kid: kid, alg: alg, anew: true,
			charged: charged, refund: charged && alg != 0,
		})
	}
}
