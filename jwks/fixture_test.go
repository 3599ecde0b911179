package jwks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// source is a Remote under test, with an issuer of its own, in a bubble of virtual
// time. The jitter of its interval is zero.
type source struct {
	*testing.T
	idp  *issuertest.Issuer
	keys *jwks.Remote
	log  *logbook
}

// bubble runs a test of a source made by NewRemote, with one key for ES256 published
// and nothing fetched.
func bubble(t *testing.T, o jwks.Options, test func(s *source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSource(t, &o)
		keys, err := jwks.NewRemote(s.idp.KeySet().URL(), &o)
		s.use(keys, err)
		test(s)
	})
}

// discovering is bubble with a source made by Discover.
func discovering(t *testing.T, o jwks.Options, test func(s *source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSource(t, &o)
		keys, err := jwks.Discover(s.idp.URL(), &o)
		s.use(keys, err)
		test(s)
	})
}

func newSource(t *testing.T, o *jwks.Options) *source {
	t.Helper()
	s := &source{T: t, idp: issuertest.Start(t), log: &logbook{}}
	t.Cleanup(func() { // a fetch under way ends before the issuer does
		s.idp.Repair()
		synctest.Wait()
	})
	s.idp.AddKey(verifier.ES256)
	if o.Client == nil {
		o.Client = s.idp.Client()
	}
	o.Logger = s.log.logger()
	return s
}

func (s *source) use(keys *jwks.Remote, err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	keys.SetRandom(func() float64 { return 0.5 })
	s.keys = keys
}

// An answer is what a request for a key got.
type answer string

const (
	found       answer = "a key"
	unknown     answer = "unknown key"
	unavailable answer = "keys unavailable"
	gone        answer = "the caller's own context"
)

// ask looks a kid up for ES256.
func (s *source) ask(kid string) answer { return s.askWith(s.Context(), kid) }

func (s *source) askWith(ctx context.Context, kid string) answer {
	keys, err := s.keys.Keys(ctx, kid, verifier.ES256)
	switch {
	case err == nil && len(keys) > 0:
		return found
	case err == nil:
		return unknown
	case verifier.KindOf(err) == verifier.ErrKeysUnavailable:
		return unavailable
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return gone
	}
	return answer("unexpected error: " + err.Error())
}

// expect asks, and wants an answer, the number of fetches that it caused, background
// ones included, and the time that it took.
func (s *source) expect(kid string, want answer, fetches int, took time.Duration) {
	s.Helper()
	start, before := time.Now(), s.fetches()
	got := s.ask(kid)
	if waited := time.Since(start); waited != took {
		s.Errorf("the request waited for %v, want %v", waited, took)
	}
	synctest.Wait()
	if got != want {
		s.Errorf("kid %q: got %s, want %s", kid, got, want)
	}
	if n := s.fetches() - before; n != fetches {
		s.Errorf("kid %q caused %d fetches, want %d", kid, n, fetches)
	}
}

// warm fetches the set.
func (s *source) warm() {
	s.Helper()
	if err := s.keys.Warm(s.Context()); err != nil {
		s.Fatal(err)
	}
	synctest.Wait() // until the log is written
}

// spend uses the whole budget for unknown kids up.
func (s *source) spend() {
	s.Helper()
	for i := 0; i < 20; i++ {
		before := s.fetches()
		if s.ask(fmt.Sprintf("spent-%d-%d", before, i)); s.fetches() == before {
			return
		}
	}
	s.Fatal("the budget has no end")
}

func (s *source) fetches() int { return s.idp.KeySet().Fetches() }

// kid is the current key's.
func (s *source) kid() string { return s.idp.Key().ID() }

// after lets time pass, and background fetches end.
func (s *source) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// many calls ask for n kids at the same time and counts the answers.
func (s *source) many(n int, kid func(i int) string) map[answer]int {
	var mu sync.Mutex
	count := map[answer]int{}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			got := s.ask(kid(i))
			mu.Lock()
			defer mu.Unlock()
			count[got]++
		})
	}
	all.Wait()
	return count
}

// retryAfter is what a request for a kid is told when keys are unavailable.
func (s *source) retryAfter(kid string) time.Duration {
	s.Helper()
	_, err := s.keys.Keys(s.Context(), kid, verifier.ES256)
	if verifier.KindOf(err) != verifier.ErrKeysUnavailable {
		s.Fatalf("got error %v, want keys unavailable", err)
	}
	return verifier.RetryAfter(err)
}

// logbook keeps what was logged, a line each record.
type logbook struct {
	written func() // called before each record is kept, if it is not nil

	mu   sync.Mutex // guards what follows
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	if l.written != nil {
		l.written()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// lines returns the records that contain a text.
func (l *logbook) lines(containing string) []string {
	var found []string
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, containing) {
			found = append(found, line)
		}
	}
	return found
}

// slow is a healthy answer that takes a while.
func slow(d time.Duration) issuertest.Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			healthy.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}
