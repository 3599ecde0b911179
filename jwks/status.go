package jwks

import (
	"cmp"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// Status is the state of a [Remote] or a [File] for operators. It contains no secret;
// the kids and reasons in it come from the issuer.
type Status struct {
	// Issuer is the issuer whose keys these are, or "" where that is not known: for a
	// Remote made by NewRemote, and for a File.
	Issuer string `json:"issuer,omitempty"`
	// URL is where the held set comes from. Without one, or with one from a snapshot, it
	// is where keys are asked for, or "" while discovery has not found that.
	URL string `json:"url,omitempty"`
	// Usable says whether tokens can be verified now, and UsableUntil when
	// Options.MaxStale ends that, should no newer set come. It is zero without a set, and
	// for a File.
	Usable      bool      `json:"usable"`
	UsableUntil time.Time `json:"usable_until,omitzero"`
	// Restored says that the held set is an earlier process's, from Options.Snapshot,
	// because this process has not reached the issuer yet.
	Restored bool `json:"restored"`
	// FailedOver says why the first address did not do, if the held set comes from
	// Options.Failover. It is "" otherwise.
	FailedOver string `json:"failed_over,omitempty"`
	// FetchedAt is the start of the fetch that brought the held set, and AgeSeconds
	// the time since the start of the last one that brought or confirmed it. Both are
	// zero if there is no set.
	FetchedAt  time.Time `json:"fetched_at,omitzero"`
	AgeSeconds int       `json:"age_seconds"`
	// Keys are the usable keys of the held set.
	Keys []KeyStatus `json:"keys"`
	// Skipped are the JWKs of the held set that are not used.
	Skipped []SkippedKey `json:"skipped,omitempty"`
	// Crowded lists the kids with more keys than the four that a verifier tries.
	Crowded []string `json:"crowded,omitempty"`
	// Fetching says that a fetch is under way, and LastFetch describes the last one that
	// has ended. It is zero if there was none.
	Fetching  bool        `json:"fetching"`
	LastFetch FetchStatus `json:"last_fetch,omitzero"`
	// Failures counts the attempts that failed since the last good one, and LastError
	// says what happened to the last of them.
	Failures  int    `json:"failures,omitempty"`
	LastError string `json:"last_error,omitempty"`
	// NextRefresh is when the next fetch is due, if something asks by then. It is zero
	// while nothing has been asked for.
	NextRefresh time.Time `json:"next_refresh,omitzero"`
	// UnknownKIDs says what is left for kids that the set does not have, or is nil for a
	// [File], which has no such budget.
	UnknownKIDs *UnknownKIDStatus `json:"unknown_kids,omitempty"`
}

// FetchStatus describes a fetch.
type FetchStatus struct {
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	Seconds float64   `json:"seconds"` // that it took
	Cause   Cause     `json:"cause"`
	Outcome Outcome   `json:"outcome"`
}

// UnknownKIDStatus describes the bounds on fetches for unknown kids.
type UnknownKIDStatus struct {
	// Budget is how many fetches unknown kids may cause at once. It grows by one each
	// Options.Cooldown, up to three.
	Budget int `json:"budget"`
	// Absent counts the kids that are remembered because the issuer, when asked less
	// than Options.Cooldown ago, did not have them. It is at most 256.
	Absent int `json:"absent"`
}

// KeyStatus describes a usable key.
type KeyStatus struct {
	ID string `json:"kid,omitempty"`
	// Algorithm is the JOSE name that the key states, or "".
	Algorithm  string `json:"alg,omitempty"`
	Thumbprint string `json:"thumbprint"` // RFC 7638, SHA-256
}

func statusOf(key *verifier.Key) KeyStatus {
	return KeyStatus{key.ID(), key.Algorithm().String(), key.Thumbprint()}
}

// Status describes the held set and the fetches. It causes none.
func (r *Remote) Status() Status {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget.refill(now)
	s := Status{
		Issuer:      r.issuer,
		URL:         r.url,
		Keys:        []KeyStatus{},
		Fetching:    r.flight != nil,
		LastFetch:   r.last,
		Failures:    r.backoff.failures,
		UnknownKIDs: &UnknownKIDStatus{Budget: r.budget.level, Absent: r.absent.count(now)},
	}
	if r.lastError != nil {
		s.LastError = r.lastError.Error()
		s.NextRefresh = r.backoff.next.Round(0)
	}
	set := r.current.Load()
	if set == nil {
		return s
	}
	s.describe(set, now)
	s.Usable = r.usable(set, now)
	s.UsableUntil = set.read.Add(r.options.MaxStale).Round(0)
	if r.failedOver != nil {
		s.FailedOver = r.failedOver.Error()
	}
	return s
}

// describe tells of the held set.
func (s *Status) describe(set *keySet, now time.Time) {
	s.URL = cmp.Or(set.url, s.URL)
	s.Restored = set.restored
	s.FetchedAt, s.AgeSeconds = set.read.Round(0), int(elapsed(set.began, now)/time.Second)
	if s.NextRefresh.IsZero() {
		s.NextRefresh = set.began.Add(set.fresh).Round(0)
	}
	for _, key := range set.keys {
		s.Keys = append(s.Keys, statusOf(key))
	}
	s.Skipped = append(s.Skipped, set.skipped...)
	s.Crowded = set.crowded()
}
