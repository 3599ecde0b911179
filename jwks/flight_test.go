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
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestLogTellsOfFailureRecoveryChangeAndSkippedKeysOnce(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		count := func(want int, texts ...string) {
			s.Helper()
			n := 0
			for _, line := range s.log.lines(texts[0]) {
				for _, text := range texts {
					if !strings.Contains(line, text) {
						s.Errorf("line %s lacks %s", line, text)
					}
				}
				n++
			}
			if n != want {
				s.Errorf("%d lines of %q, want %d, in:\n%s", n, texts[0], want, s.log)
			}
		}
		issuer := "issuer=" + s.idp.URL()
		s.warm()
		count(1, "the key set changed", "level=INFO", issuer, "added=["+s.kid()+"]", "removed=[]")
		for range 5 {
			s.after(5 * time.Minute)
			s.ask(s.kid())
		}
		count(1, "the key set changed")

		s.idp.KeySet().BreakNext(2, issuertest.Status(500))
		s.after(5 * time.Minute)
		for range 3 {
			s.ask(s.kid())
			s.after(2 * time.Second)
		}
		count(2, "fetching the key set failed", "level=WARN", issuer, `error="jwks: the key set cannot be had: the answer has status 500"`, "failures=")
		count(1, "the key set can be fetched again", "level=INFO", issuer, "failures=2")

		old := s.idp.Key()
		odd := s.idp.AddKey(verifier.ES256)
		odd.SetMember("use", "enc")
		s.idp.Withdraw(old)
		next := s.idp.AddKey(verifier.ES256)
		for range 5 {
			s.after(5 * time.Minute)
			s.ask(next.ID())
		}
		count(2, "the key set changed", "level=INFO", issuer)
		count(1, "removed=["+old.ID()+"]", "added=["+next.ID()+"]")
		count(1, "a key of the set is not used", "level=INFO", issuer, "kid="+odd.ID(), `reason="use is not sig"`)
	})
}

// A source that knows no issuer is told apart by its URL.
func TestLogOfNewRemoteNamesTheURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		log := &logbook{}
		keys, err := jwks.NewRemote(idp.KeySet().URL(), &jwks.Options{Client: idp.Client(), Logger: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		idp.AddKey(verifier.ES256)
		if err := keys.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if lines := log.lines("the key set changed"); len(lines) != 1 || !strings.Contains(lines[0], "url="+idp.KeySet().URL()) {
			t.Errorf("the log is %q, want the URL in it", lines)
		}
	})
}

// A handler of the log that asks for the status must not find the source locked.
func TestLogIsWrittenWithoutALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource(t, &jwks.Options{})
		lines := 0
		log := &logbook{written: func() {
			lines++
			s.keys.Status()
		}}
		keys, err := jwks.Discover(s.idp.URL(), &jwks.Options{Client: s.idp.Client(), Logger: log.logger()})
		s.use(keys, err)
		s.warm()
		s.spend()
		if lines != 2 {
			s.Errorf("%d lines, want one of the change and one of the refusal:\n%s", lines, log)
		}
	})
}

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
