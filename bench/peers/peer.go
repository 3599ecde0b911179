package peers

import (
	"context"
	"crypto"
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

	// Unchecked has a note for each [Check] that the peer cannot be set up to make, or
	// does not make by itself and has no option for.
	Unchecked map[Check]string

	classify func(err error) Class // an error of this peer, see Classify
}

// Check is something that a resource server must check about a token.
type Check string

// The checks that the work consists of.
const (
	Signature Check = "signature" // the octets were signed by the key
	Algorithm Check = "algorithm" // of the header is the one that was asked for
	Expiry    Check = "expiry"    // "exp" has not passed
	HasExpiry Check = "has expiry"
	Issuer    Check = "issuer"
	Audience  Check = "audience"
)

// Setup is what a resource server knows about its issuer.
type Setup struct {
	// Issuer is the issuer's identifier, below which its metadata is found.
	Issuer string
	// KeySetURL is the address of its JWK set, for peers that do not read metadata.
	KeySetURL string
	// Audience is what a token's "aud" must contain.
	Audience string
	// Algorithm is the one that tokens are signed with, as a JWS says it: RS256, PS256,
	// ES256 or EdDSA. Empty is RS256.
	Algorithm string
	// Key is the public key of tokens. Only peers that fetch none look at it, see
	// KeyInHand.
	Key crypto.PublicKey
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

// algorithm is the JWS name of the one algorithm that is allowed.
func (s Setup) algorithm() string {
	if s.Algorithm == "" {
		return "RS256"
	}
	return s.Algorithm
}

// All returns the peers that fetch the issuer's keys, bearerproof first.
func All() []Peer {
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

// KeyInHand returns the peers that are given the key: what their libraries cost, without
// a look-up of keys. The first one does the cryptography and nothing else.
func KeyInHand() []Peer {
	return []Peer{cryptoPeer(), joseKeyPeer(), golangJWTPeer()}
}

// withTimeout returns a client like c with the timeout of a peer's default client,
// which a client of one's own replaces.
func withTimeout(c *http.Client, timeout time.Duration) *http.Client {
	limited := *c
	limited.Timeout = timeout
	return &limited
}
