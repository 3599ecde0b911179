package issuertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestFlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		idp.KeySet().Break(issuertest.Flap(2*time.Minute, time.Minute, issuertest.Status(503)))
		time.Sleep(149 * time.Second) // Nothing counts before the first fetch.
		begin := time.Now()
		for _, tt := range []struct {
			at   time.Duration
			want int
		}{
			{0, 200},
			{2*time.Minute - 1, 200},
			{2 * time.Minute, 503},
			{3*time.Minute - 1, 503},
			{3 * time.Minute, 200},
			{5 * time.Minute, 503},
			{302 * time.Minute, 503},
			{303 * time.Minute, 200},
		} {
			time.Sleep(time.Until(begin.Add(tt.at)))
			if a := fetch(t, idp, idp.KeySet().URL()); a.status != tt.want {
				t.Errorf("status %d after %v, want %d", a.status, tt.at, tt.want)
			}
		}
	})
}

func TestFlapLetsGoWhenTheIssuerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		idp.AddKey(verifier.ES256)
		idp.KeySet().Break(issuertest.Flap(time.Minute, time.Minute, issuertest.Hang()))
		fetch(t, idp, idp.KeySet().URL())
		time.Sleep(90 * time.Second)
		begin := time.Now()
		if a := fetch(t, idp, idp.KeySet().URL()); a.body != string(idp.KeySet().Content()) {
			t.Errorf("status %d, %d octets, want the document", a.status, len(a.body))
		}
		if waited := time.Since(begin); waited != 30*time.Second {
			t.Errorf("the fetch took %v, want the rest of the outage, 30s", waited)
		}
	})
}

func TestFlapOnSockets(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	idp.AddKey(verifier.ES256)
	idp.KeySet().Break(issuertest.Flap(20*time.Millisecond, 20*time.Millisecond, issuertest.Status(503)))
	for _, want := range []int{200, 503, 200} {
		deadline := time.Now().Add(10 * time.Second)
		for fetch(t, idp, idp.KeySet().URL()).status != want {
			if time.Now().After(deadline) {
				t.Fatalf("no answer has status %d", want)
			}
		}
	}
}

func TestFlapPanicsForNothing(t *testing.T) {
	for name, call := range map[string]func() issuertest.Fault{
		"never up":   func() issuertest.Fault { return issuertest.Flap(0, 1, issuertest.Hang()) },
		"never down": func() issuertest.Fault { return issuertest.Flap(1, 0, issuertest.Hang()) },
		"no fault":   func() issuertest.Fault { return issuertest.Flap(1, 1, nil) },
		"no node":    func() issuertest.Fault { return issuertest.Nodes() },
	} {
		t.Run(name, func(t *testing.T) {
			wantMisuse(t, func() { call() })
		})
	}
}

func wantMisuse(t *testing.T, call func()) {
	t.Helper()
	defer func() {
		if message, ok := recover().(string); !ok || len(message) < len("issuertest: ") {
			t.Errorf("panic %q, want one with a reason", message)
		}
	}()
	call()
}
