package jwks

import (
	"log/slog"
	"slices"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// Observer is told what a [Remote] or a [File] does, for metrics and alerts. Its
// methods are called while no lock is held, so they may call Status and Ready, and at
// the same time from several goroutines: they must be safe for concurrent use, return
// quickly and not panic. An event holds nothing of a token; kids and reasons in it come
// from the issuer.
//
// LookUpRefused and StaleServed are called on the road of the request that they tell
// of, and hold it up. FetchStarted holds up the fetch, and whoever waits for that. All
// others are called on the goroutine of a fetch, after those who waited for it were
// answered; they come in the order of the fetches, so that what they say of keys adds
// up. A request under a key of a set that is not overdue calls none.
//
// While an observer takes its time, or hangs, at most 16 fetches wait to be told. Of
// those beyond that, the newest alone is told, with all that has changed in the keys
// since the one that was told before it: a key that came and went meanwhile is not
// told.
//
// Events may be added: embed [NopObserver] in an implementation, so that it still
// compiles then.
type Observer interface {
	// FetchStarted: a fetch begins.
	FetchStarted(FetchStarted)
	// FetchFinished: it has ended, well or not.
	FetchFinished(FetchFinished)
	// DiscoveryFailed: the issuer's metadata could not be read, and the keys are fetched
	// from where they were last.
	DiscoveryFailed(DiscoveryFailed)
	// LookUpRefused: a request for a key was refused without a fetch that would have
	// told whether the issuer has it.
	LookUpRefused(LookUpRefused)
	// StaleServed: a request was answered from a set which should have been refreshed
	// before use and could not be, or from a snapshot.
	StaleServed(StaleServed)
	// KeyAdded: the set has a usable key that the set before it had not. The first set
	// adds all of its keys.
	KeyAdded(KeyEvent)
	// KeyRemoved: a key is not in the set any more, and tokens under it are refused.
	KeyRemoved(KeyEvent)
	// KeyChanged: the set has another key under a kid that was there before, or the same
	// one for another algorithm.
	KeyChanged(KeyEvent)
	// KeySkipped: the set has a JWK that is not used. It is told once for each kid and
	// reason while they stay in the set.
	KeySkipped(KeySkipped)
	// SnapshotUsed: the first fetch failed, and the set of an earlier process serves.
	SnapshotUsed(SnapshotUsed)
	// SnapshotFailed: the snapshot was there and could not be used, or could not be
	// written; the latter is told as it happens, in no order with the fetches.
	SnapshotFailed(SnapshotFailed)
}

// Cause says why there is a fetch. It is fit for a metric's label.
type Cause string

// The causes.
const (
	CauseCold       Cause = "cold"        // there is no usable set
	CauseScheduled  Cause = "scheduled"   // the set has reached its interval
	CauseIdle       Cause = "idle"        // nobody had asked for twice the interval
	CauseUnknownKID Cause = "unknown_kid" // a token has a kid that the set does not have
	CauseRecheck    Cause = "recheck"     // the held keys did not do for a kid that they have
)

// Outcome says how a fetch ended. It is fit for a metric's label.
type Outcome string

// The outcomes.
const (
	OutcomeFetched   Outcome = "fetched"   // a set was read
	OutcomeUnchanged Outcome = "unchanged" // the issuer says that the held set is right (304)
	OutcomeFailed    Outcome = "failed"    // the held set stays, if there is one
)

func outcomeOf(err error, unchanged bool) Outcome {
	switch {
	case err != nil:
		return OutcomeFailed
	case unchanged:
		return OutcomeUnchanged
	}
	return OutcomeFetched
}

// Refusal says why there was no fetch for a request. It is fit for a metric's label.
type Refusal string

// The refusals.
const (
	RefusedBudget  Refusal = "budget"  // too many unknown kids of late
	RefusedCeiling Refusal = "ceiling" // too many fetches of late
	RefusedWaiting Refusal = "waiting" // too many requests wait for a fetch
	RefusedSlow    Refusal = "slow"    // the request has waited for as long as one may
	RefusedBackoff Refusal = "backoff" // the last attempt failed, and the next is not due
	RefusedCold    Refusal = "cold"    // Ready asked without a usable set, and a fetch is under way
)

// FetchStarted is an event of an [Observer].
type FetchStarted struct {
	// Source is the issuer, or the address given to NewRemote, or a File's path. It is
	// the same in all events of a source.
	Source string
	Cause  Cause
}

// FetchFinished is an event of an [Observer].
type FetchFinished struct {
	Source  string
	Cause   Cause
	Outcome Outcome
	// Err is what a fetch failed of. It repeats nothing of an answer's body.
	Err error
	// URL is where the fetch ended: the key set's address, or "" if that was not found.
	URL string
	// FailedOver says why the first address did not do, if the set came from
	// Options.Failover.
	FailedOver error
	// Duration is the time that the fetch took.
	Duration time.Duration
	// Age is how long ago the fetch began that brought or confirmed the set held now; 0
	// without a set.
	Age time.Duration
	// Used and Skipped count the JWKs of the set held now.
	Used, Skipped int
	// Failures counts the attempts that have failed in a row, this one included; of a
	// good one, those before it.
	Failures int
}

// DiscoveryFailed is an event of an [Observer].
type DiscoveryFailed struct {
	Source string
	Err    error
}

// LookUpRefused is an event of an [Observer]. The request was for a token's key, or of
// Warm or Ready. The event does not name the kid, which is what anybody may send.
type LookUpRefused struct {
	Source string
	Reason Refusal
	// Answer is what the request got: nil stands for an unknown key, and an error is of
	// kind verifier.ErrKeysUnavailable.
	Answer error
}

// StaleServed is an event of an [Observer].
type StaleServed struct {
	Source string
	// Age is that of the set, as in FetchFinished.
	Age time.Duration
}

// KeyEvent is an event of an [Observer].
type KeyEvent struct {
	Source string
	Key    KeyStatus
	// Before is the key that was there, of KeyChanged.
	Before KeyStatus
}

// KeySkipped is an event of an [Observer].
type KeySkipped struct {
	Source string
	Key    SkippedKey
}

// SnapshotUsed is an event of an [Observer].
type SnapshotUsed struct {
	Source string
	// Age is the time since the issuer's answer that brought the set.
	Age time.Duration
}

// SnapshotFailed is an event of an [Observer].
type SnapshotFailed struct {
	Source string
	Err    error
	// Writing says that the set was to be written. Otherwise it was to be read.
	Writing bool
}

// NopObserver does nothing. It is for embedding, see [Observer].
type NopObserver struct{}

var _ Observer = NopObserver{}

// FetchStarted implements [Observer].
func (NopObserver) FetchStarted(FetchStarted) {}

// FetchFinished implements [Observer].
func (NopObserver) FetchFinished(FetchFinished) {}

// DiscoveryFailed implements [Observer].
func (NopObserver) DiscoveryFailed(DiscoveryFailed) {}

// LookUpRefused implements [Observer].
func (NopObserver) LookUpRefused(LookUpRefused) {}

// StaleServed implements [Observer].
func (NopObserver) StaleServed(StaleServed) {}

// KeyAdded implements [Observer].
func (NopObserver) KeyAdded(KeyEvent) {}

// KeyRemoved implements [Observer].
func (NopObserver) KeyRemoved(KeyEvent) {}

// KeyChanged implements [Observer].
func (NopObserver) KeyChanged(KeyEvent) {}

// KeySkipped implements [Observer].
func (NopObserver) KeySkipped(KeySkipped) {}

// SnapshotUsed implements [Observer].
func (NopObserver) SnapshotUsed(SnapshotUsed) {}

// SnapshotFailed implements [Observer].
func (NopObserver) SnapshotFailed(SnapshotFailed) {}

// observers tells each of several.
type observers []Observer

// newObservers returns those of a source. The log's is the first.
func newObservers(log *slog.Logger, more Observer) observers {
	all := observers{NewLogObserver(log)}
	if more != nil {
		all = append(all, more)
	}
	return all
}

func (all observers) tell(event func(Observer)) {
	for _, o := range all {
		event(o)
	}
}

// keys tells how a set differs from the one before it, which may be nil.
func (all observers) keys(source string, before, set *keySet) {
	added, removed := set.difference(before), before.difference(set)
	for _, key := range added {
		event := KeyEvent{Source: source, Key: statusOf(key)}
		same := func(old *verifier.Key) bool { return key.ID() != "" && old.ID() == key.ID() }
		if i := slices.IndexFunc(removed, same); i >= 0 {
			event.Before = statusOf(removed[i])
			removed = slices.Delete(removed, i, i+1)
			all.tell(func(o Observer) { o.KeyChanged(event) })
			continue
		}
		all.tell(func(o Observer) { o.KeyAdded(event) })
	}
	for _, key := range removed {
		all.tell(func(o Observer) { o.KeyRemoved(KeyEvent{Source: source, Key: statusOf(key)}) })
	}
	for _, skipped := range set.newlySkipped(before) {
		all.tell(func(o Observer) { o.KeySkipped(KeySkipped{Source: source, Key: skipped}) })
	}
}
