package jwks_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestAbsentKidIsRememberedForOneCooldown(t *testing.T) {
	for _, cooldown := range []time.Duration{10 * time.Second, time.Second} {
		t.Run(cooldown.String(), func(t *testing.T) {
			bubble(t, jwks.Options{Cooldown: cooldown}, func(s *source) {
				s.warm()
				s.expect("a", unknown, 1, 0)
				s.after(cooldown - time.Nanosecond)
				s.expect("a", unknown, 0, 0)
				s.after(time.Nanosecond)
				s.expect("a", unknown, 1, 0)
			})
		})
	}
}

func TestAbsenceCountsFromTheStartOfTheFetch(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().BreakNext(1, slow(4*time.Second))
		s.expect("a", unknown, 1, 4*time.Second)
		s.after(6*time.Second - time.Nanosecond)
		s.expect("a", unknown, 0, 0)
		s.after(time.Nanosecond)
		s.expect("a", unknown, 1, 0)
	})
}

func TestThoseWhoJoinedTheFetchAreAbsentToo(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(30 * time.Second)
		s.idp.KeySet().Break(slow(time.Second))
		before := s.fetches()
		if got := s.many(32, func(i int) string { return fmt.Sprint("a", i) }); got[unknown] != 32 {
			s.Errorf("answers %v", got)
		}
		if n := s.fetches() - before; n != 1 {
			s.Errorf("%d fetches, want one", n)
		}
		if n := s.keys.Absent(); n != 32 {
			s.Errorf("%d kids remembered, want 32", n)
		}
		for i := range 32 {
			s.expect(fmt.Sprint("a", i), unknown, 0, 0)
		}
	})
}

func TestAtMost256KidsAreRememberedTheOldestGoing(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(30 * time.Second) // the budget is full
		s.expect("first", unknown, 1, 0)
		s.after(time.Second)
		s.idp.KeySet().Break(slow(time.Second))
		s.many(255, func(i int) string { return fmt.Sprint("a", i) })
		s.idp.Repair()
		s.after(time.Second)
		s.expect("last", unknown, 1, 0)
		if n := s.keys.Absent(); n != 256 {
			s.Errorf("%d kids remembered, want 256", n)
		}
		s.after(8 * time.Second) // the budget gained one
		// Whoever is remembered gets 401, and the others 503 now.
		s.idp.KeySet().Break(issuertest.Status(500))
		s.expect("other", unavailable, 1, 0)
		s.expect("first", unavailable, 0, 0)
		s.expect("last", unknown, 0, 0)
	})
}

func TestOldestGoesBeforeItsTime(t *testing.T) {
	bubble(t, jwks.Options{Cooldown: time.Hour, Interval: time.Second}, func(s *source) {
		s.idp.KeySet().Break(slow(time.Second))
		s.expect("first", unknown, 1, time.Second) // and so is the set
		s.many(300, func(i int) string { return fmt.Sprint("a", i) })
		s.expect("last", unknown, 1, time.Second)
		s.idp.KeySet().Break(issuertest.Status(500))
		s.after(time.Second)
		s.expect(s.kid(), found, 1, 0) // the refresh fails
		s.expect("first", unavailable, 0, 0)
		s.expect("last", unknown, 0, 0)
		remembered := 0
		for i := range 300 {
			if s.ask(fmt.Sprint("a", i)) == unknown {
				remembered++
			}
		}
		if remembered != 255 {
			s.Errorf("%d of the others remembered, want 255", remembered)
		}
	})
}

func TestKidIsRememberedThoughItsCallerHasLeft(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(slow(4 * time.Second))
		ctx, leave := context.WithTimeout(s.Context(), time.Second)
		defer leave()
		s.askWith(ctx, "a")
		s.after(3 * time.Second)
		s.idp.Repair()
		s.expect("a", unknown, 0, 0)
		s.after(6*time.Second - time.Nanosecond) // 10 s after the fetch began
		s.expect("a", unknown, 0, 0)
		s.after(time.Nanosecond)
		s.expect("a", unknown, 1, 0)
	})
}

func TestMemoryOfAbsentKidsIsBoundedInAFlood(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(slow(time.Second))
		for i := range 5 {
			s.many(1024, func(j int) string { return fmt.Sprint(i, "-", j) })
			if n := s.keys.Absent(); n > 256 {
				s.Fatalf("%d kids remembered, want at most %d", n, 256)
			}
			s.after(10 * time.Second)
		}
	})
}

func TestSetThatContainsAnAbsentKidWins(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		next := s.idp.NewKey(verifier.ES256)
		s.expect(next.ID(), unknown, 1, 0)
		s.idp.Publish(next)
		s.expect(next.ID(), unknown, 0, 0) // still absent
		s.expect("a", unknown, 1, 0)       // brings it
		s.expect(next.ID(), found, 0, 0)
	})
}

func TestAbsenceIsNoAnswerWithoutASet(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Second, MaxStale: 2 * time.Second}, func(s *source) {
		s.warm()
		s.expect("a", unknown, 1, 0)
		s.after(2 * time.Second)
		s.idp.KeySet().Break(issuertest.Status(500))
		s.expect("a", unavailable, 1, 0)
	})
}

func TestNothingIsRememberedOfAFailedLookUp(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(issuertest.Status(500))
		next := s.idp.Rotate().ID()
		s.expect(next, unavailable, 1, 0)
		if n := s.keys.Absent(); n != 0 {
			s.Errorf("%d kids remembered", n)
		}
		s.idp.Repair()
		s.after(time.Second)
		s.expect(next, found, 1, 0)
	})
}

func TestNothingIsRememberedOfARefusedLookUp(t *testing.T) {
	bubble(t, jwks.Options{Interval: 20 * time.Second}, func(s *source) {
		s.warm()
		s.spend()
		n := s.keys.Absent()
		next := s.idp.Rotate().ID()
		s.expect(next, unknown, 0, 0)
		if s.keys.Absent() != n {
			s.Error("the refused kid is remembered")
		}
		s.after(10 * time.Second)
		s.expect(next, found, 1, 0)
	})
}

func TestFetchForAnotherReasonThatBeganBeforeProvesNothingAbsent(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(5 * time.Minute)
		s.idp.KeySet().BreakNext(1, slow(time.Second))
		s.expect(s.kid(), found, 1, 0)
		s.after(time.Millisecond)
		s.idp.KeySet().BreakNext(1, issuertest.Status(500))
		s.expect("a", unavailable, 1, 999*time.Millisecond)
		synctest.Wait()
		if n := s.keys.Absent(); n != 0 {
			s.Errorf("%d kids remembered, want none", n)
		}
	})
}
