package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

func TestTheIssuerCountsFetchesOfTheKeySet(t *testing.T) {
	i := newIssuer(t)
	for n := range int64(3) {
		if got := i.fetches.Load(); got != n {
			t.Errorf("%d fetches, want %d", got, n)
		}
		for _, url := range []string{i.keySetURL(), i.URL() + "/.well-known/openid-configuration"} {
			if status, err := get(t.Context(), url, nil); err != nil || status != http.StatusOK {
				t.Fatalf("%s: %d, %v", url, status, err)
			}
		}
	}
}

func TestNewTokensDiffer(t *testing.T) {
	i := newIssuer(t)
	tokens, err := i.newTokens(t.Context(), 40, 3)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, token := range tokens {
		if seen[token] {
			t.Error("a token comes twice")
		}
		seen[token] = true
		// As long as Keycloak's.
		if len(token) < 1400 || len(token) > 1700 {
			t.Errorf("a token of %d bytes", len(token))
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d tokens, want 40", len(seen))
	}
	url := protected(t, i).URL
	for _, token := range []string{tokens[0], tokens[39]} {
		if status, err := get(t.Context(), url, []string{token}); err != nil || status != http.StatusOK {
			t.Errorf("%d, %v", status, err)
		}
	}
}

func TestSigningEndsWithItsContext(t *testing.T) {
	i := newIssuer(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if tokens, err := i.newTokens(ctx, 1, 1); !errors.Is(err, context.Canceled) || tokens[0] != "" {
		t.Errorf("error %v, want %v and no token", err, context.Canceled)
	}
}
