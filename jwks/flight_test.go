package jwks_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
)

func TestG7NothingRunsWhileIdle(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			spoken := ""
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				spoken = r.Proto
				_, _ = w.Write(setOf(t, jwkOf(t, "p-256", nil)))
			}))
			server.EnableHTTP2 = protocol == "HTTP/2.0"
			server.StartTLS()
			defer server.Close()
			// The client that a user has by default, but for the test's certificate.
			client := jwks.NewClient()
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
			keys, err := jwks.NewRemote(server.URL, &jwks.Options{Client: client, Logger: discard()})
			if err != nil {
				t.Fatal(err)
			}
			if err := keys.Warm(t.Context()); err != nil || spoken != protocol {
				t.Fatalf("spoke %s: %v", spoken, err)
			}
			deadline := time.Now().Add(5 * time.Second)
			for running() != "" && time.Now().Before(deadline) {
				synchronise(t, keys)
			}
			if left := running(); left != "" {
				t.Errorf("still running:\n%s", left)
			}
		})
	}
}

// synchronise gives other goroutines a chance to end.
func synchronise(t *testing.T, keys *jwks.Remote) {
	t.Helper()
	if err := keys.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	timer := time.NewTimer(time.Millisecond)
	<-timer.C
}

// running returns the stacks of goroutines that a source or its connections left.
func running() string {
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		return err.Error()
	}
	var left []string
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if strings.Contains(stack, "jwks.(*Remote).fly") || strings.Contains(stack, "http.(*persistConn)") || strings.Contains(stack, "http2ClientConn") || strings.Contains(stack, "http2.(*ClientConn)") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func TestOneFetchAtATime(t *testing.T) {
	bubble(t, jwks.Options{Cooldown: 1}, func(s *source) {
		under, most := 0, 0
		s.idp.KeySet().Break(func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
			under++
			most = max(most, under)
			slow(300*time.Millisecond)(w, r, healthy)
			under--
		})
		for range 50 {
			go s.ask(s.kid())
			go s.ask(time.Now().String())
			go s.keys.Recheck()
			go func() { _ = s.keys.Ready() }()
			s.after(100 * time.Millisecond)
		}
		s.after(10 * time.Second)
		if most != 1 || s.fetches() < 10 {
			s.Errorf("%d fetches at a time, %d in all", most, s.fetches())
		}
	})
}
