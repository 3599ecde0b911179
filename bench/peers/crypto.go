package peers

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// cryptoPeer is the standard library's cryptography: what nobody can avoid. It verifies
// the signature of a token whose parts are decoded already, see Preparer, and reads
// neither header nor claims.
func cryptoPeer() Peer {
	const nothing = "the cryptography alone reads neither header nor claims"
	return Peer{
		Name: "bare crypto",
		New:  newCrypto,
		Unchecked: map[Check]string{
			Expiry: nothing, HasExpiry: nothing, Issuer: nothing, Audience: nothing,
		},
		classify: func(error) Class { return Invalid },
	}
}

// Preparer is a Subject that may do a part of its work before the rest is measured.
type Preparer interface {
	// Prepare returns what Verify does after that part.
	Prepare(raw string) (func() error, error)
}

type cryptoSubject struct {
	verify func(signed, signature []byte) error
}

var errSignature = errors.New("the signature is not valid")

func newCrypto(_ context.Context, s Setup) (Subject, error) {
	switch key := s.Key.(type) {
	case *rsa.PublicKey:
		return newRSA(key, s.algorithm())
	case *ecdsa.PublicKey:
		return cryptoSubject{func(signed, signature []byte) error {
			if len(signature) != 64 {
				return errSignature
			}
			digest := sha256.Sum256(signed)
			r, t := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
			if !ecdsa.Verify(key, digest[:], r, t) {
				return errSignature
			}
			return nil
		}}, nil
	case ed25519.PublicKey:
		return cryptoSubject{func(signed, signature []byte) error {
			if !ed25519.Verify(key, signed, signature) {
				return errSignature
			}
			return nil
		}}, nil
	default:
		return nil, fmt.Errorf("no key for %s: %T", s.algorithm(), s.Key)
	}
}

func newRSA(key *rsa.PublicKey, algorithm string) (Subject, error) {
	switch algorithm {
	case "RS256":
		return cryptoSubject{func(signed, signature []byte) error {
			digest := sha256.Sum256(signed)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
		}}, nil
	case "PS256":
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return cryptoSubject{func(signed, signature []byte) error {
			digest := sha256.Sum256(signed)
			return rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, options)
		}}, nil
	default:
		return nil, fmt.Errorf("no algorithm of RSA with SHA-256: %s", algorithm)
	}
}

// Prepare decodes the signature.
func (s cryptoSubject) Prepare(raw string) (func() error, error) {
	dot := strings.LastIndexByte(raw, '.')
	if dot < 0 {
		return nil, errors.New("no token")
	}
	signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil {
		return nil, err
	}
	signed := []byte(raw[:dot])
	return func() error { return s.verify(signed, signature) }, nil
}

func (s cryptoSubject) Verify(_ context.Context, raw string) error {
	rest, err := s.Prepare(raw)
	if err != nil {
		return err
	}
	return rest()
}

func (s cryptoSubject) Close() {}
