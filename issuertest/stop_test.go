package issuertest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestStopAndResume(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		for range 2 {
			fetch(t, idp, idp.KeySet().URL()) // The connection is kept.
			before := idp.KeySet().Fetches()
			idp.Stop()
			idp.Stop()
			for range 2 {
				if _, err := try(t.Context(), idp, idp.KeySet().URL()); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("error of a fetch from a stopped issuer: %v, want a refused connection", err)
				}
			}
			if n := idp.KeySet().Fetches() - before; n != 0 {
				t.Errorf("%d fetches arrived at a stopped issuer", n)
			}
			idp.Resume()
			idp.Resume()
		}
		if a := fetch(t, idp, idp.KeySet().URL()); a.body != string(idp.KeySet().Content()) {
			t.Errorf("status %d, %d octets from an issuer that is back", a.status, len(a.body))
		}
	})
}

func TestStopBreaksFetches(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		for name, fault := range waiting {
			arrived := make(chan struct{})
			fault, ended := watched(announced(fault, arrived))
			idp.KeySet().Break(fault)
			failed := make(chan error)
			go func() {
				_, err := try(t.Context(), idp, idp.KeySet().URL())
				failed <- err
			}()
			<-arrived
			idp.Stop()
			if err := <-failed; err == nil {
				t.Errorf("%s: the fetch brought something", name)
			}
			<-ended
			idp.Resume()
		}
	})
}

// The story of the package's comment.
func TestOutageOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		v := newVerifier(t, idp)
		token := idp.Token(issuertest.Claims{"exp": time.Now().Add(48 * time.Hour)})
		check := func(want error) {
			t.Helper()
			if _, err := v.Verify(t.Context(), token); !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
		}
		check(nil)
		idp.Stop()
		time.Sleep(23 * time.Hour)
		check(nil)
		time.Sleep(2 * time.Hour)
		check(verifier.ErrKeysUnavailable)
		idp.Resume()
		time.Sleep(10 * time.Second)
		check(nil)
	})
}

// The process dies while it answers.
func TestStopInAFault(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		idp.KeySet().BreakNext(1, func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
			idp.Stop()
			healthy.ServeHTTP(w, r)
		})
		if a, err := try(t.Context(), idp, idp.KeySet().URL()); err == nil {
			t.Errorf("status %d, want an error", a.status)
		}
		idp.Resume()
		fetch(t, idp, idp.KeySet().URL())
	})
}

// A connection that the server has not accepted yet when it stops is not served.
func TestStopRefusesConnectionsOfBefore(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		transport := idp.Client().Transport.(*http.Transport).Clone()
		dial := transport.DialTLSContext
		if dial == nil {
			return // The kernel takes care of it.
		}
		transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			idp.Stop()
			return conn, err
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.KeySet().URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := answerOf((&http.Client{Transport: transport}).Do(req)); err == nil {
			t.Errorf("status %d of a stopped issuer", a.status)
		}
	})
}

func TestStopOfANewIssuerPanics(t *testing.T) {
	idp := issuertest.New("https://id.example.com")
	wantMisuse(t, idp.Stop)
	wantMisuse(t, idp.Resume)
}

func TestResumeWaitsForItsPort(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	idp.Stop()
	other := take(t, idp)
	time.AfterFunc(30*time.Millisecond, func() { other.Close() })
	idp.Resume()
	fetch(t, idp, idp.KeySet().URL())
}

// Sockets on which nobody waits are no hindrance to virtual time.
func TestResumeFailsTheTestIfItsPortIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &errorLog{TB: t}
		idp := issuertest.Listen(log, nil)
		idp.Stop()
		defer take(t, idp).Close()
		begin := time.Now()
		idp.Resume()
		if waited := time.Since(begin); waited != time.Second {
			t.Errorf("Resume tried for %v, want a second", waited)
		}
		if len(log.lines) != 1 || !strings.Contains(log.lines[0], "address already in use") {
			t.Errorf("the test was told %q, want that the address is in use", log.lines)
		}
	})
}

// take listens on the port of an issuer that is stopped.
func take(t *testing.T, idp *issuertest.Issuer) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", strings.TrimPrefix(idp.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// errorLog keeps what would fail a test.
type errorLog struct {
	testing.TB
	lines []string
}

func (l *errorLog) Errorf(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}
