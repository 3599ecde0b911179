package jwks_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/internal/resilience"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// TestFaultSuite lets every fault strike a Remote in every state, with real tokens and
// a real verifier. Half of the cells discover the key set, half are given its address.
func TestFaultSuite(t *testing.T) {
	before := runtime.NumGoroutine()
	var ran atomic.Int64
	t.Run("cells", func(t *testing.T) {
		ways := [...]resilience.Library{discovered(), addressed()}
		states := len(resilience.States())
		for i, cell := range resilience.Cells() {
			library := ways[(i/states+i%states)%len(ways)]
			t.Run(cell.String()+"/"+library.Name, func(t *testing.T) {
				t.Parallel()
				strike(t, cell, library)
				ran.Add(1)
			})
		}
	})
	t.Logf("fault suite: %d cells", ran.Load())
	if want := len(resilience.Faults()) * len(resilience.States()); int(ran.Load()) != want {
		t.Errorf("%d cells ran, want %d", ran.Load(), want)
	}
	if left := left(before); left > before {
		t.Errorf("%d goroutines are left, %d were there before:\n%s", left, before, stacks())
	}
}

// left returns the number of goroutines, as soon as there are no more than before, or
// after five seconds: servers end theirs on their own.
func left(before int) int {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if runtime.NumGoroutine() <= before {
			break
		}
		<-tick.C
	}
	return runtime.NumGoroutine()
}

// strike observes a cell, and judges what it saw.
func strike(t *testing.T, cell resilience.Cell, library resilience.Library) {
	t.Helper()
	seen := resilience.Observe(t, cell, library)
	t.Logf("held key: %v; next key: %v; fetches in a calm minute: %d, in a pressed one: %d; back after %v and %v; withdrawn after %v",
		seen.Held, seen.Next, seen.Calm.Fetches, seen.Pressed.Fetches, seen.HeldAfter, seen.NextAfter, seen.Withdrawn)
	for _, difference := range cell.Judge(seen) {
		t.Errorf("%s (%s)", difference, cell.Expect().Reason)
	}
}

func discovered() resilience.Library {
	return suiteLibrary("Discover", func(s resilience.Setup, o *jwks.Options) (*jwks.Remote, error) {
		return jwks.Discover(s.Issuer, o)
	})
}

func addressed() resilience.Library {
	return suiteLibrary("NewRemote", func(s resilience.Setup, o *jwks.Options) (*jwks.Remote, error) {
		return jwks.NewRemote(s.KeySetURL, o)
	})
}

func suiteLibrary(name string, source func(resilience.Setup, *jwks.Options) (*jwks.Remote, error)) resilience.Library {
	return resilience.Library{
		Name:     name,
		Classify: outcomeOf,
		Clock:    resilience.GivenClock,
		New: func(_ context.Context, s resilience.Setup) (resilience.Subject, error) {
			keys, err := source(s, &jwks.Options{Client: s.Client, Logger: discard()})
			if err != nil {
				return nil, err
			}
			if s.Now != nil {
				keys.SetClock(s.Now)
			}
			v, err := verifier.New(verifier.Config{
				Issuer:     s.Issuer,
				Audience:   verifier.AnyOf(s.Audience),
				Algorithms: []verifier.Algorithm{verifier.RS256},
				Keys:       keys,
				Now:        s.Now,
			})
			return suiteSubject{v}, err
		},
	}
}

// suiteSubject is a verifier with a Remote. Neither needs closing.
type suiteSubject struct{ verifier *verifier.Verifier }

func (s suiteSubject) Verify(ctx context.Context, raw string) error {
	_, err := s.verifier.Verify(ctx, raw)
	return err
}

func (s suiteSubject) Close() {}

func outcomeOf(err error) resilience.Outcome {
	switch {
	case errors.Is(err, verifier.ErrInvalidToken):
		return resilience.Invalid
	case errors.Is(err, verifier.ErrKeysUnavailable):
		return resilience.Unavailable
	case errors.Is(err, verifier.ErrCanceled):
		return resilience.Canceled
	default:
		return resilience.Unclear
	}
}

// stacks are those of all goroutines.
func stacks() []byte {
	text := make([]byte, 1<<20)
	return text[:runtime.Stack(text, true)]
}
