//go:build keycloak

package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"
)

// recovery is within what all servers must be back once Keycloak is: the longest
// pause between two attempts while requests are refused, and one fetch.
const recovery = 5*time.Second + 5*time.Second

func keycloakOutage(t *testing.T, k *realKeycloak) {
	warm := k.serve(t, "warm", quiet)
	busy := k.serve(t, "busy", 2*time.Second) // refreshes while Keycloak is away
	known := k.login(t, "todo-cli", "alice").Access
	nobodys := k.forge(t, known, 0, members{"kid": "nobody's"})
	warm.serves(t, known)
	busy.serves(t, known)

	t.Cleanup(func() { // for the tests after this one, whatever happens in it
		if k.process == nil {
			k.start(t)
		}
	})
	busy.servesWhile(t, known, func() { k.stop(t) })
	warm.serves(t, known)
	busy.until(t, "refresh that fails", 10*time.Second, 100*time.Millisecond, func() bool {
		busy.serves(t, known)
		return busy.proxy.answered(502) > 0
	})
	for _, s := range []*todoServer{warm, busy} {
		s.serves(t, known)
		s.refuses(t, nobodys, noKeys) // nobody can say whether there is such a key
		if s.proxy.answered(502) == 0 {
			t.Errorf("a token with an unknown kid caused no fetch by server %s", s.name)
		}
		s.refuses(t, k.forge(t, known, 1, members{"sub": "bob"}), badSignature)
		s.serves(t, known)
		s.healthy(t, 200, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	// Two that start meanwhile: one meets the proxy's 502, one a closed port.
	cold, discovering := k.serve(t, "cold", quiet), k.serveDiscovering(t, "discovering")
	for _, s := range []*todoServer{cold, discovering} {
		s.refuses(t, known, noKeys)
		s.refuses(t, "", noCredentials)
		s.healthy(t, 503, grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	}

	busy.servesWhile(t, known, func() { k.start(t) })
	kid := k.addKey(t)
	token := k.login(t, "todo-cli", "alice").Access
	if kidOf(t, token) != kid {
		t.Fatalf("the token is signed with %s, want the new key %s", kidOf(t, token), kid)
	}
	back := time.Now()
	for _, s := range []*todoServer{warm, busy, cold, discovering} {
		s.until(t, "recovery", recovery-time.Since(back), 200*time.Millisecond, func() bool {
			got := s.do(t, request{method: "GET", path: "/todos", token: token})
			if got.status != 200 && got.status != 503 {
				t.Fatalf("server %s gives %d %s while it recovers", s.name, got.status, got.header.Get("WWW-Authenticate"))
			}
			return got.status == 200
		})
		t.Logf("%.1f s after the first token with the new key server %s accepts it", time.Since(back).Seconds(), s.name)
		s.serves(t, token)
		s.serves(t, known)
		s.refuses(t, nobodys, unknownKey)
		s.healthy(t, 200, grpc_health_v1.HealthCheckResponse_SERVING)
	}
}

// servesWhile checks that the token is accepted over both all the time that do
// lasts.
func (s *todoServer) servesWhile(t *testing.T, token string, do func()) {
	t.Helper()
	stop, result := make(chan struct{}), make(chan error, 1)
	go func() { result <- s.keepListing(t.Context(), token, stop) }()
	defer func() {
		close(stop)
		if err := <-result; err != nil {
			t.Errorf("server %s: %v", s.name, err)
		}
	}()
	do()
}

// keepListing lists the todos over both until stop is closed or one goes wrong.
func (s *todoServer) keepListing(ctx context.Context, token string, stop <-chan struct{}) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := errors.Join(s.list(ctx, token), s.listRPC(ctx, token)); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-stop:
			return nil
		}
	}
}

// healthy checks what the server says of itself. It is alive in any case.
func (s *todoServer) healthy(t *testing.T, ready int, want grpc_health_v1.HealthCheckResponse_ServingStatus) {
	t.Helper()
	if got := s.do(t, request{method: "GET", path: "/healthz"}); got.status != 200 {
		t.Errorf("/healthz gave %d", got.status)
	}
	if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != ready {
		t.Errorf("/readyz gave %d %s, want %d", got.status, got.body, ready)
	}
	ctx, cancel := s.call(t.Context(), "")
	defer cancel()
	got, err := grpc_health_v1.NewHealthClient(s.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil || got.GetStatus() != want {
		t.Errorf("gRPC health gave %v, %v, want %v", got, err, want)
	}
}
