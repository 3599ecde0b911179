package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// sound says what a library accepts that should be refused. There is one for each
// library and algorithm, made before anything is measured.
type sound struct {
	Library   string        `json:"library"`
	Algorithm string        `json:"algorithm"`
	Unchecked []peers.Check `json:"unchecked,omitzero"`
}

// attempt is a token that must be refused, and the check that is there for it.
type attempt struct {
	check peers.Check
	raw   string
}

func (s *scene) attempts() ([]attempt, error) {
	var all []attempt
	add := func(check peers.Check, key *signingKey, claims map[string]any) error {
		raw, err := key.sign(claims)
		all = append(all, attempt{check, raw})
		return err
	}
	stranger, err := newSigningKey(s.key.id, s.algorithm)
	if err != nil {
		return nil, err
	}
	err = firstOf(
		add(peers.Signature, stranger, claimsOf(1)),
		add(peers.Algorithm, s.other, claimsOf(1)),
		add(peers.Expiry, s.key, with(claimsOf(1), "exp", time.Now().Add(-time.Hour).Unix())),
		add(peers.HasExpiry, s.key, with(claimsOf(1), "exp", nil)),
		add(peers.Issuer, s.key, with(claimsOf(1), "iss", "https://other.example.com")),
		add(peers.Audience, s.key, with(claimsOf(1), "aud", "other-api")),
	)
	if strings.HasSuffix(s.other.algorithm, "S512") {
		err = firstOf(err, add(peers.Algorithm, s.key.as(s.other.algorithm), claimsOf(1)))
	}
	forged, forgeErr := forge(s.warm)
	return append(all, attempt{peers.Signature, forged}), firstOf(err, forgeErr)
}

// forge changes a bit in the middle of the signature.
func forge(raw string) (string, error) {
	dot := strings.LastIndexByte(raw, '.')
	signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil {
		return "", err
	}
	signature[len(signature)/2] ^= 1
	return raw[:dot+1] + base64.RawURLEncoding.EncodeToString(signature), nil
}

// soundness returns what a peer accepts wrongly. An error says that the peer is set up
// wrongly here: it refuses a good token, or accepts something that its Unchecked has no
// note about, or refuses what it has a note about.
func (s *scene) soundness(ctx context.Context, p peers.Peer) (sound, error) {
	found := sound{Library: p.Name, Algorithm: s.algorithm}
	attempts, err := s.attempts()
	if err != nil {
		return found, err
	}
	subject, err := s.subject(ctx, p)
	if err != nil {
		return found, fmt.Errorf("%s: %w", s.algorithm, err)
	}
	defer subject.Close()
	for _, a := range attempts {
		if subject.Verify(ctx, a.raw) == nil && !slices.Contains(found.Unchecked, a.check) {
			found.Unchecked = append(found.Unchecked, a.check)
		}
	}
	for _, check := range found.Unchecked {
		if p.Unchecked[check] == "" {
			return found, fmt.Errorf("%s accepts a token whose fault is its %s (%s)", p.Name, check, s.algorithm)
		}
	}
	for check := range p.Unchecked {
		if !slices.Contains(found.Unchecked, check) {
			return found, fmt.Errorf("%s refuses a token whose fault is its %s (%s), although its note says otherwise", p.Name, check, s.algorithm)
		}
	}
	return found, nil
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
