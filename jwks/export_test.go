package jwks

import (
	"log/slog"
	"net/http"
	"net/url"
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
	l, err := newLocator(documents{}, issuer, slog.New(slog.DiscardHandler))
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
