package issuertest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestTruncate(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		set := string(idp.KeySet().Content())
		fetch(t, idp, idp.KeySet().URL()) // The connection is kept.
		idp.KeySet().BreakNext(1, issuertest.Truncate())
		resp := open(t.Context(), t, idp)
		body, err := readAll(resp)
		if body != set[:len(set)/2] || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d octets and error %v, want %d and an unexpected end", len(body), err, len(set)/2)
		}
		if resp.StatusCode != 200 || resp.ContentLength != int64(len(set)) {
			t.Errorf("status %d, length %d, want 200 and %d", resp.StatusCode, resp.ContentLength, len(set))
		}
		if a := fetch(t, idp, idp.KeySet().URL()); a.body != set {
			t.Errorf("%d octets after it, want the document", len(a.body))
		}
	})
}

func TestReset(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, idp *issuertest.Issuer) {
		for range 3 { // The connection is new at first, and then one that is kept.
			before := idp.KeySet().Fetches()
			idp.KeySet().BreakNext(1, issuertest.Reset())
			a, err := try(t.Context(), idp, idp.KeySet().URL())
			if err == nil {
				t.Errorf("status %d, want an error", a.status)
			}
			if p.name != "memory" && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("error of the fetch: %v, want a reset connection", err)
			}
			if n := idp.KeySet().Fetches() - before; n != 1 {
				t.Errorf("%d fetches were counted, want one", n)
			}
			fetch(t, idp, idp.KeySet().URL())
		}
	})
}

func TestCutsOverHTTP2(t *testing.T) {
	for name, fault := range map[string]issuertest.Fault{"Truncate": issuertest.Truncate(), "Reset": issuertest.Reset()} {
		idp := issuertest.New("https://id.example.com")
		idp.AddKey(verifier.ES256)
		server := httptest.NewTestServer(t, idp)
		server.EnableHTTP2 = true
		for _, f := range []issuertest.Fault{nil, fault} {
			idp.KeySet().Break(f)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.KeySet().URL(), nil)
			if err != nil {
				t.Fatal(err)
			}
			a, err := answerOf(server.Client().Do(req))
			if (err != nil) != (f != nil) {
				t.Errorf("%s: status %d, error %v", name, a.status, err)
			}
			if f == nil && a.proto != "HTTP/2.0" {
				t.Errorf("%s: the protocol is %s", name, a.proto)
			}
		}
	}
}

// A server that does not give its connection away is one more case.
func TestResetWithoutAConnection(t *testing.T) {
	idp := issuertest.New("https://id.example.com")
	idp.KeySet().Break(issuertest.Reset())
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // The very value is what servers look for.
			t.Errorf("panic %v, want that of an aborted handler", p)
		}
	}()
	serve(t, idp, http.MethodGet, idp.KeySet().URL())
}
