package issuertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func ExampleHang() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	idp.KeySet().Break(issuertest.Hang())
	// The service starts here, and must not wait for ever.
	idp.Repair()
}

func ExampleStatus() {
	idp := issuertest.New("https://id.example.com")
	idp.KeySet().Break(issuertest.Status(http.StatusBadGateway))
	show(idp, idp.KeySet())
	// Output: 502 text/plain; charset=utf-8 Bad Gateway
}

func ExampleBody() {
	idp := issuertest.New("https://id.example.com")
	idp.KeySet().Break(issuertest.Body("text/html", "<h1>Sign in to the guest network</h1>"))
	show(idp, idp.KeySet())
	// Output: 200 text/html <h1>Sign in to the guest network</h1>
}

func ExampleOversize() {
	idp := issuertest.New("https://id.example.com")
	idp.KeySet().Break(issuertest.Oversize(2 << 20))
}

func ExampleRedirectTo() {
	idp, stranger := issuertest.New("https://id.example.com"), issuertest.New("https://id.example.org")
	idp.KeySet().Break(issuertest.RedirectTo(stranger.KeySet().URL()))
}

func ExampleContentType() {
	idp := issuertest.New("https://id.example.com")
	idp.KeySet().SetContent([]byte(`{"keys":[]}`))
	idp.KeySet().Break(issuertest.ContentType("text/plain"))
	show(idp, idp.KeySet())
	// Output: 200 text/plain {"keys":[]}
}

func ExampleNotModified() {
	idp := issuertest.New("https://id.example.com")
	idp.KeySet().Break(issuertest.NotModified())
	show(idp, idp.KeySet())
	// Output: 304
}

// The answer is later than a client waits whose limit is 5 seconds. In virtual time
// that takes no time.
func ExampleSlowHeader() {
	t := new(testing.T) // the test's own

	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		idp.KeySet().Break(issuertest.SlowHeader(6 * time.Second))
		client := *idp.Client()
		client.Timeout = 5 * time.Second
		if _, err := client.Get(idp.KeySet().URL()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want a timeout", err)
		}
	})
}

// A limit for the header alone would let this answer take an hour.
func ExampleSlowBody() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	idp.KeySet().BreakNext(1, issuertest.SlowBody(time.Hour))
}

func ExampleHangBody() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	idp.KeySet().BreakNext(1, issuertest.HangBody())
}

func ExampleTruncate() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	idp.KeySet().Break(issuertest.Truncate())
	resp, err := idp.Client().Get(idp.KeySet().URL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want an unexpected end", err)
	}
}

func ExampleReset() {
	t := new(testing.T) // the test's own

	idp := issuertest.Listen(t, nil)
	idp.KeySet().Break(issuertest.Reset())
	resp, err := idp.Client().Get(idp.KeySet().URL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v, want a reset connection", err)
	}
}

// The issuer is away for 10 seconds of each minute.
func ExampleFlap() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	idp.Break(issuertest.Flap(50*time.Second, 10*time.Second, issuertest.Status(http.StatusServiceUnavailable)))
}

// A new key has reached one node of two.
func ExampleNodes() {
	idp := issuertest.New("https://id.example.com")
	old := idp.KeySet().Content()
	key := idp.Rotate()
	idp.KeySet().Break(issuertest.Nodes(old, idp.KeySet().Content()))

	for range 3 {
		w := httptest.NewRecorder()
		idp.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, idp.KeySet().URL(), nil))
		fmt.Println(strings.Contains(w.Body.String(), key.ID()))
	}
	// Output:
	// false
	// true
	// false
}

// An issuer whose clock is late mints tokens that have expired already.
func ExampleIssuer_SetSkew() {
	idp := issuertest.New("https://id.example.com")
	keys, err := jwks.NewStatic(idp.KeySet().Content())
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     idp.URL(),
		Audience:   verifier.AnyOf("api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	idp.SetSkew(-time.Hour)
	_, err = v.Verify(context.Background(), idp.Token(nil))
	fmt.Println(verifier.KindOf(err).String())
	// Output: expired
}

func ExampleListen() {
	t := new(testing.T) // the test's own

	idp := issuertest.Listen(t, &issuertest.ListenOptions{TLS: issuertest.TrustedTLS})
	keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Warm(t.Context()); err != nil {
		t.Error(err)
	}
}

// A service must not take keys from a server that cannot prove its name.
func ExampleTLS() {
	t := new(testing.T) // the test's own

	for name, kind := range map[string]issuertest.TLS{
		"untrusted":  issuertest.UntrustedTLS,
		"expired":    issuertest.ExpiredTLS,
		"wrong host": issuertest.WrongHostTLS,
	} {
		idp := issuertest.Listen(t, &issuertest.ListenOptions{TLS: kind})
		if _, err := idp.Client().Get(idp.KeySet().URL()); err == nil {
			t.Errorf("%s: the server was believed", name)
		}
	}
}

// After Start, the same works in memory and virtual time.
func ExampleIssuer_Stop() {
	t := new(testing.T) // the test's own

	idp := issuertest.Listen(t, nil)
	idp.Stop()
	if _, err := idp.Client().Get(idp.KeySet().URL()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v, want a refused connection", err)
	}
	idp.Resume()
}

// The service is started before its issuer.
func ExampleIssuer_Resume() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	idp.Stop()
	keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if keys.Ready() == nil {
		t.Error("ready without keys")
	}
	idp.Resume()
}

// show prints a document as the issuer serves it.
func show(idp *issuertest.Issuer, d *issuertest.Document) {
	w := httptest.NewRecorder()
	idp.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, d.URL(), nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"), w.Body)
}
