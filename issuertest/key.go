package issuertest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json/v2"
	"maps"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/verifier"
)

// Key is a signing key of an [Issuer], published or not. It is safe for concurrent
// use.
type Key struct {
	issuer    string             // set once
	now       func() time.Time   // set once; the issuer's clock
	id        string             // set once
	algorithm verifier.Algorithm // set once
	signer    crypto.Signer      // set once

	mu      sync.Mutex        // guards what follows
	members map[string]string // of the JWK, where they are not the usual ones; "" is absent
}

// ID returns the key's "kid", which is random.
func (k *Key) ID() string { return k.id }

// Algorithm returns the algorithm that the key signs with.
func (k *Key) Algorithm() verifier.Algorithm { return k.algorithm }

// Public returns the public key.
func (k *Key) Public() crypto.PublicKey { return k.signer.Public() }

// SetMember changes a member of the key's JWK in the key set from now on: "kid",
// "alg" and "use" ("sig") are there by default. The empty value leaves the member
// out. Tokens are signed as before, and bear the key's ID.
func (k *Key) SetMember(name, value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.members == nil {
		k.members = map[string]string{}
	}
	k.members[name] = value
}

// Token returns a token with the claims, and the defaults that [Claims] lists, signed
// with this key. Its header has "alg", "kid" and the "typ" "at+jwt" (RFC 9068 §2.1).
// It panics if JSON cannot represent a claim.
func (k *Key) Token(claims Claims) string { return k.TokenWithHeader(nil, claims) }

// TokenWithHeader is Token with other members of the header, among them "kid", "typ"
// or "alg", which changes the name of the algorithm and not the signature. "alg"
// cannot be left out.
func (k *Key) TokenWithHeader(header, claims Claims) string {
	payload := marshal(claims.over(defaultClaims(k.issuer, k.now())))
	header = header.over(Claims{"typ": "at+jwt", "kid": k.id})
	if k.algorithm == verifier.Ed25519 {
		return k.signEd25519(header, payload)
	}
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{}}
	for name, value := range header {
		options.ExtraHeaders[jose.HeaderKey(name)] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.algorithm.String()), Key: k.signer}, options)
	if err != nil {
		misuse(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		misuse(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		misuse(err)
	}
	return token
}

// signEd25519 is for the name of RFC 9864, which go-jose does not know.
func (k *Key) signEd25519(header Claims, payload []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(marshal(header.over(Claims{"alg": k.algorithm}))) + "." + encode(payload)
	signature, err := k.signer.Sign(rand.Reader, []byte(signed), &ed25519.Options{})
	if err != nil {
		misuse(err)
	}
	return signed + "." + encode(signature)
}

// jwk returns the public key as it is published.
func (k *Key) jwk() []byte {
	usual := marshal(jose.JSONWebKey{Key: k.Public(), KeyID: k.id, Algorithm: k.algorithm.String(), Use: "sig"})
	k.mu.Lock()
	defer k.mu.Unlock()
	members := map[string]string{}
	if err := json.Unmarshal(usual, &members); err != nil {
		misuse(err)
	}
	maps.Copy(members, k.members)
	maps.DeleteFunc(members, func(_, value string) bool { return value == "" })
	return marshal(members)
}

// newID returns an ID that no other key has.
func newID() string { return "key-" + rand.Text()[:12] }
