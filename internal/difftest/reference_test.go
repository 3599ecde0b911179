package difftest

import (
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// reference verifies a token with go-jose as its documentation says: parse with a list
// of algorithms, look the keys up by kid, verify, decode the claims, validate them.
type reference struct{ set jose.JSONWebKeySet }

// opinion is what go-jose makes of a token.
type opinion struct {
	err     error // nil if it accepts the token
	header  jose.Header
	kid     string // of the key that verified the signature, or ""
	payload []byte
	claims  jwt.Claims
}

// algorithms are allowed on both sides. go-jose does not name Ed25519 (see read).
var algorithms = []jose.SignatureAlgorithm{jose.EdDSA, "Ed25519", jose.ES256, jose.ES384, jose.RS256, jose.RS384, jose.PS256, jose.MLDSA44}

// What both sides expect of the claims. The clock shows a whole second, because
// go-jose counts in seconds.
const (
	issuer   = "https://id.example.com"
	audience = "todo-api"
	now      = 1767225700
	leeway   = 30
)

// read gives a token to go-jose. A token without kid is tried with every key.
func (r *reference) read(raw string) opinion {
	object, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return opinion{err: err}
	}
	o := opinion{header: object.Signatures[0].Protected, err: errors.New("no key verifies the signature")}
	keys := r.set.Keys
	if o.header.KeyID != "" {
		keys = r.set.Key(o.header.KeyID)
	}
	for _, key := range keys {
		payload, err := object.Verify(keyFor(o.header.Algorithm, key.Key))
		if err != nil {
			continue
		}
		o.kid, o.payload = key.KeyID, payload
		o.err = o.readClaims()
		return o
	}
	return o
}

// readClaims decodes and validates the claims.
func (o *opinion) readClaims() error {
	if err := josejson.Unmarshal(o.payload, &o.claims); err != nil {
		return err
	}
	expected := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: time.Unix(now, 0)}
	return o.claims.ValidateWithLeeway(expected, leeway*time.Second)
}

// keyFor returns the key in the form in which go-jose verifies the algorithm with it.
func keyFor(algorithm string, key any) any {
	if public, ok := key.(ed25519.PublicKey); ok && algorithm == "Ed25519" {
		return asEdDSA(public)
	}
	return key
}

// asEdDSA verifies the algorithm that RFC 9864 calls Ed25519, which go-jose knows as
// EdDSA alone.
type asEdDSA ed25519.PublicKey

func (key asEdDSA) VerifyPayload(payload, signature []byte, _ jose.SignatureAlgorithm) error {
	if !ed25519.Verify(ed25519.PublicKey(key), payload, signature) {
		return errors.New("the signature does not verify")
	}
	return nil
}
