// Package jwstest signs compact JWSs for tests, with headers and payloads that a
// well-behaved signer would not write.
package jwstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// Encode is base64url without padding (RFC 7515 §2).
func Encode[T ~string | ~[]byte](data T) string {
	return base64.RawURLEncoding.EncodeToString([]byte(data))
}

// Sign returns header and payload, as they are, with a good signature of the given
// algorithm. It panics where the key cannot sign so.
func Sign(alg jws.Algorithm, key crypto.Signer, header, payload string) string {
	signed := Encode(header) + "." + Encode(payload)
	return signed + "." + Encode(Signature(alg, key, []byte(signed)))
}

// Signature signs any octets.
func Signature(alg jws.Algorithm, key crypto.Signer, signed []byte) []byte {
	switch alg {
	case jws.RS256:
		return sign(key, signed, crypto.SHA256)
	case jws.RS384:
		return sign(key, signed, crypto.SHA384)
	case jws.RS512:
		return sign(key, signed, crypto.SHA512)
	case jws.PS256:
		return sign(key, signed, pss(crypto.SHA256))
	case jws.PS384:
		return sign(key, signed, pss(crypto.SHA384))
	case jws.PS512:
		return sign(key, signed, pss(crypto.SHA512))
	case jws.ES256:
		return signECDSA(key, signed, crypto.SHA256, 32)
	case jws.ES384:
		return signECDSA(key, signed, crypto.SHA384, 48)
	case jws.ES512:
		return signECDSA(key, signed, crypto.SHA512, 66)
	case jws.EdDSA, jws.Ed25519:
		return sign(key.(ed25519.PrivateKey), signed, crypto.Hash(0))
	case jws.MLDSA44, jws.MLDSA65, jws.MLDSA87:
		return sign(key.(*mldsa.PrivateKey), signed, crypto.Hash(0))
	}
	panic(fmt.Sprintf("jwstest: algorithm %d", alg))
}

func pss(hash crypto.Hash) crypto.SignerOpts {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
}

func sign(key crypto.Signer, signed []byte, options crypto.SignerOpts) []byte {
	digest := signed
	if hash := options.HashFunc(); hash != 0 {
		h := hash.New()
		h.Write(signed)
		digest = h.Sum(nil)
	}
	signature, err := key.Sign(rand.Reader, digest, options)
	if err != nil {
		panic(fmt.Sprintf("jwstest: %v", err))
	}
	return signature
}

// signECDSA writes R‖S (RFC 7518 §3.4).
func signECDSA(key crypto.Signer, signed []byte, hash crypto.Hash, size int) []byte {
	h := hash.New()
	h.Write(signed)
	var r, s *big.Int
	r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), h.Sum(nil))
	if err != nil {
		panic(fmt.Sprintf("jwstest: %v", err))
	}
	signature := make([]byte, 2*size)
	r.FillBytes(signature[:size])
	s.FillBytes(signature[size:])
	return signature
}
