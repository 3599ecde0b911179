package issuertest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestFaults(t *testing.T) {
	idp := issuertest.Start(t)
	idp.AddKey(verifier.ES256)
	set := string(idp.KeySet().Content())
	tests := map[string]struct {
		fault    issuertest.Fault
		status   int
		body     string
		location string
	}{
		"none":       {nil, 200, set, ""},
		"status":     {issuertest.Status(503), 503, "Service Unavailable", ""},
		"not found":  {issuertest.Status(404), 404, "Not Found", ""},
		"garbage":    {issuertest.Body("text/html", "<p>hello"), 200, "<p>hello", ""},
		"empty":      {issuertest.Body("text/html", ""), 200, "", ""},
		"oversize":   {issuertest.Oversize(2 << 20), 200, set + strings.Repeat(" ", 2<<20-len(set)), ""},
		"small size": {issuertest.Oversize(1), 200, set, ""},
		"redirect":   {issuertest.RedirectTo("https://other.example.com/keys"), 302, "", "https://other.example.com/keys"},
		"test's own": {stray, 200, set, "https://stray.example.com"},
	}
	client := *idp.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			idp.KeySet().Break(tt.fault)
			defer idp.KeySet().Repair()
			before := idp.KeySet().Fetches()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.KeySet().URL(), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := new(strings.Builder)
			if _, err := io.Copy(body, resp.Body); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || body.String() != tt.body || resp.Header.Get("Location") != tt.location {
				t.Errorf("status %d, location %q, %d octets; want %d, %q, %d octets", resp.StatusCode, resp.Header.Get("Location"), body.Len(), tt.status, tt.location, len(tt.body))
			}
			if n := idp.KeySet().Fetches() - before; n != 1 {
				t.Errorf("%d fetches were counted, want one", n)
			}
			if a := fetch(t, idp, idp.Discovery().URL()); a.status != 200 {
				t.Errorf("discovery has status %d, want 200", a.status)
			}
			idp.KeySet().Repair()
			if a := fetch(t, idp, idp.KeySet().URL()); a.status != 200 || a.body != set {
				t.Errorf("status %d after the repair", a.status)
			}
		})
	}
}

func stray(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
	w.Header().Set("Location", "https://stray.example.com")
	healthy.ServeHTTP(w, r)
}

func TestOversizeDoesNotAnnounceItsLength(t *testing.T) {
	idp := issuertest.Start(t)
	idp.KeySet().Break(issuertest.Oversize(1024))
	if a := fetch(t, idp, idp.KeySet().URL()); len(a.body) != 1024 || a.header.Get("Content-Length") != "" {
		t.Errorf("%d octets, Content-Length %q", len(a.body), a.header.Get("Content-Length"))
	}
}

func TestBreakNextComesBeforeBreak(t *testing.T) {
	idp := issuertest.Start(t)
	keys := idp.KeySet()
	keys.Break(issuertest.Status(500))
	keys.BreakNext(2, issuertest.Status(501))
	keys.BreakNext(1, issuertest.Status(502))
	keys.BreakNext(1, nil)
	for i, want := range []int{501, 501, 502, 200, 500, 500} {
		if a := fetch(t, idp, keys.URL()); a.status != want {
			t.Errorf("fetch %d has status %d, want %d", i, a.status, want)
		}
	}
	keys.BreakNext(1, issuertest.Status(501))
	keys.Repair()
	if a := fetch(t, idp, keys.URL()); a.status != 200 {
		t.Errorf("status %d after the repair, want 200", a.status)
	}
}

func TestBreakOfTheWholeIssuer(t *testing.T) {
	idp := issuertest.Start(t)
	check := func(want int) {
		t.Helper()
		for _, d := range []*issuertest.Document{idp.KeySet(), idp.Discovery(), idp.Metadata()} {
			if a := fetch(t, idp, d.URL()); a.status != want {
				t.Errorf("%s has status %d, want %d", d.URL(), a.status, want)
			}
		}
	}
	idp.Break(issuertest.Status(500))
	check(500)
	idp.Repair()
	check(200)
}

func TestHangEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		ended := make(chan struct{})
		hang := issuertest.Hang()
		idp.KeySet().Break(func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
			defer close(ended)
			hang(w, r, healthy)
		})
		start := time.Now()
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		if _, err := try(ctx, idp, idp.KeySet().URL()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error of the fetch: %v, want its timeout", err)
		}
		if waited := time.Since(start); waited != time.Hour {
			t.Errorf("the fetch took %v, want an hour", waited)
		}
		<-ended // The bubble reports a deadlock if it never ends.
	})
}

func TestHungFetchIsAnsweredAsItArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		idp.AddKey(verifier.ES256)
		before := string(idp.KeySet().Content())
		idp.KeySet().BreakNext(1, issuertest.Hang())
		answers := make(chan answer)
		go func() { answers <- fetch(t, idp, idp.KeySet().URL()) }()
		synctest.Wait()
		if n := idp.KeySet().Fetches(); n != 1 {
			t.Fatalf("%d fetches have arrived, want one", n)
		}
		idp.Rotate()
		if a := fetch(t, idp, idp.KeySet().URL()); a.body == before {
			t.Error("the fetch after the hung one brought the old set")
		}
		select {
		case <-answers:
			t.Fatal("the fetch did not hang")
		default:
		}
		idp.KeySet().Repair()
		if a := <-answers; a.status != 200 || a.body != before {
			t.Errorf("status %d, not the set before the rotation", a.status)
		}
	})
}

func TestHangEndsWithTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		idp.Break(issuertest.Hang())
		go func() { _, _ = try(context.Background(), idp, idp.KeySet().URL()) }()
		synctest.Wait()
		if n := idp.KeySet().Fetches(); n != 1 {
			t.Errorf("%d fetches hang, want one", n)
		}
	}) // The bubble reports a deadlock if the fetch hangs on.
}

func TestHeaders(t *testing.T) {
	idp := issuertest.Start(t)
	keys := idp.KeySet()
	if a := fetch(t, idp, keys.URL()); a.header.Get("Content-Type") != "application/json" || a.header.Get("ETag") != "" {
		t.Errorf("headers %v", a.header)
	}
	keys.SetHeader("Cache-Control", "max-age=60")
	keys.SetHeader("Retry-After", "7")
	if a := fetch(t, idp, keys.URL()); a.header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("headers %v", a.header)
	}
	keys.BreakNext(1, issuertest.Status(503))
	if a := fetch(t, idp, keys.URL()); a.status != 503 || a.header.Get("Retry-After") != "7" {
		t.Errorf("status %d, headers %v", a.status, a.header)
	}
	keys.SetHeader("Retry-After", "")
	if a := fetch(t, idp, keys.URL()); a.header.Values("Retry-After") != nil {
		t.Errorf("headers %v", a.header)
	}
}

func TestValidators(t *testing.T) {
	idp := issuertest.Start(t)
	keys := idp.KeySet()
	keys.SetHeader("ETag", `"one"`)
	const modified = "Mon, 02 Nov 2026 10:00:00 GMT"
	keys.SetHeader("Last-Modified", modified)
	for validator, want := range map[string]int{modified: 304, "Mon, 02 Nov 2026 09:59:59 GMT": 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, keys.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-Modified-Since", validator)
		resp, err := idp.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d since %s, want %d", resp.StatusCode, validator, want)
		}
	}
	for validator, want := range map[string]int{`"one"`: 304, `"two"`: 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, keys.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", validator)
		resp, err := idp.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d for %s, want %d", resp.StatusCode, validator, want)
		}
		if got := keys.LastRequest().Get("If-None-Match"); got != validator {
			t.Errorf("last request has If-None-Match %q", got)
		}
	}
}

func TestLastRequest(t *testing.T) {
	idp := issuertest.Start(t)
	if h := idp.KeySet().LastRequest(); h != nil {
		t.Errorf("header %v before the first request", h)
	}
	fetch(t, idp, idp.KeySet().URL())
	if h := idp.KeySet().LastRequest(); h.Get("Cache-Control") != "no-cache" {
		t.Errorf("header %v, want Cache-Control: no-cache", h)
	}
	if h := idp.Discovery().LastRequest(); h != nil {
		t.Errorf("header %v of another document", h)
	}
}

func TestSetContent(t *testing.T) {
	idp := issuertest.Start(t)
	own := string(idp.KeySet().Content())
	for _, content := range []string{`{"keys":[]}`, "", `{`} {
		idp.KeySet().SetContent([]byte(content))
		if a := fetch(t, idp, idp.KeySet().URL()); a.status != 200 || a.body != content {
			t.Errorf("status %d, body %q, want %q", a.status, a.body, content)
		}
	}
	idp.KeySet().SetContent(nil)
	if a := fetch(t, idp, idp.KeySet().URL()); a.body != own {
		t.Errorf("body %q, want the issuer's own", a.body)
	}
}
