package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json/v2"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// signingKey is a key pair of an issuer, for one algorithm.
type signingKey struct {
	id        string
	algorithm string
	private   crypto.Signer
}

func newSigningKey(id, algorithm string) (*signingKey, error) {
	private, err := generate(algorithm)
	if err != nil {
		return nil, err
	}
	return &signingKey{id, algorithm, private}, nil
}

func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "RS256", "RS512", "PS256", "PS512":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	default:
		return nil, fmt.Errorf("no key for %s", algorithm)
	}
}

// as is the same key, put to use with another algorithm, which no issuer should do.
func (k *signingKey) as(algorithm string) *signingKey {
	return &signingKey{k.id, algorithm, k.private}
}

// jwk is the key as it is published.
func (k *signingKey) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: k.algorithm, Use: "sig"}
}

// sign returns a token.
func (k *signingKey) sign(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.algorithm), Key: k.private},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id),
	)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// claimsOf has the members and the size of what Keycloak issues, and a number that makes
// the token differ from others. It outlives a run.
func claimsOf(number int) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": issuerURL, "iat": now.Unix(), "exp": now.Add(6 * time.Hour).Unix(),
		"jti": fmt.Sprintf("onrtac:6f1d0f4e-6a0b-4d6c-9c4b-%012d", number),
		"aud": []string{audience, "account"},
		"sub": "f1a2b3c4-d5e6-4d6c-9c4b-6f1d0f4e6a0b",
		"typ": "Bearer", "azp": "todo-web", "sid": "6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4d5e6", "acr": "1",
		"allowed-origins": []string{"http://localhost:8080"},
		"realm_access":    roles("offline_access", "uma_authorization", "default-roles-myrealm", "todo-admin"),
		"resource_access": map[string]any{"account": roles("manage-account", "manage-account-links", "view-profile")},
		"scope":           "openid profile email todos:read todos:write",
		"email_verified":  true, "name": "Alice Example", "preferred_username": "alice",
		"given_name": "Alice", "family_name": "Example", "email": "alice@example.com",
	}
}

// with is the claims with one that is other than usual. A nil value removes it.
func with(claims map[string]any, name string, value any) map[string]any {
	claims[name] = value
	if value == nil {
		delete(claims, name)
	}
	return claims
}

func roles(names ...string) map[string]any { return map[string]any{"roles": names} }
