package jwks_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// attempts asks every 100 ms and returns after how many seconds fetches began.
func (s *source) attempts(span time.Duration, ask func()) []float64 {
	s.Helper()
	var at []float64
	start := time.Now()
	for time.Since(start) < span {
		before := s.fetches()
		ask()
		synctest.Wait()
		if s.fetches() > before {
			at = append(at, time.Since(start).Round(100*time.Millisecond).Seconds())
		}
		s.after(100 * time.Millisecond)
	}
	return at
}

func (s *source) wantAttempts(got []float64, want ...float64) {
	s.Helper()
	if len(got) != len(want) {
		s.Fatalf("attempts at %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			s.Fatalf("attempts at %v, want %v", got, want)
		}
	}
}

func TestR76FailuresBackOffExponentiallyToAMinute(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0 })
		s.warm()
		s.after(5 * time.Minute)
		s.idp.KeySet().Break(issuertest.Status(500))
		at := s.attempts(4*time.Minute, func() { s.ask(s.kid()) })
		s.wantAttempts(at, 0, 1, 3, 7, 15, 31, 63, 123, 183)
	})
}

func TestDelayIsNoLongerThanTheInterval(t *testing.T) {
	bubble(t, jwks.Options{Interval: 3 * time.Second}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0 })
		s.warm()
		s.after(3 * time.Second)
		s.idp.KeySet().Break(issuertest.Status(500))
		at := s.attempts(13*time.Second, func() { s.ask(s.kid()) })
		s.wantAttempts(at, 0, 1, 3, 6, 9, 12)
	})
}

func TestJitterOnlyShortensTheDelay(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0.999 })
		s.warm()
		s.after(6 * time.Minute)
		s.idp.KeySet().Break(issuertest.Status(500))
		at := s.attempts(7*time.Second, func() { s.ask(s.kid()) })
		s.wantAttempts(at, 0, 1, 2.9, 6.6) // after a hair over 0.9 s, 1.8 s and 3.6 s, seen every 100 ms
	})
}

func TestDelayCountsFromTheStartOfTheAttemptAndEndsNoEarlier(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0 })
		s.warm()
		s.after(5 * time.Minute)
		s.idp.KeySet().Break(issuertest.Hang())
		at := s.attempts(29*time.Second, func() { s.ask(s.kid()) })
		// Each hangs 5 s; the delays are 1, 2, 4, 8 and 16 s.
		s.wantAttempts(at, 0, 5, 10, 15, 23)
	})
}

func TestDelayIsAtMostFiveSecondsWhileSomebodyIsRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		warm bool
		ask  func(s *source)
	}{
		{"cold", false, func(s *source) { s.ask(s.kid()) }},
		{"cold, by a probe", false, func(s *source) { _ = s.keys.Ready() }},
		{"for an unknown kid", true, func(s *source) { s.ask("a") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.keys.SetRandom(func() float64 { return 0 })
				if test.warm {
					s.warm()
				}
				s.idp.KeySet().Break(issuertest.Status(500))
				at := s.attempts(30*time.Second, func() { test.ask(s) })
				s.wantAttempts(at, 0, 1, 3, 7, 12, 17, 22, 27)
			})
		})
	}
}

func TestRefusalShortensADelayThatIsAlreadyRunning(t *testing.T) {
	for _, test := range []struct {
		name  string
		stale bool
		ask   func(s *source)
	}{
		{"an unknown kid", false, func(s *source) { s.ask("a") }},
		{"a probe of an expired source", true, func(s *source) { _ = s.keys.Ready() }},
		{"a token at an expired source", true, func(s *source) { s.ask(s.kid()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, jwks.Options{Interval: 5 * time.Minute, MaxStale: 5*time.Minute + 70*time.Second}, func(s *source) {
				s.keys.SetRandom(func() float64 { return 0 })
				s.warm()
				s.after(5 * time.Minute)
				s.idp.KeySet().Break(issuertest.Status(500))
				at := s.attempts(64*time.Second, func() { s.ask(s.kid()) })
				s.wantAttempts(at, 0, 1, 3, 7, 15, 31, 63) // a minute's delay runs
				if test.stale {
					s.after(6 * time.Second)
				}
				at = s.attempts(10*time.Second, func() { test.ask(s) })
				if len(at) < 2 || at[0] > 5 || at[1]-at[0] > 5.1 {
					s.Errorf("attempts at %v, want one each 5 s", at)
				}
			})
		})
	}
}

func TestAttemptsDuringAnOutageUnderAFloodAreOneEachFiveSeconds(t *testing.T) {
	for _, fault := range []struct {
		name  string
		fault issuertest.Fault
	}{{"failing", issuertest.Status(503)}, {"hanging", issuertest.Hang()}} {
		t.Run(fault.name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.warm()
				s.idp.KeySet().Break(fault.fault)
				before := s.fetches()
				s.flood(5 * time.Minute)
				if n := s.fetches() - before; n < 55 || n > 64 {
					s.Errorf("%d fetches in 5 min, want about 60", n)
				}
			})
		})
	}
}

// flood sends random kids, 50 at a time.
func (s *source) flood(span time.Duration) {
	start := time.Now()
	for n := 0; time.Since(start) < span; n++ {
		s.many(50, func(i int) string { return "flood-" + strconv.Itoa(n) + "-" + strconv.Itoa(i) })
		time.Sleep(50 * time.Millisecond)
	}
}

func TestR76FailedFetchesCostNoBudget(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Hour, Cooldown: time.Hour}, func(s *source) {
		s.warm() // takes one of three
		s.idp.KeySet().BreakNext(5, issuertest.Status(500))
		for i := range 5 {
			s.expect("a"+strconv.Itoa(i), unavailable, 1, 0)
			s.after(5 * time.Second)
		}
		s.expect("b", unknown, 1, 0)
		s.expect("c", unknown, 1, 0)
		s.expect("d", unknown, 0, 0)
	})
}

func TestMissesNeverBypassBackoff(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(issuertest.Status(500))
		for i := range 100 {
			s.ask("a" + strconv.Itoa(i))
		}
		if n := s.fetches(); n != 2 {
			s.Errorf("%d fetches, want the first and one that failed", n)
		}
	})
}

func TestSuccessEndsTheBackoff(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0 })
		s.warm()
		s.idp.KeySet().BreakNext(3, issuertest.Status(500))
		at := s.attempts(10*time.Second, func() { s.ask("a" + strconv.Itoa(s.fetches())) })
		if len(at) < 4 || at[3] != 7 {
			s.Fatalf("attempts at %v", at)
		}
		s.after(time.Minute)
		s.idp.KeySet().Break(issuertest.Status(500))
		at = s.attempts(2*time.Second, func() { s.ask("b" + strconv.Itoa(s.fetches())) })
		s.wantAttempts(at, 0, 1)
	})
}

func TestProvidersRetryAfterCountsWithinTheCaps(t *testing.T) {
	seconds := func(s string) func() string { return func() string { return s } }
	for _, test := range []struct {
		name  string
		value func() string
		next  float64
	}{
		{"longer than the backoff", seconds("20"), 20},
		{"shorter than the backoff", seconds("0"), 1},
		{"longer than a minute", seconds("3600"), 60},
		{"a date", func() string { return time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat) }, 30},
		{"a date that has passed", func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 1},
		{"negative", seconds("-5"), 1},
		{"nonsense", seconds("soon"), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.keys.SetRandom(func() float64 { return 0 })
				s.warm()
				s.after(5 * time.Minute)
				s.idp.KeySet().Break(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
					w.Header().Set("Retry-After", test.value())
					w.WriteHeader(http.StatusTooManyRequests)
				})
				at := s.attempts(time.Minute+time.Second, func() { s.ask(s.kid()) })
				if len(at) < 2 || at[1] != test.next {
					s.Errorf("attempts at %v, want the second after %v s", at, test.next)
				}
			})
		})
	}
}

func TestProvidersRetryAfterIsCutToFiveSecondsWhileCold(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("Retry-After", "3600")
		s.idp.KeySet().Break(issuertest.Status(503))
		s.wantAttempts(s.attempts(11*time.Second, func() { s.ask(s.kid()) }), 0, 5, 10)
	})
}

func TestR23OurRetryAfterIsTheTimeToTheNextFetchRoundedUp(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0 })
		s.idp.KeySet().Break(issuertest.Status(500))
		for _, seconds := range []int{1, 2, 4, 5, 5} {
			want := time.Duration(seconds) * time.Second
			if got := s.retryAfter(s.kid()); got != want { // it attempts, and fails
				s.Fatalf("Retry-After %v, want %v", got, want)
			}
			s.after(time.Millisecond)
			if got := s.retryAfter(s.kid()); got != want { // rounded up
				s.Fatalf("Retry-After %v, want %v", got, want)
			}
			if err := s.keys.Ready(); verifier.RetryAfter(err) != want {
				s.Fatalf("Ready: Retry-After %v, want %v", verifier.RetryAfter(err), want)
			}
			s.after(want - time.Millisecond)
		}
	})
}

func TestR23OurRetryAfterIsAtMostFiveSecondsForAnUnknownKidToo(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0 })
		s.warm()
		s.idp.KeySet().SetHeader("Retry-After", "50")
		s.idp.KeySet().Break(issuertest.Status(503))
		for range 5 {
			if got := s.retryAfter("a"); got != 5*time.Second { // it attempts, and fails
				s.Errorf("Retry-After %v, want 5 s", got)
			}
			s.after(5 * time.Second)
		}
		if n := s.fetches(); n != 6 {
			s.Errorf("%d fetches, want 6", n)
		}
	})
}

func TestDelayOfAColdSourceIsShortWithoutFurtherRefusals(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("Retry-After", "50")
		s.idp.KeySet().Break(issuertest.Status(503))
		_ = s.keys.Ready()
		synctest.Wait()
		if got := time.Until(s.keys.Status().NextRefresh); got != 5*time.Second {
			s.Errorf("the next attempt is due in %v, want 5 s", got)
		}
	})
}

func TestR23OurRetryAfterIsAtLeastASecond(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(issuertest.Hang())
		if got := s.retryAfter(s.kid()); got != time.Second { // after the 5 s, another may begin at once
			s.Errorf("Retry-After %v, want 1 s", got)
		}
	})
}

func TestSourceRecoversWithinFiveSecondsOfAnOutage(t *testing.T) {
	for _, test := range []struct {
		name string
		warm bool
	}{{"cold", false}, {"expired", true}} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, jwks.Options{Interval: time.Minute, MaxStale: time.Minute}, func(s *source) {
				if test.warm {
					s.warm()
				}
				s.idp.KeySet().Break(issuertest.Status(500))
				s.attempts(5*time.Minute, func() { _ = s.keys.Ready() })
				s.idp.Repair()
				start := time.Now()
				for s.keys.Ready() != nil { // a probe is enough
					s.after(100 * time.Millisecond)
					if time.Since(start) > 5200*time.Millisecond {
						s.Fatal("not ready 5 s after the outage")
					}
				}
				s.expect(s.kid(), found, 0, 0)
			})
		})
	}
}
