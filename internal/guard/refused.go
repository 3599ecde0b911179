package guard

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/bearerproof/bearerproof/verifier"
)

// refusedWorks refuse what strangers send, and what went wrong with good tokens.
func refusedWorks(m *mint) ([]Work, error) {
	s, err := m.sample(verifier.RS256)
	if err != nil {
		return nil, err
	}
	cached, err := s.verifier(0)
	if err != nil {
		return nil, err
	}
	if err := accepts(cached, s.tokens)(0); err != nil { // so that there is a cache to look in
		return nil, err
	}
	late, err := s.verifierAt(expires+1000, 0, oneKey{s.key})
	if err != nil {
		return nil, err
	}
	strange, err := s.verifierAt(issued+100, 0, oneKey{})
	if err != nil {
		return nil, err
	}
	// The greatest length that is looked at, all but a few octets.
	third := strings.Repeat("x", 5400)
	twoDots := third + "." + third + "." + third
	const hash = "SHA-256 of 16 KiB"
	return []Work{
		{Name: hash, Of: StandardLibrary, Do: hashed([]byte(twoDots))},
		{Name: "16 KiB without dots", Beside: hash, Do: refuses(cached, verifier.ErrMalformed, strings.Repeat("x", 16<<10))},
		{Name: "16 KiB of dots", Beside: hash, Do: refuses(cached, verifier.ErrMalformed, strings.Repeat(".", 16<<10))},
		{Name: "16 KiB with two dots", Beside: hash, Do: refuses(cached, verifier.ErrMalformed, twoDots)},
		{Name: "1 MiB of dots", Beside: hash, Do: refuses(cached, verifier.ErrMalformed, strings.Repeat(".", 1<<20))},
		{Name: "RS256, no key of that kid", Beside: bareOf(verifier.RS256), Do: refuses(strange, verifier.ErrUnknownKey, s.tokens...)},
		{Name: "RS256, wrong signature", Beyond: bareOf(verifier.RS256), Do: refuses(cached, verifier.ErrSignature, s.forged()...)},
		{Name: "RS256, expired", Beyond: bareOf(verifier.RS256), Do: refuses(late, verifier.ErrExpired, s.tokens...)},
	}, nil
}

// refuses has one text after the other refused.
func refuses(v *verifier.Verifier, want verifier.Kind, texts ...string) func(n int) error {
	ctx := context.Background()
	return func(n int) error {
		if _, err := v.Verify(ctx, texts[n%len(texts)]); verifier.KindOf(err) != want {
			return fmt.Errorf("got %w, want kind %s", err, want.String())
		}
		return nil
	}
}

// hashed is one hash, to compare.
func hashed(text []byte) func(n int) error {
	return func(int) error {
		if sha256.Sum256(text) == ([sha256.Size]byte{}) {
			return errors.New("the hash is zero")
		}
		return nil
	}
}
