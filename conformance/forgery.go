package conformance

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
)

// forgery is a signature to be spoiled.
type forgery struct {
	Sign

	alg    jws.Algorithm
	key    crypto.Signer
	signed []byte
}

// forgeries are the ways to spoil a signature, by their names in rows.
func forgeries() map[string]func(forgery) ([]byte, error) {
	return map[string]func(forgery) ([]byte, error){
		// Of any algorithm.
		"zero-led":    func(f forgery) ([]byte, error) { return append([]byte{0}, f.real()...), nil },
		"zero-ended":  func(f forgery) ([]byte, error) { return append(f.real(), 0), nil },
		"short":       func(f forgery) ([]byte, error) { s := f.real(); return s[:len(s)-1], nil },
		"first-half":  func(f forgery) ([]byte, error) { s := f.real(); return s[:len(s)/2], nil },
		"twice":       func(f forgery) ([]byte, error) { return slices.Repeat(f.real(), 2), nil },
		"reversed":    forgery.reversed,
		"inverted":    forgery.inverted,
		"of-the-rest": forgery.ofTheRest,
		// ECDSA (RFC 7518 §3.4).
		"der": forgery.der,
		"r-zero": func(f forgery) ([]byte, error) {
			return f.points(func(_, s, _ *big.Int) (*big.Int, *big.Int) { return new(big.Int), s })
		},
		"s-zero": func(f forgery) ([]byte, error) {
			return f.points(func(r, _, _ *big.Int) (*big.Int, *big.Int) { return r, new(big.Int) })
		},
		"r-order": func(f forgery) ([]byte, error) {
			return f.points(func(_, s, n *big.Int) (*big.Int, *big.Int) { return n, s })
		},
		"s-order": func(f forgery) ([]byte, error) {
			return f.points(func(r, _, n *big.Int) (*big.Int, *big.Int) { return r, n })
		},
		"both-one": func(f forgery) ([]byte, error) {
			return f.points(func(_, _, _ *big.Int) (*big.Int, *big.Int) { return big.NewInt(1), big.NewInt(1) })
		},
		"r-plus": func(f forgery) ([]byte, error) {
			return f.points(func(r, s, n *big.Int) (*big.Int, *big.Int) { return r.Add(r, n), s })
		},
		"s-plus": func(f forgery) ([]byte, error) {
			return f.points(func(r, s, n *big.Int) (*big.Int, *big.Int) { return r, s.Add(s, n) })
		},
		"s-negative": func(f forgery) ([]byte, error) {
			return f.points(func(r, s, n *big.Int) (*big.Int, *big.Int) { return r, s.Sub(n, s) })
		},
		"swapped": func(f forgery) ([]byte, error) {
			return f.points(func(r, s, _ *big.Int) (*big.Int, *big.Int) { return s, r })
		},
		"padded-both": forgery.paddedBoth,
		// RSA.
		"salt":           forgery.otherSalt,
		"plus-modulus":   forgery.plusModulus,
		"modulus-less":   forgery.modulusLess,
		"v15":            forgery.v15,
		"v15-no-null":    forgery.v15WithoutNull,
		"v15-no-id":      forgery.v15WithoutID,
		"v15-trailing":   forgery.v15Trailing,
		"v15-short-pad":  forgery.v15ShortPadding,
		"v15-type-2":     forgery.v15Type2,
		"v15-long-form":  forgery.v15LongForm,
		"v15-other-pad":  forgery.v15OtherPadding,
		"v15-parameters": forgery.v15Parameters,
		// Ed25519 (RFC 8032).
		"s-plus-order": forgery.sPlusOrder,
		"prehashed":    func(f forgery) ([]byte, error) { return f.ed25519(&ed25519.Options{Hash: crypto.SHA512}) },
		"in-context":   func(f forgery) ([]byte, error) { return f.ed25519(&ed25519.Options{Context: "jwt"}) },
		// ML-DSA (FIPS 204).
		"mldsa-in-context": func(f forgery) ([]byte, error) {
			return f.key.Sign(rand.Reader, f.signed, &mldsa.Options{Context: "jwt"})
		},
	}
}

// real is a good signature.
func (f forgery) real() []byte { return jwstest.Signature(f.alg, f.key, f.signed) }

func (f forgery) reversed() ([]byte, error) {
	s := f.real()
	slices.Reverse(s)
	return s, nil
}

func (f forgery) inverted() ([]byte, error) {
	s := f.real()
	for i := range s {
		s[i] ^= 0xff
	}
	return s, nil
}

// ofTheRest is a good signature of the payload alone.
func (f forgery) ofTheRest() ([]byte, error) {
	_, payload, _ := bytes.Cut(f.signed, []byte("."))
	return jwstest.Signature(f.alg, f.key, payload), nil
}

// split returns the numbers of an ECDSA signature, and the order of the curve.
func (f forgery) split() (r, s, n *big.Int, err error) {
	key, ok := f.key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, nil, errors.New("not an EC key")
	}
	signature := f.real()
	half := len(signature) / 2
	return new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]), key.Params().N, nil
}

// points changes the numbers of an ECDSA signature, which must stay within its size.
func (f forgery) points(change func(r, s, n *big.Int) (*big.Int, *big.Int)) ([]byte, error) {
	r, s, n, err := f.split()
	if err != nil {
		return nil, err
	}
	size := len(f.real()) / 2
	r, s = change(r, s, n)
	if max(r.BitLen(), s.BitLen()) > 8*size {
		return nil, errors.New("the number is longer than the signature has room for")
	}
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
}

// der is how X.509 writes an ECDSA signature.
func (f forgery) der() ([]byte, error) {
	r, s, _, err := f.split()
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct{ R, S *big.Int }{r, s})
}

// paddedBoth has a zero octet before each number.
func (f forgery) paddedBoth() ([]byte, error) {
	r, s, _, err := f.split()
	if err != nil {
		return nil, err
	}
	size := len(f.real())/2 + 1
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), nil
}

// otherSalt is PSS with a salt of Salt octets, and the hash of Hash.
func (f forgery) otherSalt() ([]byte, error) {
	digest := f.digest()
	salt := f.Salt
	if salt == 0 {
		salt = rsa.PSSSaltLengthAuto // the longest that fits
	}
	return f.key.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: salt, Hash: f.hashID()})
}

func (f forgery) digest() []byte {
	h := f.hashID().New()
	h.Write(f.signed)
	return h.Sum(nil)
}

// sPlusOrder adds the group's order to S, which RFC 8032 §5.1.7 forbids.
func (f forgery) sPlusOrder() ([]byte, error) {
	signature := f.real()
	if len(signature) != ed25519.SignatureSize {
		return nil, errors.New("not an Ed25519 signature")
	}
	order, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	s := signature[32:]
	slices.Reverse(s) // it is written with its lowest octet first
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order)
	sum.FillBytes(s)
	slices.Reverse(s)
	return signature, nil
}

func (f forgery) ed25519(o *ed25519.Options) ([]byte, error) {
	message := f.signed
	if o.Hash != 0 {
		h := o.Hash.New()
		h.Write(f.signed)
		message = h.Sum(nil)
	}
	return f.key.Sign(rand.Reader, message, o)
}
