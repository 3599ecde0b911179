package verifier

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// KeySet is a source of an issuer's public keys. It must be safe for concurrent
// use. Three further methods are used where a KeySet has them:
//
//   - Issuer() string: the issuer whose keys these are; [New] refuses a Config for
//     another one (RFC 8725 §3.8).
//   - Recheck(): called, on the request's road, after no key under the kid verified
//     the signature or fitted the algorithm: newer keys may have been published
//     under that kid. It must not block.
//   - Describe(kid string, alg Algorithm) KeySetState: its state, for
//     [Verifier.Explain], after Keys was asked for this kid and alg, or with zero values
//     where the token's header cannot be read. It causes no fetch and must not block.
type KeySet interface {
	// Keys returns the keys that may verify a token whose header has this kid ("" if
	// it has none) and alg: those whose ID is kid, or all where kid is "", as far as
	// they fit alg ([Key.Fits]). No key and no error means that the key is unknown.
	// An error is an [*Error] of kind [ErrKeysUnavailable] if the source cannot
	// answer now, or the context's error if ctx ended first. The slice is shared and
	// only read.
	Keys(ctx context.Context, kid string, alg Algorithm) ([]*Key, error)
}

// Limits of an RSA key. The lower one is RFC 7518 §3.3; beyond the upper one a
// verification takes milliseconds.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// Key is a public key that is fit to verify signatures. It is immutable; only
// [NewKey] makes one.
type Key struct {
	id         string
	algorithm  Algorithm // 0 if the key states none
	public     crypto.PublicKey
	thumbprint [sha256.Size]byte
}

// NewKey decides whether a public key is fit to verify tokens. The id is the JWK's
// "kid" and may be "". The algorithm is the JWK's "alg", or 0 if it states none;
// then the first entry of Config.Algorithms that fits the key's type and curve is
// the one it is used with. The public key is an [*rsa.PublicKey] (2048 to 8192
// bits, an odd exponent from 3 to 2³¹−1), an [*ecdsa.PublicKey] on P-256, P-384 or
// P-521, an [ed25519.PublicKey] or an [*mldsa.PublicKey] (which must state its
// algorithm, RFC 9964 §3). NewKey copies it.
func NewKey(id string, algorithm Algorithm, public crypto.PublicKey) (*Key, error) {
	var members string
	var err error
	switch key := public.(type) {
	case *rsa.PublicKey:
		public, members, err = fitRSA(key)
	case *ecdsa.PublicKey:
		public, members, err = fitECDSA(key)
	case ed25519.PublicKey:
		public, members, err = fitEd25519(key)
	case *mldsa.PublicKey:
		members, err = fitMLDSA(key, algorithm)
	default:
		err = errors.New("key type cannot verify a token")
	}
	if err != nil {
		return nil, fmt.Errorf("verifier: %w", err)
	}
	k := &Key{id: id, algorithm: algorithm, public: public, thumbprint: sha256.Sum256([]byte(members))}
	if algorithm != 0 && !k.Fits(algorithm) {
		return nil, fmt.Errorf("verifier: key type or curve does not fit alg %s", quoted(algorithm.String()))
	}
	return k, nil
}

// ID returns the key's "kid", or "".
func (k *Key) ID() string { return k.id }

// Algorithm returns the algorithm that the key states, or 0.
func (k *Key) Algorithm() Algorithm { return k.algorithm }

// Thumbprint returns the key's JWK SHA-256 thumbprint (RFC 7638) in base64url.
func (k *Key) Thumbprint() string { return base64.RawURLEncoding.EncodeToString(k.thumbprint[:]) }

// Fits reports whether the key may verify a signature of this algorithm: the one
// that it states, or else any that fits its type and curve.
func (k *Key) Fits(algorithm Algorithm) bool {
	if k.algorithm != 0 && !k.algorithm.same(algorithm) {
		return false
	}
	return jws.Algorithm(algorithm).Fits(k.public)
}

// boundTo reports whether algorithm is the one that the key is used with
// (RFC 8725 §3.1): what it states, or else the first of the allowed ones that fits.
func (k *Key) boundTo(algorithm Algorithm, allowed []Algorithm) bool {
	if k.algorithm != 0 {
		return k.Fits(algorithm)
	}
	first := slices.IndexFunc(allowed, k.Fits)
	return first >= 0 && allowed[first].same(algorithm)
}

// fitRSA is RFC 7518 §3.3 and §6.3.1, and gives the members of the thumbprint.
func fitRSA(key *rsa.PublicKey) (*rsa.PublicKey, string, error) {
	if key == nil || key.N == nil || key.N.Sign() <= 0 {
		return nil, "", errors.New("RSA key has no modulus")
	}
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return nil, "", fmt.Errorf("RSA key has %d bits, which is not %d to %d", bits, minRSABits, maxRSABits)
	}
	if key.N.Bit(0) == 0 {
		return nil, "", errors.New("RSA modulus is even")
	}
	if key.E < 3 || key.E%2 == 0 || key.E > math.MaxInt32 {
		return nil, "", errors.New("RSA exponent is even, below 3 or above 2³¹−1")
	}
	if hasROCA(key.N) {
		return nil, "", errors.New("RSA key was made by a faulty generator (ROCA, CVE-2017-15361)")
	}
	public := &rsa.PublicKey{N: new(big.Int).Set(key.N), E: key.E}
	return public, `{"e":"` + base64url(big.NewInt(int64(key.E)).Bytes()) + `","kty":"RSA","n":"` + base64url(key.N.Bytes()) + `"}`, nil
}

// fitECDSA is RFC 7518 §6.2.1; a point off the curve is refused (RFC 8725 §3.4).
func fitECDSA(key *ecdsa.PublicKey) (*ecdsa.PublicKey, string, error) {
	if key == nil || key.Curve == nil || key.X == nil || key.Y == nil { //nolint:staticcheck // with a nil coordinate, Bytes panics
		return nil, "", errors.New("EC key has no curve or no point")
	}
	name := key.Curve.Params().Name
	if name != "P-256" && name != "P-384" && name != "P-521" {
		return nil, "", fmt.Errorf("EC curve %s is not P-256, P-384 or P-521", quoted(name))
	}
	point, err := key.Bytes()
	if err != nil {
		return nil, "", errors.New("EC point is not on its curve")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(key.Curve, point)
	if err != nil {
		return nil, "", errors.New("EC point is not on its curve")
	}
	x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
	return public, `{"crv":"` + name + `","kty":"EC","x":"` + base64url(x) + `","y":"` + base64url(y) + `"}`, nil
}

// fitEd25519 is RFC 8037 §2.
func fitEd25519(key ed25519.PublicKey) (ed25519.PublicKey, string, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, "", fmt.Errorf("Ed25519 key has %d octets, not %d", len(key), ed25519.PublicKeySize)
	}
	return slices.Clone(key), `{"crv":"Ed25519","kty":"OKP","x":"` + base64url(key) + `"}`, nil
}

// fitMLDSA is RFC 9964 §3, whose keys state their algorithm.
func fitMLDSA(key *mldsa.PublicKey, algorithm Algorithm) (string, error) {
	if key == nil || *key == (mldsa.PublicKey{}) { // the zero key's methods panic
		return "", errors.New("ML-DSA key is missing")
	}
	if algorithm == 0 {
		return "", errors.New("ML-DSA key states no alg")
	}
	return `{"alg":"` + key.Parameters().String() + `","kty":"AKP","pub":"` + base64url(key.Bytes()) + `"}`, nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
