package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes that the table below names
	_ "crypto/sha512"
)

// Algorithm is a signature algorithm of the JOSE registry. The zero value is no
// algorithm; there is no value for "none" or for HMAC.
type Algorithm uint8

// The algorithms of RFC 7518 §3, RFC 8037, RFC 9864 and RFC 9964.
const (
	RS256 Algorithm = iota + 1
	RS384
	RS512
	PS256
	PS384
	PS512
	ES256
	ES384
	ES512
	EdDSA
	Ed25519
	MLDSA44
	MLDSA65
	MLDSA87
)

// scheme is how an algorithm signs.
type scheme uint8

const (
	pkcs1v15 scheme = iota + 1
	pss
	ecdsaP1363
	ed25519Pure
	mldsaPure
)

// table holds what distinguishes the algorithms. The size is the signature's
// length in octets; 0 means as long as the RSA modulus.
var table = [...]struct {
	name   string
	scheme scheme
	hash   crypto.Hash
	curve  string
	size   int
}{
	RS256:   {"RS256", pkcs1v15, crypto.SHA256, "", 0},
	RS384:   {"RS384", pkcs1v15, crypto.SHA384, "", 0},
	RS512:   {"RS512", pkcs1v15, crypto.SHA512, "", 0},
	PS256:   {"PS256", pss, crypto.SHA256, "", 0},
	PS384:   {"PS384", pss, crypto.SHA384, "", 0},
	PS512:   {"PS512", pss, crypto.SHA512, "", 0},
	ES256:   {"ES256", ecdsaP1363, crypto.SHA256, "P-256", 64},
	ES384:   {"ES384", ecdsaP1363, crypto.SHA384, "P-384", 96},
	ES512:   {"ES512", ecdsaP1363, crypto.SHA512, "P-521", 132},
	EdDSA:   {"EdDSA", ed25519Pure, 0, "Ed25519", ed25519.SignatureSize},
	Ed25519: {"Ed25519", ed25519Pure, 0, "Ed25519", ed25519.SignatureSize},
	MLDSA44: {"ML-DSA-44", mldsaPure, 0, "ML-DSA-44", 2420},
	MLDSA65: {"ML-DSA-65", mldsaPure, 0, "ML-DSA-65", 3309},
	MLDSA87: {"ML-DSA-87", mldsaPure, 0, "ML-DSA-87", 4627},
}

// Named returns the algorithm with exactly that registered name, compared case by
// case (RFC 7515 §4.1.1), or 0.
func Named(name string) Algorithm {
	for a := RS256; a.Valid(); a++ {
		if table[a].name == name {
			return a
		}
	}
	return 0
}

// Valid reports whether a is one of the constants above.
func (a Algorithm) Valid() bool { return a > 0 && int(a) < len(table) }

// String returns the registered name, or "" for no algorithm.
func (a Algorithm) String() string {
	if !a.Valid() {
		return ""
	}
	return table[a].name
}

// Same reports whether two names stand for one algorithm: EdDSA with an Ed25519
// key is what RFC 9864 §2.2 calls Ed25519.
func (a Algorithm) Same(b Algorithm) bool {
	return a == b || a == EdDSA && b == Ed25519 || a == Ed25519 && b == EdDSA
}

// Fits reports whether the key's type and curve are those of the algorithm
// (RFC 7518 §3.1). It does not judge the key's size.
func (a Algorithm) Fits(public crypto.PublicKey) bool {
	if !a.Valid() {
		return false
	}
	row := &table[a]
	switch key := public.(type) {
	case *rsa.PublicKey:
		return row.scheme == pkcs1v15 || row.scheme == pss
	case *ecdsa.PublicKey:
		return row.scheme == ecdsaP1363 && key.Curve != nil && key.Curve.Params().Name == row.curve
	case ed25519.PublicKey:
		return row.scheme == ed25519Pure
	case *mldsa.PublicKey:
		return row.scheme == mldsaPure && key.Parameters().String() == row.curve
	}
	return false
}
