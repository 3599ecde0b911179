package issuertest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
)

func TestListen(t *testing.T) {
	for name, tt := range map[string]struct {
		options *issuertest.ListenOptions
		scheme  string
	}{
		"no options":   {nil, "http"},
		"zero options": {&issuertest.ListenOptions{}, "http"},
		"TLS":          {&issuertest.ListenOptions{TLS: issuertest.TrustedTLS}, "https"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := issuertest.Listen(t, tt.options)
			u, err := url.Parse(idp.URL())
			if err != nil {
				t.Fatal(err)
			}
			if u.Scheme != tt.scheme || u.Hostname() != "127.0.0.1" || u.Port() == "" || u.Path != "" {
				t.Errorf("URL %s, want %s on a port of 127.0.0.1", u, tt.scheme)
			}
			if a := fetch(t, idp, idp.KeySet().URL()); a.body != string(idp.KeySet().Content()) || a.proto != "HTTP/1.1" {
				t.Errorf("%d octets over %s, want the key set over HTTP/1.1", len(a.body), a.proto)
			}
			if _, err := newVerifier(t, idp).Verify(t.Context(), idp.Token(nil)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBadCertificates(t *testing.T) {
	for name, tt := range map[string]struct {
		kind  issuertest.TLS
		fault func(error) bool
	}{
		"untrusted":  {issuertest.UntrustedTLS, isError[x509.UnknownAuthorityError]},
		"wrong host": {issuertest.WrongHostTLS, isError[x509.HostnameError]},
		"expired": {issuertest.ExpiredTLS, func(err error) bool {
			invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
			return ok && invalid.Reason == x509.Expired
		}},
	} {
		t.Run(name, func(t *testing.T) {
			idp := issuertest.Listen(t, &issuertest.ListenOptions{TLS: tt.kind})
			if _, err := try(t.Context(), idp, idp.KeySet().URL()); !tt.fault(err) {
				t.Errorf("error of the fetch: %v", err)
			}
			if n := idp.KeySet().Fetches(); n != 0 {
				t.Errorf("%d fetches arrived, want none", n)
			}
		})
	}
}

func isError[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// A source may have to do with a second issuer, or a second address.
func TestClientsOfListenReachEachOther(t *testing.T) {
	issuers := []*issuertest.Issuer{
		issuertest.Listen(t, nil),
		issuertest.Listen(t, &issuertest.ListenOptions{TLS: issuertest.TrustedTLS}),
		issuertest.Listen(t, &issuertest.ListenOptions{TLS: issuertest.TrustedTLS}),
	}
	for _, a := range issuers {
		for _, b := range issuers {
			if got := fetch(t, a, b.Discovery().URL()); got.body != string(b.Discovery().Content()) {
				t.Errorf("%d octets of %s from the client of %s", len(got.body), b.URL(), a.URL())
			}
		}
	}
}

// Whoever insists on HTTP/2 does not get it: it would share a connection among fetches.
func TestListenSpeaksHTTP1(t *testing.T) {
	idp := issuertest.Listen(t, &issuertest.ListenOptions{TLS: issuertest.TrustedTLS})
	transport := idp.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.KeySet().URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := answerOf((&http.Client{Transport: transport}).Do(req)); err != nil || a.proto != "HTTP/1.1" {
		t.Errorf("protocol %s, error %v", a.proto, err)
	}
}

func TestListenPanicsForNoKindOfTLS(t *testing.T) {
	wantMisuse(t, func() { issuertest.Listen(t, &issuertest.ListenOptions{TLS: 99}) })
}

// A goroutine needs a moment to end after its connection has.
func TestListenLeavesNothingBehind(t *testing.T) {
	for _, p := range places[1:] {
		t.Run(p.name, func(t *testing.T) {
			idp := p.start(t)
			fetch(t, idp, idp.KeySet().URL())
			for name, fault := range waiting {
				arrived := make(chan struct{})
				idp.KeySet().BreakNext(1, announced(fault, arrived))
				go func() {
					if _, err := try(context.Background(), idp, idp.KeySet().URL()); err != nil {
						t.Logf("%s: %v", name, err)
					}
				}()
				<-arrived
			}
			for _, fault := range []issuertest.Fault{issuertest.Truncate(), issuertest.Reset()} {
				idp.KeySet().BreakNext(1, fault)
				if _, err := try(t.Context(), idp, idp.KeySet().URL()); err == nil {
					t.Error("the connection was not cut")
				}
			}
			idp.Stop()
			idp.Resume()
			fetch(t, idp, idp.KeySet().URL())
		})
	}
	wantNoGoroutine(t, "net/http.")
}

func TestClientOfListenKeepsNothingOpen(t *testing.T) {
	other := issuertest.Listen(t, nil)
	t.Run("", func(t *testing.T) {
		fetch(t, issuertest.Listen(t, nil), other.KeySet().URL())
	})
	wantNoGoroutine(t, "net/http.(*persistConn)")
}

// wantNoGoroutine waits for the end of the goroutines in a function of that name.
func wantNoGoroutine(t *testing.T, name string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for stacks := goroutines(t); strings.Contains(stacks, name); stacks = goroutines(t) {
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left:\n%s", stacks)
		}
	}
}

func goroutines(t *testing.T) string {
	t.Helper()
	stacks := new(bytes.Buffer)
	if err := pprof.Lookup("goroutine").WriteTo(stacks, 1); err != nil {
		t.Fatal(err)
	}
	return stacks.String()
}
