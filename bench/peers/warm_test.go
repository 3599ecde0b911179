package peers_test

import (
	"context"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/issuertest"
)

const audience = "api"

func setupFor(idp *issuertest.Issuer) peers.Setup {
	return peers.Setup{Issuer: idp.URL(), KeySetURL: idp.KeySet().URL(), Audience: audience, Client: idp.Client()}
}

// warm makes a subject that the test closes, and shows it a good token first: a later
// refusal is then not for want of keys.
func warm(tb testing.TB, p peers.Peer, idp *issuertest.Issuer) peers.Subject {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	subject, err := p.New(ctx, setupFor(idp))
	if err != nil {
		tb.Fatalf("%s cannot be made: %v", p.Name, err)
	}
	tb.Cleanup(subject.Close)
	if err := subject.Verify(tb.Context(), idp.Token(nil)); err != nil {
		tb.Fatalf("%s refuses a good token: %v", p.Name, err)
	}
	return subject
}
