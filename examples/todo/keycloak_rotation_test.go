//go:build keycloak

package main

import (
	"sync"
	"testing"
	"time"
)

func keycloakNewKey(t *testing.T, k *realKeycloak) {
	s := k.serve(t, "new-key", quiet)
	old := k.login(t, "todo-cli", "alice").Access
	s.serves(t, old)
	kid := k.addKey(t)
	tokens := []string{k.login(t, "todo-cli", "alice").Access, k.login(t, "todo-cli", "bob").Access}
	for _, token := range tokens {
		if kidOf(t, token) != kid || kid == kidOf(t, old) {
			t.Fatalf("after key %s came to %s, a token is signed with %s", kid, kidOf(t, old), kidOf(t, token))
		}
	}
	if n := s.proxy.count(); n != 1 || s.proxy.gave(kid) {
		t.Fatalf("%d fetches before a token with the new key, want the one of the start, without the key", n)
	}

	s.proxy.slow(500 * time.Millisecond) // so that all requests find the fetch under way
	for _, err := range s.atOnce(t, 32, tokens) {
		t.Error(err)
	}
	s.proxy.slow(0)
	if n := s.proxy.count(); n != 2 {
		t.Errorf("%d fetches after 32 requests with the new key, want one more than the 1 of the start", n)
	}

	for _, token := range append(tokens, old) {
		s.serves(t, token)
	}
	if n := s.proxy.count(); n != 2 {
		t.Errorf("%d fetches after tokens of the old and the new key, want 2", n)
	}
}

// atOnce sends n requests at the same time, half of them over HTTP and half over
// gRPC, with the tokens in turn. It returns what went wrong.
func (s *todoServer) atOnce(t *testing.T, n int, tokens []string) (errs []error) {
	t.Helper()
	begin := make(chan struct{})
	failed := make(chan error, n)
	var all sync.WaitGroup
	for i := range n {
		list, token := s.list, tokens[i/2%len(tokens)]
		if i%2 == 1 {
			list = s.listRPC
		}
		all.Go(func() {
			<-begin
			if err := list(t.Context(), token); err != nil {
				failed <- err
			}
		})
	}
	close(begin)
	all.Wait()
	close(failed)
	for err := range failed {
		errs = append(errs, err)
	}
	return errs
}

func keycloakDisabledKey(t *testing.T, k *realKeycloak) {
	const interval = 10 * time.Second
	s := k.serve(t, "disabled-key", interval)
	old := k.login(t, "todo-cli", "alice").Access
	s.serves(t, old)
	kid := k.addKey(t)
	now := k.login(t, "todo-cli", "alice").Access
	if kidOf(t, now) != kid || kidOf(t, old) == kid {
		t.Fatalf("the new key is %s, tokens are signed with %s and then %s", kid, kidOf(t, old), kidOf(t, now))
	}
	s.serves(t, now)

	// The worst moment is right after a refresh, which a request starts.
	refreshed := s.proxy.answered(200) + 1
	s.until(t, "refresh", 2*interval, 100*time.Millisecond, func() bool {
		s.serves(t, old)
		return s.proxy.answered(200) >= refreshed
	})
	k.disableKey(t, kidOf(t, old))
	disabled := time.Now()
	// The interval may last 10 % longer. The next request starts a refresh and does
	// not wait for it; the one a second later is refused.
	limit := interval*11/10 + 2*time.Second
	s.serves(t, old) // nobody has told the server yet
	s.until(t, "refusal", limit, time.Second, func() bool {
		got := s.do(t, request{method: "GET", path: "/todos", token: old})
		t.Logf("%.1f s after the key was disabled: %d", time.Since(disabled).Seconds(), got.status)
		return got.status == unknownKey.status
	})
	if took := time.Since(disabled); took > limit {
		t.Errorf("the old key was given up %v after it was disabled, want within %v", took, limit)
	}
	s.refuses(t, old, unknownKey)
	s.serves(t, now)
}

// until asks done at once and after each pause until it says yes.
func (s *todoServer) until(t *testing.T, what string, limit, pause time.Duration, done func() bool) {
	t.Helper()
	late := time.After(limit)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("no %s within %v", what, limit)
		}
	}
}
