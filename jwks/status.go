package jwks

import "time"

// Status is a snapshot of a [Remote] for operators. It contains no secret; the kids
// and reasons in it come from the issuer.
type Status struct {
	// Issuer is the issuer whose keys these are, or "" for a Remote made by NewRemote.
	Issuer string `json:"issuer,omitempty"`
	// URL is where the keys come from, or "" while discovery has not found it.
	URL string `json:"url,omitempty"`
	// Usable says whether tokens can be verified now.
	Usable bool `json:"usable"`
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
	// Failures counts the attempts that failed since the last good one, and LastError
	// says what happened to the last of them.
	Failures  int    `json:"failures,omitempty"`
	LastError string `json:"last_error,omitempty"`
	// NextRefresh is when the next fetch is due, if something asks by then. It is zero
	// while nothing has been asked for.
	NextRefresh time.Time `json:"next_refresh,omitzero"`
}

// KeyStatus describes a usable key.
type KeyStatus struct {
	ID string `json:"kid,omitempty"`
	// Algorithm is the JOSE name that the key states, or "".
	Algorithm  string `json:"alg,omitempty"`
	Thumbprint string `json:"thumbprint"` // RFC 7638, SHA-256
}

// Status describes the held set and the fetches. It causes none.
func (r *Remote) Status() Status {
	now := r.now()
	set := r.current.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{
		Issuer:   r.issuer,
		URL:      r.url,
		Usable:   r.usable(set, now),
		Failures: r.backoff.failures,
		Keys:     []KeyStatus{},
	}
	if r.lastError != nil {
		s.LastError = r.lastError.Error()
		s.NextRefresh = r.backoff.next
	}
	if set == nil {
		return s
	}
	s.FetchedAt, s.AgeSeconds = set.read.Round(0), int(elapsed(set.began, now)/time.Second)
	if s.NextRefresh.IsZero() {
		s.NextRefresh = set.began.Add(set.fresh).Round(0)
	}
	for _, key := range set.keys {
		s.Keys = append(s.Keys, KeyStatus{key.ID(), key.Algorithm().String(), key.Thumbprint()})
	}
	s.Skipped = append(s.Skipped, set.skipped...)
	s.Crowded = set.crowded()
	return s
}
