package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"fmt"

	"github.com/bearerproof/bearerproof/verifier"
)

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
