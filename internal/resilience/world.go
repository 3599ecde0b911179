package resilience

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

const (
	audience    = "api"
	otherOrigin = "https://elsewhere.example.org"
)

// world is an issuer, the way to it, and what is around a library under test.
type world struct {
	tb       testing.TB
	fault    *Fault
	issuer   *issuertest.Issuer
	impostor *issuertest.Issuer // who answers at the issuer's address, for some faults
	other    *issuertest.Issuer // at any other origin
	network  *network
	clock    *clock
	operate  func(func()) // does something to the issuer, where the issuer is

	held      *issuertest.Key // published from the start
	next      *issuertest.Key // published when the fault begins
	heldToken string
	nextToken string
	oddToken  string // under a key that is published and unfit; "": none
}

// newWorld makes a world as it is before the fault begins, all but the network and the
// clock. It is called where the issuer is: in the bubble or outside.
func newWorld(tb testing.TB, fault *Fault) *world {
	tb.Helper()
	w := &world{tb: tb, fault: fault, operate: func(f func()) { f() }}
	if fault.place == onSockets {
		w.issuer = issuertest.Listen(tb, &issuertest.ListenOptions{TLS: issuertest.TrustedTLS})
	} else {
		w.issuer = issuertest.Start(tb)
	}
	w.other = issuertest.New(otherOrigin)
	w.held = w.issuer.AddKey(verifier.RS256)
	w.next = w.issuer.NewKey(verifier.RS256)
	w.heldToken, w.nextToken = w.held.Token(lasting()), w.next.Token(lasting())
	if fault.arrange != nil {
		fault.arrange(w)
	}
	return w
}

// lasting are the claims of a token that is good at any time that a clock here shows:
// the faults are to meet keys, and not the times of tokens.
func lasting() issuertest.Claims {
	return issuertest.Claims{
		"aud": audience,
		"iat": time.Date(1999, time.January, 1, 0, 0, 0, 0, time.UTC),
		"exp": time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
}

// connect makes the way to the issuer, and the clock. It is called in the bubble, with
// a time that was read outside of it.
func (w *world) connect(tb testing.TB, booted time.Time) {
	tb.Helper()
	issuer, err := url.Parse(w.issuer.URL())
	if err != nil {
		tb.Fatal(err)
	}
	keySet, err := url.Parse(w.issuer.KeySet().URL())
	if err != nil {
		tb.Fatal(err)
	}
	own, ok := w.issuer.Client().Transport.(*http.Transport)
	if !ok {
		tb.Fatal("resilience: the issuer's client has another transport than expected")
	}
	w.network = newNetwork(issuer, keySet.Path, own, w.other)
	w.clock = newClock(booted)
}

// setup is what a library is told.
func (w *world) setup() Setup {
	s := Setup{
		Issuer:    w.issuer.URL(),
		KeySetURL: w.issuer.KeySet().URL(),
		Audience:  audience,
		Client:    &http.Client{Transport: w.network},
	}
	if w.fault.OfClock {
		s.Now = w.clock.now
	}
	return s
}

// begin lets the fault begin, and publishes the next key.
func (w *world) begin() {
	w.operate(func() {
		w.issuer.Publish(w.next)
		w.fault.begin(w)
	})
	w.network.transport.CloseIdleConnections()
}

// end lets the fault end, if it does.
func (w *world) end() {
	if w.fault.end != nil {
		w.operate(func() { w.fault.end(w) })
	}
}

// reuse gives the next key the kid of the held one.
func (w *world) reuse() {
	w.next.SetMember("kid", w.held.ID())
	w.nextToken = w.next.TokenWithHeader(issuertest.Claims{"kid": w.held.ID()}, lasting())
}

// precede puts a JWK in front of the issuer's own.
func (w *world) precede(jwk string) {
	own := keysOf(w.issuer.KeySet().Content())
	w.issuer.KeySet().SetContent(setOf(append([]string{jwk}, own...)))
}

// rewrite changes each JWK of the issuer.
func (w *world) rewrite(change func(jwk string) string) {
	keys := keysOf(w.issuer.KeySet().Content())
	for i, key := range keys {
		keys[i] = change(key)
	}
	w.issuer.KeySet().SetContent(setOf(keys))
}

// mirror lets every other origin serve the issuer's documents.
func (w *world) mirror() {
	w.other.KeySet().SetContent(w.issuer.KeySet().Content())
	w.other.Discovery().SetContent(w.issuer.Discovery().Content())
}
