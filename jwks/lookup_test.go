package jwks_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestR72UnknownKidFetchesAtOnceAndOnceForAll(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(slow(time.Second))
		next := s.idp.Rotate().ID()
		start := time.Now()
		if got := s.many(32, func(int) string { return next }); got[found] != 32 {
			s.Errorf("answers %v, want 32 keys", got)
		}
		if took := time.Since(start); took != time.Second {
			s.Errorf("took %v, want the second that the fetch takes", took)
		}
		if n := s.fetches(); n != 2 {
			s.Errorf("%d fetches, want the first and one for all", n)
		}
	})
}

func TestR72RotationIsFollowedDuringAFloodWhichIsBounded(t *testing.T) {
	const span = 5 * time.Minute
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		random := rand.New(rand.NewPCG(1, 2))
		s.idp.KeySet().Break(slow(50 * time.Millisecond))
		ctx, stop := context.WithCancel(s.Context())
		var flood sync.WaitGroup
		for range 8 {
			flood.Go(func() {
				for ctx.Err() == nil {
					if got := s.ask(fmt.Sprint("flood", rand.Uint64())); got != unknown {
						s.Errorf("a request of the flood got %s", got)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		const rotations = 5
		for range rotations {
			pause := span/rotations/2 + rand.N(10*time.Second)
			time.Sleep(pause)
			next, published := s.idp.Rotate().ID(), time.Now()
			for s.ask(next) != found {
				time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
				if late := time.Since(published); late > 11*time.Second {
					s.Fatalf("the new key is not known %v after it was published", late)
				}
			}
			time.Sleep(span/rotations - time.Since(published) - pause)
		}
		stop()
		flood.Wait()
		// The first, the budget, what it gains, the scheduled one, and one a rotation.
		if n, most := s.fetches(), 1+3+30+1+rotations; n > most || n < 20 {
			s.Errorf("%d fetches in %v of flood, want at most %d and the budget used", n, span, most)
		}
	})
}

func TestBudgetIsThreeAndOneMoreEachCooldown(t *testing.T) {
	for _, cooldown := range []time.Duration{10 * time.Second, time.Second} {
		t.Run(cooldown.String(), func(t *testing.T) {
			bubble(t, jwks.Options{Cooldown: cooldown, Interval: time.Hour}, func(s *source) {
				s.warm()
				s.after(3 * cooldown) // what the cold fetch took comes back
				for i := range 3 {
					s.expect(fmt.Sprint("a", i), unknown, 1, 0)
				}
				s.expect("b", unknown, 0, 0)
				s.after(cooldown - time.Nanosecond)
				s.expect("c", unknown, 0, 0)
				s.after(time.Nanosecond)
				s.expect("d", unknown, 1, 0)
				s.expect("e", unknown, 0, 0)
				s.after(100 * cooldown)
				for i := range 3 {
					s.expect(fmt.Sprint("f", i), unknown, 1, 0)
				}
				s.expect("g", unknown, 0, 0)
			})
		})
	}
}

func TestBudgetGainsWhetherOrNotItIsUsedInTime(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Hour}, func(s *source) {
		s.warm() // the budget is full until now
		s.spend()
		s.after(15 * time.Second)
		s.expect("a", unknown, 1, 0) // due since 5 s
		s.after(5*time.Second - time.Nanosecond)
		s.expect("b", unknown, 0, 0)
		s.after(time.Nanosecond)
		s.expect("b", unknown, 1, 0)
	})
}

func TestFullBudgetGainsNothing(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Hour}, func(s *source) {
		s.warm()
		s.after(time.Minute)
		s.expect("a", unknown, 1, 0)
		s.after(15 * time.Second) // it is full again since 5 s
		for i := range 3 {
			s.expect(fmt.Sprint("b", i), unknown, 1, 0)
		}
		s.after(10*time.Second - time.Nanosecond)
		s.expect("c", unknown, 0, 0)
		s.after(time.Nanosecond)
		s.expect("d", unknown, 1, 0)
	})
}

func TestColdFetchTakesFromTheBudget(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.expect(s.kid(), found, 1, 0)
		s.expect("a", unknown, 1, 0)
		s.expect("b", unknown, 1, 0)
		s.expect("c", unknown, 0, 0)
	})
}

func TestColdFetchNeedsNoBudget(t *testing.T) {
	bubble(t, jwks.Options{MaxStale: 5 * time.Second, Interval: 5 * time.Second}, func(s *source) {
		s.warm()
		s.spend()
		s.after(5 * time.Second) // the set has expired
		s.expect(s.kid(), found, 1, 0)
	})
}

func TestUnknownKidRefreshesASetThatIsDueWithoutBudget(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Minute, Cooldown: time.Hour}, func(s *source) {
		s.warm()
		s.spend()
		next := s.idp.Rotate().ID()
		s.after(time.Minute - time.Nanosecond)
		s.expect(next, unknown, 0, 0)
		s.after(time.Nanosecond)
		s.expect(next, found, 1, 0)
		s.expect("a", unknown, 0, 0) // what was not taken is not given back
	})
}

func TestRotationsInARowAreFree(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		for range 8 {
			s.expect(s.idp.Rotate().ID(), found, 1, 0)
		}
		s.expect("a", unknown, 1, 0) // two are left after the cold fetch
	})
}

func TestOnlyAKeyForTheAlgorithmOfTheRequestIsFree(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.expect("a", unknown, 1, 0)
		s.expect(s.idp.AddKey(verifier.EdDSA).ID(), unknown, 1, 0) // ES256 is asked for
		s.expect("b", unknown, 0, 0)
	})
}

func TestCeilingHoldsAgainstAnIssuerThatFlips(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		a := s.idp.Key()
		b := s.idp.AddKey(verifier.ES256)
		s.idp.Withdraw(b)
		s.warm()
		const span = 60
		for range span * 20 {
			// Publish what is not held, and ask for it.
			held := s.keys.Status().Keys[0].ID
			next, old := a, b
			if held == a.ID() {
				next, old = b, a
			}
			s.idp.Withdraw(old)
			s.idp.Publish(next)
			s.ask(next.ID())
			time.Sleep(50 * time.Millisecond)
		}
		if n := s.fetches(); n > 10+span || n < 10+span-2 {
			s.Errorf("%d fetches in %d s, want 10 and one a second", n, span)
		}
	})
}

func TestCeilingLimitsRefusalsTo401WithASet(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		for range 9 {
			s.expect(s.idp.Rotate().ID(), found, 1, 0)
		}
		next := s.idp.Rotate().ID()
		s.expect(next, unknown, 0, 0)
		s.after(time.Second)
		s.expect(next, found, 1, 0)
	})
}

func TestR74CallerThatLeavesDoesNotEndTheFetch(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(slow(2 * time.Second))
		ctx, leave := context.WithTimeout(s.Context(), time.Second)
		defer leave()
		var all sync.WaitGroup
		all.Go(func() { // starts the fetch
			if got := s.askWith(ctx, s.kid()); got != gone {
				s.Errorf("who left got %s", got)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if got := s.ask(s.kid()); got != found {
				s.Errorf("who stayed got %s", got)
			}
		})
		all.Wait()
		if n := s.fetches(); n != 1 {
			s.Errorf("%d fetches, want one", n)
		}
	})
}

func TestCallerThatHasLeftCausesNothing(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		ctx, leave := context.WithCancel(s.Context())
		leave()
		if got := s.askWith(ctx, s.kid()); got != gone {
			s.Errorf("got %s", got)
		}
		synctest.Wait()
		if n := s.fetches(); n != 0 {
			s.Errorf("%d fetches", n)
		}
	})
}

func TestFetchGoesOnWhenEverybodyHasLeft(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(slow(2 * time.Second))
		ctx, leave := context.WithTimeout(s.Context(), time.Second)
		defer leave()
		s.askWith(ctx, s.kid())
		s.after(time.Second)
		s.expect(s.kid(), found, 0, 0)
	})
}

func TestR74HungFetchEndsAndKnownKidsNeverWait(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(5 * time.Minute)
		s.idp.KeySet().Break(issuertest.Hang())
		s.expect(s.kid(), found, 1, 0) // the refresh hangs
		for range 4 {
			s.after(time.Second)
			s.expect(s.kid(), found, 0, 0)
		}
		if n := len(s.log.lines("failed")); n != 0 {
			s.Errorf("%d failures logged while the fetch hangs", n)
		}
		s.after(time.Second)
		if n := len(s.log.lines("fetching the key set failed")); n != 1 {
			s.Errorf("%d failures logged after 5 s, want 1", n)
		}
	})
}

func TestNobodyWaitsLongerThanFiveSeconds(t *testing.T) {
	for _, timeout := range []time.Duration{5 * time.Second, time.Minute} {
		t.Run("timeout "+timeout.String(), func(t *testing.T) {
			bubble(t, jwks.Options{Timeout: timeout}, func(s *source) {
				s.idp.KeySet().Break(issuertest.Hang())
				s.expect(s.kid(), unavailable, 1, 5*time.Second) // cold
				s.idp.Repair()
				s.after(5 * time.Second)
				s.warm()
				s.idp.KeySet().Break(issuertest.Hang())
				s.expect("a", unavailable, 1, 5*time.Second) // unknown
			})
		})
	}
}

func TestSecondFetchDoesNotLengthenTheWait(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(5 * time.Minute)
		s.idp.KeySet().Break(slow(4 * time.Second))
		s.expect(s.kid(), found, 1, 0) // a refresh is under way
		s.after(time.Second)
		// It ends in 3 s without the kid; the fetch after it would need 4 s more.
		s.expect("a", unknown, 1, 5*time.Second)
	})
}

func TestFetchLongerThanTheWaitServesWhoComesAgain(t *testing.T) {
	bubble(t, jwks.Options{Timeout: 20 * time.Second}, func(s *source) {
		s.idp.KeySet().Break(slow(8 * time.Second))
		s.expect(s.kid(), unavailable, 1, 5*time.Second)
		s.expect(s.kid(), found, 0, 3*time.Second)
	})
}

func TestAtMost1024Wait(t *testing.T) {
	kids := func(i int) string { return fmt.Sprint("a", i) }
	t.Run("with a set", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.warm()
			s.idp.KeySet().Break(slow(time.Second))
			var waiting sync.WaitGroup
			waiting.Go(func() { s.many(1024, kids) })
			synctest.Wait()
			s.expect("one too many", unknown, 0, 0)
			s.expect(s.kid(), found, 0, 0)
			waiting.Wait()
			s.expect("places are free again", unknown, 1, time.Second)
		})
	})
	t.Run("without", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.idp.KeySet().Break(slow(time.Second))
			var waiting sync.WaitGroup
			waiting.Go(func() {
				if got := s.many(1024, func(int) string { return s.kid() }); got[found] != 1024 {
					s.Errorf("those who wait got %v", got)
				}
			})
			synctest.Wait()
			s.expect("one too many", unavailable, 0, 0)
			waiting.Wait()
		})
	})
	t.Run("and who leaves makes room", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.idp.KeySet().Break(slow(2 * time.Second))
			ctx, leave := context.WithTimeout(s.Context(), time.Second)
			defer leave()
			var waiting sync.WaitGroup
			for range 1024 {
				waiting.Go(func() { s.askWith(ctx, s.kid()) })
			}
			waiting.Wait()
			s.expect(s.kid(), found, 0, time.Second)
		})
	})
}

func TestMissThatJoinedAnEarlierFetchMayCauseOneMore(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(5 * time.Minute)
		s.idp.KeySet().Break(slow(time.Second))
		s.expect(s.kid(), found, 1, 0) // a refresh, which will not bring the next key
		s.after(500 * time.Millisecond)
		s.expect(s.idp.Rotate().ID(), found, 1, 1500*time.Millisecond)
	})
}

func TestMissThatJoinedAnEarlierFetchIsChargedForTheOther(t *testing.T) {
	bubble(t, jwks.Options{Interval: 5 * time.Second, Cooldown: time.Hour}, func(s *source) {
		s.warm()
		s.spend()
		s.after(5 * time.Second)
		s.idp.KeySet().Break(slow(time.Second))
		s.expect(s.kid(), found, 1, 0) // a refresh
		s.after(500 * time.Millisecond)
		s.expect("a", unknown, 0, 500*time.Millisecond) // no budget for another
	})
}

// The order of the answers where no look-up is possible: absent, the issuer to
// blame, out of budget or ceiling or places.
func TestR23RefusalWithoutALookUpBlamesTheIssuerOnlyIfItFails(t *testing.T) {
	t.Run("absent comes first", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.warm()
			s.expect("a", unknown, 1, 0)
			s.idp.KeySet().Break(issuertest.Status(500))
			s.expect("b", unavailable, 1, 0)
			s.expect("a", unknown, 0, 0)
		})
	})
	t.Run("backing off", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.warm()
			s.idp.KeySet().Break(issuertest.Status(500))
			s.expect("a", unavailable, 1, 0)
			s.expect("b", unavailable, 0, 0)
			s.expect(s.kid(), found, 0, 0)
		})
	})
	t.Run("the last attempt failed, and there were too many", func(t *testing.T) {
		bubble(t, jwks.Options{Interval: 50 * time.Millisecond}, func(s *source) {
			s.warm()
			s.idp.KeySet().Break(issuertest.Status(500))
			for range 9 {
				s.after(50 * time.Millisecond)
				s.expect("a", unavailable, 1, 0)
			}
			s.after(50 * time.Millisecond)
			s.expect("a", unavailable, 0, 0)
		})
	})
	t.Run("out of budget with a set", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.warm()
			s.spend()
			s.expect("a", unknown, 0, 0)
		})
	})
	t.Run("cold and failing", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.idp.KeySet().Break(issuertest.Status(500))
			s.expect(s.kid(), unavailable, 1, 0)
			s.expect(s.kid(), unavailable, 0, 0)
		})
	})
	t.Run("out of ceiling without a set", func(t *testing.T) {
		bubble(t, jwks.Options{Interval: 50 * time.Millisecond, MaxStale: 50 * time.Millisecond}, func(s *source) {
			for range 10 {
				s.expect(s.kid(), found, 1, 0)
				s.after(50 * time.Millisecond)
			}
			s.expect(s.kid(), unavailable, 0, 0)
		})
	})
}

func TestRefusalsForWantOfBudgetAreLoggedOnceAMinute(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Hour, Cooldown: 5 * time.Second}, func(s *source) {
		s.warm()
		for i := range 1200 {
			s.ask(fmt.Sprint(i))
			s.after(100 * time.Millisecond)
		}
		lines := s.log.lines("refused without a look-up")
		if len(lines) != 2 || !strings.Contains(lines[0], "budget") || !strings.Contains(lines[0], "level=WARN") {
			s.Errorf("lines in two minutes %q, want 2", lines)
		}
	})
}

func TestBadSignatureRefreshesOnceInTheBackground(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(10*time.Second - time.Nanosecond)
		s.keys.Recheck()
		synctest.Wait()
		if n := s.fetches(); n != 1 {
			s.Fatalf("%d fetches for a set younger than 10 s, want the first alone", n)
		}
		s.after(time.Nanosecond)
		s.idp.KeySet().Break(slow(time.Second))
		for range 20 {
			s.keys.Recheck() // does not wait
		}
		s.after(time.Second)
		if n := s.fetches(); n != 2 {
			s.Fatalf("%d fetches, want one more", n)
		}
	})
}

func TestBadSignatureIsChargedToTheBudget(t *testing.T) {
	bubble(t, jwks.Options{Cooldown: 10 * time.Second, Interval: time.Hour, MaxStale: time.Hour}, func(s *source) {
		s.warm()
		s.after(30 * time.Second) // the budget is full
		s.keys.Recheck()
		synctest.Wait()
		s.expect("a", unknown, 1, 0)
		s.expect("b", unknown, 1, 0)
		s.expect("c", unknown, 0, 0)
	})
}

func TestBadSignatureNeverBypassesBackoff(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(time.Minute)
		s.idp.KeySet().Break(issuertest.Status(500))
		for range 10 {
			s.keys.Recheck()
			synctest.Wait()
		}
		if n := s.fetches(); n != 2 {
			s.Errorf("%d fetches, want the first and a failed one", n)
		}
	})
}

func TestBadSignatureShortensADelayThatIsAlreadyRunning(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(5 * time.Minute)
		s.idp.KeySet().Break(issuertest.Status(500))
		for range 16 { // after 1, 2, 4 and 8 s less a twentieth: the next is due 15 s after the last
			s.ask(s.kid())
			s.after(time.Second)
		}
		s.idp.Repair()
		before := s.fetches()
		s.after(4 * time.Second)
		s.keys.Recheck()
		s.after(0)
		if n := s.fetches() - before; n != 1 {
			s.Errorf("%d fetches", n)
		}
	})
}

func TestRecheckOfAColdSourceDoesNothing(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.Recheck()
		synctest.Wait()
		if n := s.fetches(); n != 0 {
			s.Errorf("%d fetches", n)
		}
	})
}

func TestReusedKidIsFollowedAfterABadSignature(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		v, err := verifier.New(verifier.Config{
			Issuer: s.idp.URL(), Audience: verifier.AnyOf("api"),
			Algorithms: []verifier.Algorithm{verifier.ES256}, Keys: s.keys,
		})
		if err != nil {
			s.Fatal(err)
		}
		if _, err := v.Verify(s.Context(), s.idp.Token(nil)); err != nil {
			s.Fatal(err)
		}
		s.after(10 * time.Second)
		s.idp.Replace(s.idp.Key())
		token := s.idp.Token(nil)
		if _, err := v.Verify(s.Context(), token); verifier.KindOf(err) != verifier.ErrSignature {
			s.Errorf("got %v, want a bad signature at first", err)
		}
		synctest.Wait()
		if _, err := v.Verify(s.Context(), token); err != nil {
			s.Errorf("after the refresh: %v", err)
		}
	})
}

func TestKnownKidWithoutUsableKeyRefreshesInTheBackground(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		odd := s.idp.AddKey(verifier.ES256)
		odd.SetMember("use", "enc")
		s.warm()
		s.expect(odd.ID(), unknown, 0, 0) // the set is young
		s.after(30 * time.Second)
		s.expect(odd.ID(), unknown, 1, 0)
		s.after(30 * time.Second)
		odd.SetMember("use", "sig")
		s.expect(odd.ID(), unknown, 1, 0) // no waiting, and free, because it brings the key
		s.expect(odd.ID(), found, 0, 0)
		for i := range 3 {
			s.expect(fmt.Sprint("a", i), unknown, 1, 0)
		}
		s.expect("b", unknown, 0, 0)
	})
}

func TestTokenWithoutKidForAnAlgorithmWithoutKeysIsNotLookedUp(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.AddKey(verifier.EdDSA)
		s.idp.Withdraw(s.idp.Key())
		s.warm()
		s.expect("", found, 0, 0)
		keys, err := s.keys.Keys(s.Context(), "", verifier.RS256)
		if len(keys) != 0 || err != nil {
			s.Errorf("got %d keys, %v", len(keys), err)
		}
		synctest.Wait()
		if n := s.fetches(); n != 1 {
			s.Errorf("%d fetches, want the first alone", n)
		}
	})
}
