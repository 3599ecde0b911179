package verifier

import (
	"fmt"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// Algorithm is a signature algorithm by its JOSE name. There is no value for "none"
// and none for HMAC: a resource server that shared a secret with the issuer could
// mint tokens itself. The zero value is no algorithm and is refused by [New].
type Algorithm uint8

// The algorithms of RFC 7518 §3, RFC 8037 §3.1, RFC 9864 §2.2 and RFC 9964.
const (
	RS256   = Algorithm(jws.RS256)   // RSA PKCS #1 v1.5 with SHA-256
	RS384   = Algorithm(jws.RS384)   // RSA PKCS #1 v1.5 with SHA-384
	RS512   = Algorithm(jws.RS512)   // RSA PKCS #1 v1.5 with SHA-512
	PS256   = Algorithm(jws.PS256)   // RSA PSS with SHA-256
	PS384   = Algorithm(jws.PS384)   // RSA PSS with SHA-384
	PS512   = Algorithm(jws.PS512)   // RSA PSS with SHA-512
	ES256   = Algorithm(jws.ES256)   // ECDSA on P-256 with SHA-256
	ES384   = Algorithm(jws.ES384)   // ECDSA on P-384 with SHA-384
	ES512   = Algorithm(jws.ES512)   // ECDSA on P-521 with SHA-512
	EdDSA   = Algorithm(jws.EdDSA)   // Ed25519 under the older of its two names
	Ed25519 = Algorithm(jws.Ed25519) // Ed25519 under the newer of its two names
	MLDSA44 = Algorithm(jws.MLDSA44) // ML-DSA-44, post-quantum
	MLDSA65 = Algorithm(jws.MLDSA65) // ML-DSA-65, post-quantum
	MLDSA87 = Algorithm(jws.MLDSA87) // ML-DSA-87, post-quantum
)

// ParseAlgorithm returns the algorithm with the given JOSE name, compared exactly
// (RFC 7515 §4.1.1). It is for settings. "none" and the HMAC names are errors.
func ParseAlgorithm(name string) (Algorithm, error) {
	a := Algorithm(jws.Named(name))
	if a == 0 {
		return 0, fmt.Errorf("verifier: %s is not an algorithm that a token may be signed with", quoted(name))
	}
	return a, nil
}

// String returns the JOSE name, such as "RS256", or "" for the zero value.
func (a Algorithm) String() string { return jws.Algorithm(a).String() }

// MarshalText returns the JOSE name. It fails for a value that is no algorithm.
func (a Algorithm) MarshalText() ([]byte, error) {
	if !jws.Algorithm(a).Valid() {
		return nil, fmt.Errorf("verifier: %d is not an algorithm", uint8(a))
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads a JOSE name as [ParseAlgorithm] does.
func (a *Algorithm) UnmarshalText(name []byte) (err error) {
	*a, err = ParseAlgorithm(string(name))
	return err
}

// same reports whether two names stand for one algorithm (EdDSA and Ed25519).
func (a Algorithm) same(b Algorithm) bool { return jws.Algorithm(a).Same(jws.Algorithm(b)) }
