package issuertest_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// place is where an issuer is served.
type place struct {
	name  string
	start func(t *testing.T) *issuertest.Issuer
	run   func(t *testing.T, test func(t *testing.T))
	delay time.Duration // what a test of this place can afford to wait
}

var places = []place{
	{"memory", func(t *testing.T) *issuertest.Issuer { return issuertest.Start(t) }, synctest.Test, time.Hour},
	{"http", listener(issuertest.PlainHTTP), runOnly, 20 * time.Millisecond},
	{"https", listener(issuertest.TrustedTLS), runOnly, 20 * time.Millisecond},
}

func listener(kind issuertest.TLS) func(t *testing.T) *issuertest.Issuer {
	return func(t *testing.T) *issuertest.Issuer {
		t.Helper()
		return issuertest.Listen(t, &issuertest.ListenOptions{TLS: kind})
	}
}

func runOnly(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	test(t)
}

// everywhere runs the test in memory and virtual time, and on sockets.
func everywhere(t *testing.T, test func(t *testing.T, p place, idp *issuertest.Issuer)) {
	t.Helper()
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			p.run(t, func(t *testing.T) {
				idp := p.start(t)
				idp.AddKey(verifier.ES256)
				test(t, p, idp)
			})
		})
	}
}

// exact reports whether a fault that waits has waited for d; on sockets, more is right.
func (p place) exact(waited, d time.Duration) bool {
	return waited == d || p.name != "memory" && waited > d
}

// open fetches the key set up to the header. The response ends with the test.
func open(ctx context.Context, t *testing.T, idp *issuertest.Issuer) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, idp.KeySet().URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := idp.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// readAll returns what arrived, and how it ended.
func readAll(resp *http.Response) (string, error) {
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// watched returns a fault that closes a channel when it has ended, for one fetch.
func watched(fault issuertest.Fault) (issuertest.Fault, <-chan struct{}) {
	ended := make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		defer close(ended)
		fault(w, r, healthy)
	}, ended
}

// announced returns a fault that closes arrived when a fetch meets it, for one fetch.
func announced(fault issuertest.Fault, arrived chan<- struct{}) issuertest.Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		close(arrived)
		fault(w, r, healthy)
	}
}
