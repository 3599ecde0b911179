package jwks_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
)

// lasts is the interval in force for the held set, which was just fetched.
func (s *source) lasts() time.Duration {
	status := s.keys.Status()
	return status.NextRefresh.Sub(status.FetchedAt)
}

// refresh lets the interval pass, and the set be refreshed.
func (s *source) refresh() {
	s.Helper()
	s.after(5 * time.Minute)
	s.expect(s.kid(), found, 1, 0)
}

func TestMaxAgeMayShortenTheInterval(t *testing.T) {
	const long = 99 * time.Hour
	for _, test := range []struct {
		header     string // lines apart by "|"
		configured time.Duration
		want       time.Duration
	}{
		{"max-age=120", 5 * time.Minute, 2 * time.Minute},
		{"public, max-age=120, must-revalidate", 5 * time.Minute, 2 * time.Minute},
		{"public,max-age=120", 5 * time.Minute, 2 * time.Minute},
		{"MAX-Age=120", 5 * time.Minute, 2 * time.Minute},
		{`max-age="120"`, 5 * time.Minute, 2 * time.Minute},
		{"max-age=00120", 5 * time.Minute, 2 * time.Minute},
		{"public|max-age=120", 5 * time.Minute, 2 * time.Minute},
		{"max-age=120, max-age=240", 5 * time.Minute, 2 * time.Minute},
		{"max-age=120|max-age=240", 5 * time.Minute, 2 * time.Minute},
		{"no-cache, max-age=120", 5 * time.Minute, 2 * time.Minute},

		// Not below a minute, or the configured interval.
		{"max-age=60", 5 * time.Minute, time.Minute},
		{"max-age=59", 5 * time.Minute, time.Minute},
		{"max-age=0", 5 * time.Minute, time.Minute},
		{"max-age=0", time.Minute, time.Minute},
		{"max-age=0", 20 * time.Second, 20 * time.Second},
		{"max-age=10", 20 * time.Second, 20 * time.Second},

		// Nothing lengthens it.
		{"max-age=301", 5 * time.Minute, 5 * time.Minute},
		{"max-age=86400", 5 * time.Minute, 5 * time.Minute},
		{"max-age=2147483647", 5 * time.Minute, 5 * time.Minute},
		{"max-age=2147483648", 5 * time.Minute, 5 * time.Minute},
		{"max-age=99999999999999999999999999", 5 * time.Minute, 5 * time.Minute},
		{"max-age=9223372036854775807", long, long},
		{"immutable", 5 * time.Minute, 5 * time.Minute},

		// Anything else means the configured one.
		{"", 5 * time.Minute, 5 * time.Minute},
		{"no-cache", 5 * time.Minute, 5 * time.Minute},
		{"no-store", 5 * time.Minute, 5 * time.Minute},
		{"s-maxage=60", 5 * time.Minute, 5 * time.Minute},
		{"x-max-age=60", 5 * time.Minute, 5 * time.Minute},
		{"max-age", 5 * time.Minute, 5 * time.Minute},
		{"max-age=", 5 * time.Minute, 5 * time.Minute},
		{"max-age=-1", 5 * time.Minute, 5 * time.Minute},
		{"max-age=+60", 5 * time.Minute, 5 * time.Minute},
		{"max-age=1e2", 5 * time.Minute, 5 * time.Minute},
		{"max-age=60.5", 5 * time.Minute, 5 * time.Minute},
		{"max-age=1_00", 5 * time.Minute, 5 * time.Minute},
		{"max-age=0x60", 5 * time.Minute, 5 * time.Minute},
		{"max-age:60", 5 * time.Minute, 5 * time.Minute},
		{strings.Repeat(",", 10_000), 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(fmt.Sprintf("%.40s of %v", test.header, test.configured), func(t *testing.T) {
			bubble(t, jwks.Options{Interval: test.configured, MaxStale: 9 * long}, func(s *source) {
				s.idp.KeySet().Break(func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
					for line := range strings.SplitSeq(test.header, "|") {
						w.Header().Add("Cache-Control", line)
					}
					healthy.ServeHTTP(w, r)
				})
				s.warm()
				if got := s.lasts(); got != test.want {
					s.Errorf("the interval is %v, want %v", got, test.want)
				}
				s.after(test.want - time.Nanosecond)
				s.expect(s.kid(), found, 0, 0)
				s.after(time.Nanosecond)
				s.expect(s.kid(), found, 1, 0)
			})
		})
	}
}

func TestShortenedIntervalEndsWithTheAnswerThatShortenedIt(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("Cache-Control", "max-age=60")
		s.warm()
		s.idp.KeySet().SetHeader("Cache-Control", "no-cache")
		s.after(time.Minute)
		s.expect(s.kid(), found, 1, 0)
		if got := s.lasts(); got != 5*time.Minute {
			s.Errorf("the interval is %v", got)
		}
	})
}

func TestShortenedIntervalIsTwiceAsLongForAnIdleSet(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("Cache-Control", "max-age=60")
		s.warm()
		s.idp.KeySet().Break(slow(time.Millisecond))
		s.after(2 * time.Minute)
		s.expect(s.kid(), found, 1, time.Millisecond)
	})
}

// What a 304 does not repeat stays as it was (RFC 9111 §4.3.4).
func TestUnchangedAnswerKeepsOrReplacesTheInterval(t *testing.T) {
	for again, want := range map[string]time.Duration{"": 2 * time.Minute, "max-age=180": 3 * time.Minute, "no-cache": 5 * time.Minute} {
		t.Run(again, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.idp.KeySet().SetHeader("ETag", `"a"`)
				s.idp.KeySet().SetHeader("Cache-Control", "max-age=120")
				s.warm()
				s.idp.KeySet().SetHeader("Cache-Control", again)
				s.after(2 * time.Minute)
				s.expect(s.kid(), found, 1, 0)
				s.after(want - time.Nanosecond)
				s.expect(s.kid(), found, 0, 0)
				s.after(time.Nanosecond)
				s.expect(s.kid(), found, 1, 0)
			})
		})
	}
}

func TestScheduledRefreshSendsTheValidatorsBack(t *testing.T) {
	const etag, modified = `W/"a, b"`, "Mon, 02 Jan 2006 15:04:05 GMT"
	for _, test := range []struct{ etag, modified string }{{etag, ""}, {"", modified}, {etag, modified}, {"", ""}} {
		t.Run(test.etag+test.modified, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.idp.KeySet().SetHeader("ETag", test.etag)
				s.idp.KeySet().SetHeader("Last-Modified", test.modified)
				s.warm()
				s.refresh()
				h := s.idp.KeySet().LastRequest()
				if h.Get("If-None-Match") != test.etag || h.Get("If-Modified-Since") != test.modified || h.Get("Cache-Control") != "no-cache" {
					s.Errorf("asked with %v", h)
				}
			})
		})
	}
}

func TestUnchangedAnswerRenewsTheSet(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		before := s.keys.Status()
		s.refresh()
		s.expect(s.kid(), found, 0, 0)
		s.after(5*time.Minute - time.Nanosecond)
		s.expect(s.kid(), found, 0, 0) // it is not due, and not idle, though it was read long ago
		after := s.keys.Status()
		if after.AgeSeconds != 299 || after.FetchedAt != before.FetchedAt || after.LastError != "" || len(after.Keys) != 1 {
			s.Errorf("status %+v", after)
		}
		if n := len(s.log.lines("")); n != 1 {
			s.Errorf("log:\n%s, want one line, of the first fetch", s.log)
		}
	})
}

func TestEitherValidatorCanRenewTheSet(t *testing.T) {
	for request, answer := range map[string]string{"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"} {
		t.Run(answer, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				const value = "Mon, 02 Jan 2006 15:04:05 GMT"
				s.idp.KeySet().SetHeader(answer, value)
				s.idp.KeySet().Break(func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
					if r.Header.Get(request) == value {
						w.WriteHeader(http.StatusNotModified)
						return
					}
					healthy.ServeHTTP(w, r)
				})
				s.warm()
				first := s.keys.Status().FetchedAt
				s.refresh()
				if got := s.keys.Status(); got.Failures != 0 || got.AgeSeconds != 0 || got.FetchedAt != first {
					s.Errorf("status %+v", got)
				}
			})
		})
	}
}

func TestChangedSetReplacesItsValidators(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		old := s.kid()
		s.idp.Withdraw(s.idp.Key())
		s.idp.Rotate()
		s.idp.KeySet().SetHeader("ETag", `"b"`)
		s.after(5 * time.Minute)
		s.expect(old, found, 1, 0)
		s.expect(s.kid(), found, 0, 0)
		s.refresh()
		if got := s.idp.KeySet().LastRequest().Get("If-None-Match"); got != `"b"` {
			s.Errorf("asked with %s", got)
		}
		s.idp.KeySet().SetHeader("ETag", "")
		s.refresh()
		s.refresh()
		if got := s.idp.KeySet().LastRequest().Get("If-None-Match"); got != "" {
			s.Errorf("asked with %s, which the set no longer has", got)
		}
	})
}

func TestEveryOtherFetchIsUnconditional(t *testing.T) {
	for name, cause := range map[string]func(s *source){
		"an unknown kid":  func(s *source) { s.ask("a") },
		"a bad signature": func(s *source) { s.after(10 * time.Second); s.keys.Recheck() },
		"an idle set":     func(s *source) { s.after(10 * time.Minute); s.ask(s.kid()) },
		"an expired set":  func(s *source) { s.after(24 * time.Hour); s.ask(s.kid()) },
		"an expired set, for a probe": func(s *source) {
			s.after(24 * time.Hour)
			_ = s.keys.Ready()
		},
		"an unknown kid, for a set that is due": func(s *source) { s.after(5 * time.Minute); s.ask("a") },
		"a set that was read an hour ago": func(s *source) {
			for range 12 {
				s.after(5 * time.Minute)
				s.ask(s.kid())
			}
		},
		"another try": func(s *source) {
			s.idp.KeySet().BreakNext(1, issuertest.Status(412))
			s.after(5 * time.Minute)
			s.ask(s.kid())
			s.after(time.Second)
			s.ask(s.kid())
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.idp.KeySet().SetHeader("ETag", `"a"`)
				s.idp.KeySet().SetHeader("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
				s.warm()
				before := s.fetches()
				cause(s)
				synctest.Wait()
				h := s.idp.KeySet().LastRequest()
				if s.fetches() == before || h.Get("If-None-Match") != "" || h.Get("If-Modified-Since") != "" || h.Get("Cache-Control") != "no-cache" {
					s.Errorf("asked with %v", h)
				}
			})
		})
	}
}

func TestUnchangedAnswerToAnUnconditionalFetchIsAFailure(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		s.idp.KeySet().Break(issuertest.Status(304))
		s.refresh()
		if got := s.keys.Status(); got.Failures != 0 || got.AgeSeconds != 0 {
			s.Errorf("to a refresh: %+v", got)
		}
		s.expect("a", unavailable, 1, 0)
		if got := s.keys.Status(); got.Failures != 1 || !strings.Contains(got.LastError, "304") {
			s.Errorf("to a look-up: %+v", got)
		}
	})
}

func TestAnswersOf304ForEverKeepNoWithdrawnKeyAlive(t *testing.T) {
	for name, gap := range map[string]time.Duration{
		"a busy service": 10 * time.Second, "a quiet one": 599 * time.Second, "an idle one": 11 * time.Minute, "a steady one": 7 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.idp.KeySet().SetHeader("ETag", `"a"`)
				s.warm()
				start := time.Now()
				old := s.kid()
				s.idp.Withdraw(s.idp.Key())
				s.idp.Rotate()
				for s.ask(old) == found {
					if late := time.Since(start); late >= time.Hour+10*time.Minute {
						s.Fatalf("the key works %v after it was withdrawn", late)
					}
					s.after(gap)
				}
			})
		})
	}
}

// A 304 does not put MaxStale off, so it must not stand for the last refresh before.
func TestMaxStaleIsNotReachedWhileTheIssuerAnswers304(t *testing.T) {
	for _, minutes := range []int{5, 6, 9, 10, 11, 12, 16, 30, 61} {
		stale := time.Duration(minutes) * time.Minute
		t.Run(stale.String(), func(t *testing.T) {
			bubble(t, jwks.Options{Interval: 5 * time.Minute, MaxStale: stale}, func(s *source) {
				s.idp.KeySet().SetHeader("ETag", `"a"`)
				s.warm()
				s.idp.KeySet().Break(slow(time.Second))
				for range 3 * 60 * 6 {
					s.after(10 * time.Second)
					start := time.Now()
					if got, took := s.ask(s.kid()), time.Since(start); got != found || took != 0 && minutes > 5 {
						s.Fatalf("got %s after %v", got, took)
					}
				}
			})
		})
	}
}

func TestMaxStaleCountsFromTheLast200(t *testing.T) {
	bubble(t, jwks.Options{MaxStale: time.Hour}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		s.refresh() // a 304
		s.idp.KeySet().Break(issuertest.Status(500))
		s.after(55*time.Minute - time.Nanosecond)
		if got := s.ask(s.kid()); got != found {
			s.Errorf("a moment before: %s", got)
		}
		s.after(time.Nanosecond)
		if got := s.ask(s.kid()); got != unavailable {
			s.Errorf("an hour after the 200: %s", got)
		}
	})
}

func TestValidatorsAreNotSentToAnotherURL(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		s.after(50 * time.Minute)
		s.expect(s.kid(), found, 1, 0) // idle: a 200
		s.refresh()
		if got := s.idp.KeySet().LastRequest().Get("If-None-Match"); got != `"a"` {
			s.Fatalf("asked with %s", got)
		}
		// The metadata, which are read again after an hour, name another place.
		elsewhere := s.idp.Metadata()
		elsewhere.SetHeader("ETag", `"a"`)
		elsewhere.SetContent(s.idp.KeySet().Content())
		s.idp.Discovery().SetContent(metadata(s, s.idp.URL(), elsewhere.URL()))
		s.after(5 * time.Minute)
		s.expect(s.kid(), found, 0, 0)
		if h := elsewhere.LastRequest(); h == nil || h.Get("If-None-Match") != "" || s.keys.Status().Failures != 0 {
			s.Errorf("asked with %v", h)
		}
		s.after(5 * time.Minute)
		s.expect(s.kid(), found, 0, 0)
		if got := elsewhere.LastRequest().Get("If-None-Match"); got != `"a"` {
			s.Errorf("asked with %s", got)
		}
	})
}

func TestLongValidatorsAreNotSentBack(t *testing.T) {
	for length, want := range map[int]bool{1024: true, 1025: false, 30_000: false} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				long := `"` + strings.Repeat("a", length-2) + `"`
				s.idp.KeySet().SetHeader("ETag", long)
				s.idp.KeySet().SetHeader("Last-Modified", long)
				s.warm()
				s.refresh()
				h := s.idp.KeySet().LastRequest()
				if got := h.Get("If-None-Match") == long && h.Get("If-Modified-Since") == long; got != want {
					s.Errorf("sent back: %t", got)
				}
			})
		})
	}
}

// A validator that cannot be sent must not end the refreshing.
func TestOddValidatorsDoNoHarm(t *testing.T) {
	for b := range 256 {
		bubble(t, jwks.Options{}, func(s *source) {
			s.idp.KeySet().SetHeader("ETag", `"a`+string([]byte{byte(b)})+`b"`)
			if s.ask(s.kid()) != found {
				return // net/http refuses the answer
			}
			s.refresh()
			if got := s.keys.Status(); got.Failures != 0 {
				s.Errorf("byte %#x: %s", b, got.LastError)
			}
		})
	}
}

// DESIGN: a kid is absent if an unconditional 200 did not bring it.
func TestUnchangedAnswerSaysNothingOfAnUnknownKid(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`) // for ever
		s.warm()
		s.after(5 * time.Minute)
		old, next := s.kid(), s.idp.Rotate().ID()
		s.idp.KeySet().Break(slow(time.Second))
		s.expect(old, found, 1, 0)              // a refresh begins
		s.expect(next, found, 1, 2*time.Second) // joins it at the same time
	})
}

func TestIdleSetIsRefreshedBeforeUse(t *testing.T) {
	for _, test := range []struct {
		age  time.Duration
		took time.Duration
	}{
		{10*time.Minute - time.Nanosecond, 0},
		{10 * time.Minute, 500 * time.Millisecond},
		{23 * time.Hour, 500 * time.Millisecond},
	} {
		t.Run(test.age.String(), func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.warm()
				s.idp.KeySet().Break(slow(500 * time.Millisecond))
				s.after(test.age)
				s.expect(s.kid(), found, 1, test.took)
				s.after(time.Second)
				s.expect(s.kid(), found, 0, 0)
			})
		})
	}
}

func TestWithdrawnKeyIsRefusedAfterIdlingWithOneFetch(t *testing.T) {
	for name, kid := range map[string]func(s *source) string{"by kid": (*source).kid, "without kid": func(*source) string { return "" }} {
		t.Run(name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.warm()
				asked := kid(s)
				s.idp.KeySet().SetContent(setOf(t, jwkOf(t, "rsa-2048", nil)))
				s.idp.KeySet().Break(slow(500 * time.Millisecond))
				s.after(10 * time.Minute)
				s.expect(asked, unknown, 1, 500*time.Millisecond)
				s.expect(asked, unknown, 0, 0)
			})
		})
	}
}

func TestEverybodyWaitsForOneRefreshOfAnIdleSet(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		old := s.kid()
		s.idp.Withdraw(s.idp.Key())
		s.idp.Rotate()
		s.idp.KeySet().Break(slow(500 * time.Millisecond))
		s.after(10 * time.Minute)
		start, before := time.Now(), s.fetches()
		got := s.many(100, func(int) string { return old })
		if got[unknown] != 100 || time.Since(start) != 500*time.Millisecond || s.fetches() != before+1 {
			s.Errorf("got %v after %v and %d fetches", got, time.Since(start), s.fetches()-before)
		}
	})
}

func TestIdleSetAnswersAfterASecondIfTheIssuerHangs(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(10 * time.Minute)
		s.idp.KeySet().Break(issuertest.Hang())
		var first sync.WaitGroup
		first.Go(func() { s.expect(s.kid(), found, 1, time.Second) })
		time.Sleep(400 * time.Millisecond)
		s.askIn(s.kid(), found, 600*time.Millisecond) // the second counts from the start of the fetch
		first.Wait()
		s.expect(s.kid(), found, 0, 0)
		s.after(3 * time.Second)
		s.expect(s.kid(), found, 0, 0)
		s.after(time.Second) // it has failed
		s.expect(s.kid(), found, 1, 0)
	})
}

// askIn asks, and wants an answer after a time.
func (s *source) askIn(kid string, want answer, took time.Duration) {
	s.Helper()
	start := time.Now()
	if got := s.ask(kid); got != want || time.Since(start) != took {
		s.Errorf("got %s after %v, want %s after %v", got, time.Since(start), want, took)
	}
}

func TestIdleSetAnswersAtOnceForTwoMinutesAfterAFailure(t *testing.T) {
	for _, test := range []struct{ since, took time.Duration }{
		{time.Second, 0}, {2*time.Minute - time.Nanosecond, 0}, {2 * time.Minute, 300 * time.Millisecond},
	} {
		t.Run(test.since.String(), func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.warm()
				s.after(10 * time.Minute)
				s.idp.KeySet().BreakNext(1, issuertest.Status(500))
				s.expect(s.kid(), found, 1, 0) // waits for the failure, which comes at once
				s.expect(s.kid(), found, 0, 0)
				s.idp.KeySet().Break(slow(300 * time.Millisecond))
				s.after(test.since)
				s.expect(s.kid(), found, 1, test.took)
			})
		})
	}
}

func TestFailureBeforeTheMachineSleptIsNotLate(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		c := &clock{started: time.Now()}
		s.keys.SetClock(c.now)
		s.warm()
		s.after(10 * time.Minute)
		s.idp.KeySet().BreakNext(1, issuertest.Status(500))
		s.expect(s.kid(), found, 1, 0)
		s.idp.KeySet().Break(slow(300 * time.Millisecond))
		s.after(time.Hour)
		c.set(0, 2*time.Second-time.Hour)
		s.expect(s.kid(), found, 1, 300*time.Millisecond)
	})
}

func TestIdleFetchTakesFromTheBudgetIfThereIsSomethingLeft(t *testing.T) {
	const interval = time.Minute
	for _, test := range []struct {
		name    string
		before  func(s *source)
		allowed int
	}{
		{"something is", func(*source) {}, 1}, // of three: the cold fetch, the idle one, and this
		{"nothing is", (*source).spend, 0},
		{"it fails", func(s *source) { s.idp.KeySet().BreakNext(1, issuertest.Status(500)) }, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, jwks.Options{Interval: interval, Cooldown: time.Hour}, func(s *source) {
				s.warm()
				test.before(s)
				s.after(2 * interval)
				s.expect(s.kid(), found, 1, 0)
				s.after(interval / 2)
				if s.keys.Status().Failures > 0 {
					s.expect(s.kid(), found, 1, 0) // in the background, and free
				}
				for i := range test.allowed {
					s.expect(fmt.Sprint("a", i), unknown, 1, 0)
				}
				s.expect("b", unknown, 0, 0)
			})
		})
	}
}

func TestIdleSetAnswersAtOnceIfTooManyWait(t *testing.T) {
	for name, kid := range map[string]func(s *source, i int) string{
		"for unknown kids": func(_ *source, i int) string { return fmt.Sprint("a", i) },
		"for known ones":   func(s *source, _ int) string { return s.kid() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.warm()
				s.after(10 * time.Minute)
				s.idp.KeySet().Break(slow(900 * time.Millisecond))
				var waiting sync.WaitGroup
				waiting.Go(func() { s.many(1024, func(i int) string { return kid(s, i) }) })
				synctest.Wait()
				s.expect(s.kid(), found, 0, 0)
				waiting.Wait()
				s.after(10 * time.Minute)
				s.expect(s.kid(), found, 1, 900*time.Millisecond) // places are free again
			})
		})
	}
}

func TestWhoLeavesAnIdleSetEndsNothingAndMakesRoom(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(10 * time.Minute)
		s.idp.KeySet().Break(slow(900 * time.Millisecond))
		ctx, leave := context.WithTimeout(s.Context(), 300*time.Millisecond)
		defer leave()
		var waiting sync.WaitGroup
		for range 1024 {
			waiting.Go(func() {
				if got := s.askWith(ctx, s.kid()); got != gone {
					s.Errorf("who left got %s", got)
				}
			})
		}
		waiting.Wait()
		s.expect(s.kid(), found, 0, 600*time.Millisecond)
		s.expect(s.kid(), found, 0, 0)
	})
}

func TestReadyOfAnIdleSetDoesNotWait(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(10 * time.Minute)
		s.idp.KeySet().Break(slow(400 * time.Millisecond))
		start, before := time.Now(), s.fetches()
		if err := s.keys.Ready(); err != nil || time.Since(start) != 0 {
			s.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if n := s.fetches() - before; n != 1 {
			s.Errorf("the probe began %d fetches, want 1", n)
		}
		s.expect(s.kid(), found, 0, 400*time.Millisecond) // waits for that one
	})
}

func TestNobodyWaitsLongerThanFiveSecondsInAllAfterIdling(t *testing.T) {
	t.Run("the key is gone, and the next fetch hangs", func(t *testing.T) {
		bubble(t, jwks.Options{}, func(s *source) {
			s.warm()
			old := s.kid()
			s.idp.Withdraw(s.idp.Key())
			s.idp.Rotate()
			s.after(10 * time.Minute)
			s.idp.KeySet().BreakNext(1, slow(900*time.Millisecond))
			s.idp.KeySet().BreakNext(1, issuertest.Hang())
			if err := s.keys.Ready(); err != nil {
				s.Fatal(err)
			}
			s.after(100 * time.Millisecond)
			s.expect(old, unknown, 1, 5*time.Second)
		})
	})
	t.Run("the set expires meanwhile", func(t *testing.T) {
		bubble(t, jwks.Options{Interval: time.Minute, MaxStale: 2*time.Minute + 500*time.Millisecond, Timeout: time.Minute}, func(s *source) {
			s.warm()
			s.after(2 * time.Minute)
			s.idp.KeySet().Break(issuertest.Hang())
			s.expect(s.kid(), unavailable, 1, 5*time.Second)
		})
	})
}

func TestBadSignatureUnderASetThatWasOnlyConfirmedRefreshesAtOnce(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		s.refresh() // a 304
		s.keys.Recheck()
		synctest.Wait()
		if n := s.fetches(); n != 3 || s.idp.KeySet().LastRequest().Get("If-None-Match") != "" {
			s.Errorf("%d fetches, want 3", n)
		}
	})
}
