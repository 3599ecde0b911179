package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/go-jose/go-jose/v4"
)

// scene is an issuer that signs with one algorithm, and good tokens of it.
type scene struct {
	algorithm string
	issuer    *issuer
	key       *signingKey // signs the tokens; nil in a server, which has their public half only
	other     *signingKey // is published too, and of another algorithm
	warm      string      // a good token that is none of tokens
	tokens    []string    // differ from each other
}

// otherAlgorithm is one that nobody asks for where the first is asked for.
func otherAlgorithm(algorithm string) string {
	switch algorithm {
	case "RS256":
		return "RS512"
	case "PS256":
		return "PS512"
	case "ES256":
		return "ES384"
	default:
		return "ES256"
	}
}

func newScene(algorithm string, tokens int) (*scene, error) {
	key, err := newSigningKey("key-1", algorithm)
	if err != nil {
		return nil, err
	}
	other, err := newSigningKey("key-2", otherAlgorithm(algorithm))
	if err != nil {
		return nil, err
	}
	published, err := publish(key.jwk(), other.jwk())
	if err != nil {
		return nil, err
	}
	s := &scene{algorithm: algorithm, issuer: &issuer{documents: published}, key: key, other: other}
	if s.warm, err = key.sign(claimsOf(0)); err != nil {
		return nil, err
	}
	s.tokens = make([]string, tokens)
	for i := range s.tokens {
		if s.tokens[i], err = key.sign(claimsOf(i + 1)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// withKeys is the same scene where the issuer's set has a number of keys, the signing one
// the last of them.
func (s *scene) withKeys(count int) (*scene, error) {
	published, err := publish([]jose.JSONWebKey{s.key.jwk()}...)
	if err != nil {
		return nil, err
	}
	others, err := otherKeys(count - 1)
	if err != nil {
		return nil, err
	}
	if published, err = published.crowded(others); err != nil {
		return nil, err
	}
	crowded := *s
	crowded.issuer = &issuer{documents: published}
	return &crowded, nil
}

// subject returns a peer that is set up, has fetched its keys and has accepted a token.
func (s *scene) subject(ctx context.Context, p peers.Peer) (peers.Subject, error) {
	subject, err := s.coldSubject(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := subject.Verify(ctx, s.warm); err != nil {
		subject.Close()
		return nil, fmt.Errorf("%s refuses a good token: %w", p.Name, err)
	}
	return subject, nil
}

func (s *scene) coldSubject(ctx context.Context, p peers.Peer) (peers.Subject, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	setup := peers.Setup{
		Issuer: issuerURL, KeySetURL: keySetURL, Audience: audience, Client: s.issuer.client(), Algorithm: s.algorithm,
	}
	if s.key != nil {
		setup.Key = s.key.private.Public()
	}
	subject, err := p.New(ctx, setup)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return subject, nil
}
