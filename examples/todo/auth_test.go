package main

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
)

// authOf returns the road of a token as the settings wire it, and its issuer.
func authOf(t *testing.T, environ ...string) (auth, *issuertest.Issuer) {
	t.Helper()
	issuer := issuertest.Listen(t, nil)
	s, err := readSettings(append(environ, "TODO_ISSUER="+issuer.URL()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAuth(s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.keys.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, issuer
}

// status is the answer to a token.
func (a auth) status(t *testing.T, token string) int {
	t.Helper()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return newRecorder(t, a.http.Require()(ok), "GET", "/", "Authorization", "Bearer "+token).Code
}

func TestNoLeewayIsNotTheDefaultLeeway(t *testing.T) {
	for leeway, want := range map[string]int{"0s": 401, "30s": 200} {
		a, issuer := authOf(t, "TODO_LEEWAY="+leeway)
		expired := issuer.Token(issuertest.Claims{"aud": "todo-api", "exp": time.Now().Add(-5 * time.Second).Unix()})
		if got := a.status(t, expired); got != want {
			t.Errorf("with a leeway of %s a token that expired 5 s ago gets %d, want %d", leeway, got, want)
		}
	}
}

func TestTheSettingsReachTheKeySource(t *testing.T) {
	a, issuer := authOf(t, "TODO_JWKS_REFRESH=20ms")
	await(t, "the keys are refreshed", func() bool { _ = a.keys.Ready(); return issuer.KeySet().Fetches() > 1 })

	a, issuer = authOf(t, "TODO_JWKS_REFRESH=20ms", "TODO_JWKS_MAX_STALE=20ms")
	issuer.Break(issuertest.Status(http.StatusInternalServerError))
	await(t, "old keys are given up", func() bool { return a.keys.Ready() != nil })

	a, issuer = authOf(t, "TODO_JWKS_COOLDOWN=1ms")
	await(t, "each unknown key is looked up", func() bool {
		stranger := issuer.NewKey(issuer.Key().Algorithm())
		_ = a.status(t, stranger.Token(issuertest.Claims{"aud": "todo-api"}))
		return issuer.KeySet().Fetches() > 6 // three at once, and then one every 10 s, are the default
	})
}
