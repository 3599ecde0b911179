package resilience

import (
	"context"
	"net/http"
	"time"
)

// Library makes verifiers of access tokens.
type Library struct {
	// Name is short and stands in tables.
	Name string

	// New makes a Subject for one issuer. ctx bounds only New: the Subject lives until
	// Close.
	New func(ctx context.Context, s Setup) (Subject, error)

	// Classify says what an error of Subject.Verify means. It is not called with nil.
	Classify func(err error) Outcome

	// Clock says whether New heeds Setup.Now. The zero value is SystemClock.
	Clock Clock
}

// Clock is where a library gets its time.
type Clock int

const (
	// SystemClock is time.Now and nothing else: a clock that jumps cannot be shown to
	// the library.
	SystemClock Clock = iota
	// GivenClock is Setup.Now.
	GivenClock
)

// Setup is what a resource server knows about its issuer.
type Setup struct {
	// Issuer is the issuer's identifier, below which its metadata is found.
	Issuer string
	// KeySetURL is the address of its JWK set, for libraries that do not read metadata.
	KeySetURL string
	// Audience is what a token's "aud" must contain. Tokens are signed with RS256.
	Audience string
	// Client reaches the issuer, and must be the only way to it. It has no timeout, and
	// its Transport is no http.Transport.
	Client *http.Client
	// Now is the time for a library whose clock is GivenClock, or nil for time.Now.
	Now func() time.Time
}

// Subject verifies tokens of one issuer. It is safe for concurrent use.
type Subject interface {
	// Verify does what a middleware does with the token of a request. It returns nil
	// only if the token is accepted, signature and claims.
	Verify(ctx context.Context, raw string) error

	// Close ends what the Subject has running, as far as the library allows.
	Close()
}
