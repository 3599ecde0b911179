package jwks_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestNothingIsFetchedBeforeSomethingAsks(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.keys.Status()
		s.keys.Issuer()
		s.after(24 * time.Hour)
		if n := s.fetches() + s.idp.Discovery().Fetches(); n != 0 {
			s.Errorf("%d fetches", n)
		}
	})
}

func TestIdleServiceFetchesNothing(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(23 * time.Hour)
		if n := s.fetches(); n != 1 {
			s.Errorf("%d fetches", n)
		}
	})
}

func TestSetIsRefreshedInTheBackgroundWhenATokenAsks(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(slow(3 * time.Second))
		s.after(5*time.Minute - time.Nanosecond)
		s.expect(s.kid(), found, 0, 0)
		s.after(time.Nanosecond)
		s.expect(s.kid(), found, 1, 0) // begins, and is not waited for
		s.expect(s.kid(), found, 0, 0) // one at a time
		s.after(5*time.Minute - time.Nanosecond)
		s.expect(s.kid(), found, 0, 0)
		s.after(time.Nanosecond) // the age counts from the start of the fetch
		s.expect(s.kid(), found, 1, 0)
	})
}

func TestSetIsRefreshedInTheBackgroundWhenAProbeAsks(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(5 * time.Minute)
		if err := s.keys.Ready(); err != nil {
			s.Error(err)
		}
		synctest.Wait()
		if n := s.fetches(); n != 2 {
			s.Errorf("%d fetches, want 2", n)
		}
	})
}

func TestScheduledRefreshCostsNoBudget(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Second, Cooldown: time.Hour}, func(s *source) {
		s.warm()
		for range 10 {
			s.after(time.Second)
			s.expect(s.kid(), found, 1, 0)
		}
		s.expect("a", unknown, 1, 0)
		s.expect("b", unknown, 1, 0)
		s.expect("c", unknown, 0, 0)
	})
}

func TestR75AbsentKeyIsRevokedByARefresh(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		old := s.idp.Key()
		s.warm()
		s.idp.Rotate()
		s.idp.Withdraw(old)
		s.expect(old.ID(), found, 0, 0)
		s.after(5 * time.Minute)
		s.expect(old.ID(), found, 1, 0) // for the last time
		s.expect(old.ID(), unknown, 1, 0)
		s.expect(s.kid(), found, 0, 0)
	})
}

func TestR75KeyThatTurnsUnfitIsRevokedByARefresh(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.AddKey(verifier.EdDSA)
		key := s.idp.AddKey(verifier.ES256)
		s.warm()
		key.SetMember("use", "enc")
		s.after(5 * time.Minute)
		s.expect(key.ID(), found, 1, 0)
		s.expect(key.ID(), unknown, 0, 0)
	})
}

func TestR75LastGoodSetServesUntilMaxStaleAndNoLonger(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(issuertest.Status(500))
		for range 24*60 - 1 {
			s.after(time.Minute)
			if s.ask(s.kid()) != found || s.keys.Ready() != nil {
				s.Fatal("refused within MaxStale")
			}
		}
		s.after(time.Minute - time.Nanosecond)
		if s.ask(s.kid()) != found {
			s.Error("refused a moment before MaxStale")
		}
		s.after(time.Nanosecond)
		if s.ask(s.kid()) != unavailable || s.keys.Ready() == nil || s.keys.Status().Usable {
			s.Error("accepted at MaxStale")
		}
		if s.ask("a") != unavailable {
			s.Error("an unknown kid is not unavailable without a set")
		}
		s.idp.Repair()
		s.after(5 * time.Second)
		s.expect(s.kid(), found, 1, 0)
	})
}

func TestAgeForMaxStaleCountsFromTheStartOfTheFetch(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Minute, MaxStale: time.Minute}, func(s *source) {
		s.idp.KeySet().BreakNext(1, slow(4*time.Second))
		s.expect(s.kid(), found, 1, 4*time.Second)
		s.after(56*time.Second - time.Nanosecond)
		s.expect(s.kid(), found, 0, 0)
		s.after(time.Nanosecond)
		s.idp.KeySet().Break(issuertest.Status(500))
		s.expect(s.kid(), unavailable, 1, 0)
	})
}

func TestExpiredSetIsFetchedAnewBeforeUse(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		old := s.idp.Key()
		s.warm()
		s.idp.Rotate()
		s.idp.Withdraw(old)
		s.idp.KeySet().Break(slow(time.Second))
		s.after(24 * time.Hour)
		s.expect(s.kid(), found, 1, time.Second)
	})
}

// clock is the time of a machine whose clocks can be disturbed.
type clock struct {
	started time.Time // in virtual time, set once

	mu   sync.Mutex    // guards what follows
	wall time.Duration // how far the wall clock was set
	mono time.Duration // how far the monotonic one is off
}

// booted has a monotonic reading, which times in a bubble have not.
var booted = time.Now()

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	reading := booted.Add(time.Since(c.started) + c.wall)
	// Add moves both readings. No function moves the monotonic one alone, so it is
	// moved where time.Time keeps it, in its second word.
	second := (*struct {
		_         uint64
		monotonic int64
	})(unsafe.Pointer(&reading))
	second.monotonic += int64(c.mono - c.wall)
	return reading
}

func (c *clock) set(wall, mono time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.mono = wall, mono
}

func TestR75MaxStaleHoldsWhateverTheClocksDo(t *testing.T) {
	for _, test := range []struct {
		name       string
		wall, mono time.Duration
		pass       time.Duration
		want       answer
	}{
		{"nothing", 0, 0, 23 * time.Hour, found},
		{"the machine slept, and the monotonic clock stood", 0, -25 * time.Hour, 25 * time.Hour, unavailable},
		{"the wall clock was set back", -25 * time.Hour, 0, 25 * time.Hour, unavailable},
		{"the wall clock was set ahead", 25 * time.Hour, 0, time.Second, unavailable},
		{"the wall clock was set back a little", -time.Hour, 0, time.Second, found},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				c := &clock{started: time.Now()}
				s.keys.SetClock(c.now)
				s.warm()
				s.idp.KeySet().Break(issuertest.Status(500))
				s.after(test.pass)
				c.set(test.wall, test.mono)
				passed := time.Since(c.started)
				if now := c.now(); now.Sub(booted) != passed+test.mono || now.Round(0).Sub(booted.Round(0)) != passed+test.wall {
					s.Fatal("the clock of the test does not work")
				}
				if got := s.ask(s.kid()); got != test.want {
					s.Errorf("got %s, want %s", got, test.want)
				}
				// The issuer is back, and so are the keys, whatever the clock says now.
				s.idp.Repair()
				c.set(0, 0)
				s.after(10 * time.Second)
				s.ask(s.kid())
				synctest.Wait()
				if got := s.ask(s.kid()); got != found {
					s.Errorf("afterwards: got %s", got)
				}
			})
		})
	}
}

func TestClockThatIsSetBackDelaysNoRefresh(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		c := &clock{started: time.Now()}
		s.keys.SetClock(c.now)
		s.warm()
		c.set(-24*time.Hour, 0)
		s.after(5 * time.Minute)
		s.expect(s.kid(), found, 1, 0)
		s.expect("a", unknown, 1, 0)
		s.after(10 * time.Second)
		s.expect("a", unknown, 1, 0)
	})
}

func TestReadySaysNoUntilThereAreKeysAndNeverWaits(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(slow(2 * time.Second))
		start := time.Now()
		err := s.keys.Ready()
		if verifier.KindOf(err) != verifier.ErrKeysUnavailable || !strings.Contains(err.Error(), "being fetched") {
			s.Errorf("got %v", err)
		}
		if s.keys.Ready() == nil || time.Since(start) != 0 {
			s.Error("Ready waited")
		}
		s.after(2 * time.Second)
		if err := s.keys.Ready(); err != nil {
			s.Errorf("a probe alone does not bring it up: %v", err)
		}
		if n := s.fetches(); n != 1 {
			s.Errorf("%d fetches, want 1", n)
		}
	})
}

func TestReadySaysWhyTheKeysAreMissing(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(issuertest.Status(418))
		_ = s.keys.Ready()
		synctest.Wait()
		if err := s.keys.Ready(); err == nil || !strings.Contains(err.Error(), "status 418") {
			s.Errorf("while backing off: %v", err)
		}
		s.idp.KeySet().Break(issuertest.Hang())
		s.after(time.Second)
		if err := s.keys.Ready(); err == nil || !strings.Contains(err.Error(), "status 418") {
			s.Errorf("during the next attempt: %v", err)
		}
	})
}

func TestReadyOfASourceInAnOutageStaysNilWithinMaxStale(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(issuertest.Hang())
		for range 60 {
			s.after(time.Minute)
			if err := s.keys.Ready(); err != nil {
				s.Fatal(err)
			}
		}
	})
}

func TestWarmWaitsForTheKeys(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(slow(2 * time.Second))
		start := time.Now()
		if err := s.keys.Warm(s.Context()); err != nil || time.Since(start) != 2*time.Second {
			s.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := s.keys.Warm(s.Context()); err != nil || s.fetches() != 1 {
			s.Errorf("the second time: %v, %d fetches", err, s.fetches())
		}
	})
}

func TestWarmTellsWhyThereAreNone(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(issuertest.Status(418))
		err := s.keys.Warm(s.Context())
		if verifier.KindOf(err) != verifier.ErrKeysUnavailable || !strings.Contains(err.Error(), "418") {
			s.Errorf("got %v", err)
		}
		s.idp.KeySet().Break(issuertest.Hang())
		s.after(5 * time.Second)
		ctx, stop := context.WithTimeout(s.Context(), time.Second)
		defer stop()
		if err := s.keys.Warm(ctx); !errors.Is(err, context.DeadlineExceeded) || verifier.KindOf(err) != verifier.ErrCanceled {
			s.Errorf("got %v, want the context's error", err)
		}
	})
}

func TestKnownKidIsAnsweredWhateverTheContext(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		ctx, stop := context.WithCancel(s.Context())
		stop()
		if got := s.askWith(ctx, s.kid()); got != found {
			s.Errorf("got %s", got)
		}
	})
}
