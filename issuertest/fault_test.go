package issuertest_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestContentType(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		set := string(idp.KeySet().Content())
		for value, want := range map[string][]string{"text/html": {"text/html"}, "": nil} {
			idp.KeySet().Break(issuertest.ContentType(value))
			a := fetch(t, idp, idp.KeySet().URL())
			if got := a.header.Values("Content-Type"); !slices.Equal(got, want) {
				t.Errorf("content type %q, want %q", got, want)
			}
			if a.status != 200 || a.body != set || a.header.Get("Content-Length") != strconv.Itoa(len(set)) {
				t.Errorf("status %d, %d octets, length %q, want the document", a.status, len(a.body), a.header.Get("Content-Length"))
			}
		}
	})
}

// HEAD has the header of GET.
func TestHeadOfAFault(t *testing.T) {
	idp := issuertest.Start(t)
	idp.KeySet().Break(issuertest.ContentType("text/html"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, idp.KeySet().URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := answerOf(idp.Client().Do(req))
	if want := strconv.Itoa(len(idp.KeySet().Content())); err != nil || a.body != "" || a.header.Get("Content-Length") != want {
		t.Errorf("%d octets, length %q, error %v, want none of %s", len(a.body), a.header.Get("Content-Length"), err, want)
	}
}

func TestNotModified(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		idp.KeySet().SetHeader("ETag", `"one"`)
		idp.KeySet().Break(issuertest.NotModified())
		a := fetch(t, idp, idp.KeySet().URL())
		if a.status != 304 || a.body != "" || a.header.Get("ETag") != `"one"` || a.header.Get("Content-Type") != "" {
			t.Errorf("status %d, %d octets, header %v", a.status, len(a.body), a.header)
		}
		idp.Repair()
		if a := fetch(t, idp, idp.KeySet().URL()); a.status != 200 {
			t.Errorf("status %d after the repair, want 200", a.status)
		}
	})
}

// The faults of an issuer as a whole differ by document.
func TestFaultsOfAllDocuments(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		idp.Break(issuertest.ContentType("text/html"))
		for _, d := range []*issuertest.Document{idp.KeySet(), idp.Discovery(), idp.Metadata()} {
			if a := fetch(t, idp, d.URL()); a.body != string(d.Content()) || a.header.Get("Content-Type") != "text/html" {
				t.Errorf("%s: header %v, %d octets", d.URL(), a.header, len(a.body))
			}
		}
	})
}

// What a fault does to a body, it does where a validator would have spared it.
func TestFaultsOfTheBodyIgnoreValidators(t *testing.T) {
	idp := issuertest.Start(t)
	idp.AddKey(verifier.ES256)
	idp.KeySet().SetHeader("ETag", `"one"`)
	for name, fault := range map[string]issuertest.Fault{
		"ContentType": issuertest.ContentType("application/json"), "Oversize": issuertest.Oversize(0),
		"SlowBody": issuertest.SlowBody(0), "Truncate": issuertest.Truncate(),
		"Reset": issuertest.Reset(),
	} {
		idp.KeySet().Break(fault)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.KeySet().URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", `"one"`)
		req.Header.Set("If-Match", `"two"`)
		req.Header.Set("Range", "bytes=0-0")
		resp, err := idp.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := readAll(resp)
		resp.Body.Close()
		if (err != nil) != (name == "Truncate" || name == "Reset") {
			t.Errorf("%s: error %v", name, err)
		}
		if resp.StatusCode != 200 || body == "" || !strings.HasPrefix(string(idp.KeySet().Content()), body) {
			t.Errorf("%s: status %d, %d octets, want the document or its beginning", name, resp.StatusCode, len(body))
		}
	}
}
