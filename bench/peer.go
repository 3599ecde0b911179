package bench

import (
	"context"
	"net/http"
	"time"
)

// Peer is a library that verifies access tokens.
type Peer struct {
	// Name is short and stands in tables.
	Name string

	// Module is the library's module path.
	Module string

	// New makes a Subject. Some peers fetch from the issuer here and fail, or wait
	// until ctx ends, while it cannot be reached. ctx bounds only New: the Subject
	// lives until Close.
	New func(ctx context.Context, s Setup) (Subject, error)

	classify func(err error) Class // an error of this peer, see Classify
}

// Setup is what a resource server knows about its issuer.
type Setup struct {
	// Issuer is the issuer's identifier, below which its metadata is found.
	Issuer string
	// KeySetURL is the address of its JWK set, for peers that do not read metadata.
	KeySetURL string
	// Audience is what a token's "aud" must contain.
	Audience string
	// Client reaches the issuer. It should have no timeout: peers set their own.
	Client *http.Client
}

// Subject verifies tokens of one issuer. It is safe for concurrent use.
type Subject interface {
	// Verify does what a middleware does with the token of a request. It returns nil
	// only if the peer accepts it, signature and claims.
	Verify(ctx context.Context, raw string) error

	// Close ends what the Subject has running, as far as the peer allows.
	Close()
}

// Peers returns all peers, bearerproof first.
func Peers() []Peer {
	return []Peer{
		bearerproofPeer(),
		goOIDCPeer(),
		auth0Peer(),
		keyfuncPeer(),
		jwxPeer(),
		capPeer(),
		zitadelPeer(),
	}
}

// withTimeout returns a client like c with the timeout of a peer's default client,
// which a client of one's own replaces.
func withTimeout(c *http.Client, timeout time.Duration) *http.Client {
	limited := *c
	limited.Timeout = timeout
	return &limited
}
