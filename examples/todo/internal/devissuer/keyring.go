package devissuer

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	keyBits = 2048

	// maxRetired bounds the key set when somebody rotates faster than keys age.
	maxRetired = 16
)

// keyring holds the key that signs and those that signed before and are still published.
type keyring struct {
	retention time.Duration // set once

	mu      sync.Mutex // guards what follows
	current signingKey
	retired []retiredKey // oldest first
}

type retiredKey struct {
	key   signingKey
	until time.Time
}

func newKeyring(retention time.Duration) (*keyring, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	return &keyring{retention: retention, current: key}, nil
}

// rotate makes a new key sign. The key before it stays published for the retention time, so that tokens which it
// signed can still be verified.
func (k *keyring) rotate(ctx context.Context) (old, current string, err error) {
	key, err := newSigningKey()
	if err != nil {
		return "", "", err
	}
	if err := ctx.Err(); err != nil {
		return "", "", fmt.Errorf("devissuer: rotate: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	old = k.current.id
	k.retired = append(k.retired, retiredKey{key: k.current, until: time.Now().Add(k.retention)})
	k.current = key
	k.prune()
	return old, key.id, nil
}

// dropRetired stops publishing every key but the current one.
func (k *keyring) dropRetired() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.retired = nil
}

func (k *keyring) signing() signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// published returns the public keys, the current one first.
func (k *keyring) published() []op.Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.prune()
	keys := []op.Key{publicKey{k.current}}
	for _, r := range k.retired {
		keys = append(keys, publicKey{r.key})
	}
	return keys
}

// prune is called with mu held.
func (k *keyring) prune() {
	now := time.Now()
	for len(k.retired) > 0 && (len(k.retired) > maxRetired || !now.Before(k.retired[0].until)) {
		k.retired = k.retired[1:]
	}
}

// signingKey is a private key as the provider library wants it.
type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

func newSigningKey() (signingKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return signingKey{}, fmt.Errorf("devissuer: make a signing key: %w", err)
	}
	return signingKey{id: rand.Text(), private: private}, nil
}

func (s signingKey) ID() string                                  { return s.id }
func (s signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (s signingKey) Key() any                                    { return s.private }

// publicKey is the half of a signing key that is published.
type publicKey struct{ signing signingKey }

func (p publicKey) ID() string                         { return p.signing.id }
func (p publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (p publicKey) Use() string                        { return "sig" }
func (p publicKey) Key() any                           { return &p.signing.private.PublicKey }
