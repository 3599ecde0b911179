package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math/big"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/verifier"
)

// rawKey is a public key of Wycheproof.
type rawKey struct {
	public crypto.PublicKey // nil if the numbers are no key
	bits   int              // of an RSA key
	jwk    jsontext.Value
}

// thumbprint returns the thumbprint of the key, if the library finds it fit.
func (k rawKey) thumbprint(alg jws.Algorithm) (string, error) {
	if k.public == nil {
		return "", fmt.Errorf("the numbers are no key")
	}
	key, err := verifier.NewKey("", verifier.Algorithm(alg), k.public)
	if err != nil {
		return "", err
	}
	return key.Thumbprint(), nil
}

// key makes the group's key from its numbers.
func (g rawGroup) key(scheme string) (rawKey, error) {
	numbers := g.PublicKey
	if numbers == nil {
		numbers = g.PrivateKey
	}
	switch scheme {
	case "RS", "PS":
		return rsaKey(numbers)
	case "Ed25519":
		return ed25519Key(numbers)
	case "ES256":
		return ecdsaKey(numbers, elliptic.P256())
	case "ES384":
		return ecdsaKey(numbers, elliptic.P384())
	case "ES512":
		return ecdsaKey(numbers, elliptic.P521())
	case "ML-DSA-44":
		return mldsaKey(numbers, mldsa.MLDSA44())
	case "ML-DSA-65":
		return mldsaKey(numbers, mldsa.MLDSA65())
	case "ML-DSA-87":
		return mldsaKey(numbers, mldsa.MLDSA87())
	}
	return rawKey{}, fmt.Errorf("no keys for %q", scheme)
}

func rsaKey(numbers jsontext.Value) (rawKey, error) {
	var key struct {
		Modulus  octets `json:"modulus"`
		Exponent octets `json:"publicExponent"`
	}
	if err := json.Unmarshal(numbers, &key); err != nil {
		return rawKey{}, err
	}
	n, e := new(big.Int).SetBytes(key.Modulus), new(big.Int).SetBytes(key.Exponent)
	jwk, err := json.Marshal(map[string]string{"kty": "RSA", "n": base64url(n.Bytes()), "e": base64url(e.Bytes())})
	made := rawKey{bits: n.BitLen(), jwk: jwk}
	if e.IsInt64() {
		made.public = &rsa.PublicKey{N: n, E: int(e.Int64())}
	}
	return made, err
}

func ecdsaKey(numbers jsontext.Value, curve elliptic.Curve) (rawKey, error) {
	var key struct {
		Point octets `json:"uncompressed"`
	}
	if err := json.Unmarshal(numbers, &key); err != nil {
		return rawKey{}, err
	}
	half := 1 + len(key.Point)/2
	jwk, err := json.Marshal(map[string]string{
		"kty": "EC", "crv": curve.Params().Name, "x": base64url(key.Point[1:half]), "y": base64url(key.Point[half:]),
	})
	made := rawKey{jwk: jwk}
	if public, err := ecdsa.ParseUncompressedPublicKey(curve, key.Point); err == nil {
		made.public = public
	}
	return made, err
}

func ed25519Key(numbers jsontext.Value) (rawKey, error) {
	var key struct {
		Point octets `json:"pk"`
	}
	if err := json.Unmarshal(numbers, &key); err != nil {
		return rawKey{}, err
	}
	jwk, err := json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64url(key.Point)})
	return rawKey{public: ed25519.PublicKey(key.Point), jwk: jwk}, err
}

func mldsaKey(numbers jsontext.Value, parameters mldsa.Parameters) (rawKey, error) {
	var encoded octets
	if err := json.Unmarshal(numbers, &encoded); err != nil {
		return rawKey{}, err
	}
	jwk, err := json.Marshal(map[string]string{"kty": "AKP", "alg": parameters.String(), "pub": base64url(encoded)})
	made := rawKey{jwk: jwk}
	if public, err := mldsa.NewPublicKey(parameters, encoded); err == nil {
		made.public = public
	}
	return made, err
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
