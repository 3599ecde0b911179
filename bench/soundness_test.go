package main

import (
	"context"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// Whoever is measured does the work, for each algorithm.
func TestEveryContenderIsSound(t *testing.T) {
	for _, algorithm := range algorithms() {
		s, err := newScene(algorithm, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range contenders() {
			if _, err := s.soundness(t.Context(), p); err != nil {
				t.Error(err)
			}
		}
	}
}

// careless accepts and refuses as told.
type careless struct{ accept func(raw string) error }

func (c careless) Verify(_ context.Context, raw string) error { return c.accept(raw) }
func (careless) Close()                                       {}

func TestAnUnsoundContenderIsFound(t *testing.T) {
	s, err := newScene("ES256", 1)
	if err != nil {
		t.Fatal(err)
	}
	everything := map[peers.Check]string{}
	for _, check := range []peers.Check{peers.Signature, peers.Algorithm, peers.Expiry, peers.HasExpiry, peers.Issuer, peers.Audience} {
		everything[check] = "a note"
	}
	good, err := s.subject(t.Context(), peers.WithoutCache())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		accept func(raw string) error
		notes  map[peers.Check]string
		want   string // a part of the error
	}{
		"refuses good tokens":        {func(string) error { return context.Canceled }, nil, "refuses a good token"},
		"accepts all":                {func(string) error { return nil }, nil, "accepts a token whose fault is its signature"},
		"accepts all, and says so":   {func(string) error { return nil }, everything, ""},
		"is sound":                   {func(raw string) error { return good.Verify(t.Context(), raw) }, nil, ""},
		"is better than its note":    {func(raw string) error { return good.Verify(t.Context(), raw) }, map[peers.Check]string{peers.Issuer: "a note"}, "although its note says otherwise"},
		"says half of what it skips": {func(string) error { return nil }, map[peers.Check]string{peers.Signature: "a note"}, "accepts a token whose fault is its algorithm"},
	}
	for name, tt := range tests {
		p := peers.Peer{Name: "careless", Unchecked: tt.notes, New: func(context.Context, peers.Setup) (peers.Subject, error) {
			return careless{tt.accept}, nil
		}}
		_, err := s.soundness(t.Context(), p)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
