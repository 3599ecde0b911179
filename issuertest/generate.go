package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"

	"github.com/bearerproof/bearerproof/verifier"
)

const rsaBits = 2048

// generate returns a private key for the algorithm that no other issuer has.
func generate(algorithm verifier.Algorithm) crypto.Signer {
	key, err := generateKey(algorithm)
	if err != nil {
		misuse(err)
	}
	return key
}

func generateKey(algorithm verifier.Algorithm) (crypto.Signer, error) {
	switch algorithm {
	case verifier.RS256, verifier.RS384, verifier.RS512, verifier.PS256, verifier.PS384, verifier.PS512:
		return spare.rsaKey()
	case verifier.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case verifier.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case verifier.ES512:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case verifier.EdDSA, verifier.Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case verifier.MLDSA44:
		return mldsa.GenerateKey(mldsa.MLDSA44())
	case verifier.MLDSA65:
		return mldsa.GenerateKey(mldsa.MLDSA65())
	case verifier.MLDSA87:
		return mldsa.GenerateKey(mldsa.MLDSA87())
	default:
		return nil, fmt.Errorf("algorithm %d has no keys", algorithm)
	}
}

// spare holds the RSA keys of tests that have ended. A new key takes about a tenth
// of a second, and a test binary may start hundreds of issuers.
var spare sparePool //nolint:gochecknoglobals // Issuers of separate tests have nothing else in common.

// sparePool lends each key to one issuer at a time.
type sparePool struct {
	mu   sync.Mutex // guards what follows
	keys []*rsa.PrivateKey
}

func (p *sparePool) rsaKey() (crypto.Signer, error) {
	if key := p.take(); key != nil {
		return key, nil
	}
	return rsa.GenerateKey(rand.Reader, rsaBits)
}

// take returns nil if there is no key.
func (p *sparePool) take() *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.keys) - 1
	if last < 0 {
		return nil
	}
	key := p.keys[last]
	p.keys = p.keys[:last]
	return key
}

// put takes RSA keys back; it ignores others, which cost nothing.
func (p *sparePool) put(signer crypto.Signer) {
	key, ok := signer.(*rsa.PrivateKey)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, key)
}
