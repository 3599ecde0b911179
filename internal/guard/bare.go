package guard

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

var errSignature = errors.New("a good signature does not verify")

// bare returns what nobody can avoid: the signature check that the standard library
// does, with parts that are decoded already.
func (s sample) bare() (func(n int) error, error) {
	type part struct{ signed, signature []byte }
	parts := make([]part, len(s.tokens))
	for n, raw := range s.tokens {
		dot := strings.LastIndexByte(raw, '.')
		signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
		if err != nil {
			return nil, fmt.Errorf("guard: %w", err)
		}
		parts[n] = part{[]byte(raw[:dot]), signature}
	}
	var check func(signed, signature []byte) bool
	switch key := s.public.(type) {
	case *rsa.PublicKey:
		check = s.bareRSA(key)
	case *ecdsa.PublicKey:
		check = s.bareECDSA(key)
	case ed25519.PublicKey:
		check = func(signed, signature []byte) bool { return ed25519.Verify(key, signed, signature) }
	case *mldsa.PublicKey:
		check = func(signed, signature []byte) bool { return mldsa.Verify(key, signed, signature, nil) == nil }
	}
	return func(n int) error {
		if !check(parts[n].signed, parts[n].signature) {
			return errSignature
		}
		return nil
	}, nil
}

func (s sample) bareRSA(key *rsa.PublicKey) func(signed, signature []byte) bool {
	hash := s.hash()
	if strings.HasPrefix(s.alg.String(), "RS") {
		return func(signed, signature []byte) bool {
			return rsa.VerifyPKCS1v15(key, hash, digest(hash, signed), signature) == nil
		}
	}
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return func(signed, signature []byte) bool {
		return rsa.VerifyPSS(key, hash, digest(hash, signed), signature, options) == nil
	}
}

func (s sample) bareECDSA(key *ecdsa.PublicKey) func(signed, signature []byte) bool {
	hash := s.hash()
	return func(signed, signature []byte) bool {
		half := len(signature) / 2
		return ecdsa.Verify(key, digest(hash, signed), new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	}
}

// hash is that of an algorithm whose name ends with its size.
func (s sample) hash() crypto.Hash {
	switch name := s.alg.String(); name[len(name)-3:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

// digest allocates nothing but its result.
func digest(hash crypto.Hash, signed []byte) []byte {
	switch hash {
	case crypto.SHA384:
		sum := sha512.Sum384(signed)
		return sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(signed)
		return sum[:]
	default:
		sum := sha256.Sum256(signed)
		return sum[:]
	}
}
