package issuertest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

const rsaBits = 2048

// sparePool lends each key to one issuer at a time.
type sparePool struct {
	mu   sync.Mutex // guards what follows
	keys []*rsa.PrivateKey
}

// spare holds the RSA keys of tests that have ended. A new key takes about a tenth
// of a second, and a test binary may start hundreds of issuers.
var spare sparePool //nolint:gochecknoglobals // Issuers of separate tests have nothing else in common.

func (p *sparePool) rsaKey() (crypto.Signer, error) {
	if key := p.take(); key != nil {
		return key, nil
	}
	return rsa.GenerateKey(rand.Reader, rsaBits)
}

// take returns nil if there is no key.
func (p *sparePool) take() *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.keys) - 1
	if last < 0 {
		return nil
	}
	key := p.keys[last]
	p.keys = p.keys[:last]
	return key
}

// put takes RSA keys back; it ignores others, which cost nothing.
func (p *sparePool) put(signer crypto.Signer) {
	key, ok := signer.(*rsa.PrivateKey)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, key)
}
