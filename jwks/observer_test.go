package jwks_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// witness is an Observer that keeps the events.
type witness struct {
	met func(event any) // called with each event, if it is not nil

	mu     sync.Mutex // guards what follows
	events []any
}

// keyNews is an event of a key, and the method that told of it.
type keyNews struct {
	what string
	jwks.KeyEvent
}

func (w *witness) see(event any) {
	if w.met != nil {
		w.met(event)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, event)
}

func (w *witness) FetchStarted(e jwks.FetchStarted)       { w.see(e) }
func (w *witness) FetchFinished(e jwks.FetchFinished)     { w.see(e) }
func (w *witness) DiscoveryFailed(e jwks.DiscoveryFailed) { w.see(e) }
func (w *witness) LookUpRefused(e jwks.LookUpRefused)     { w.see(e) }
func (w *witness) StaleServed(e jwks.StaleServed)         { w.see(e) }
func (w *witness) KeyAdded(e jwks.KeyEvent)               { w.see(keyNews{"added", e}) }
func (w *witness) KeyRemoved(e jwks.KeyEvent)             { w.see(keyNews{"removed", e}) }
func (w *witness) KeyChanged(e jwks.KeyEvent)             { w.see(keyNews{"changed", e}) }
func (w *witness) KeySkipped(e jwks.KeySkipped)           { w.see(e) }
func (w *witness) SnapshotUsed(e jwks.SnapshotUsed)       { w.see(e) }
func (w *witness) SnapshotFailed(e jwks.SnapshotFailed)   { w.see(e) }

// seen returns the events of one type, in their order, and forgets them.
func seen[Event any](w *witness) []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var events []Event
	var others []any
	for _, event := range w.events {
		if e, ok := event.(Event); ok {
			events = append(events, e)
			continue
		}
		others = append(others, event)
	}
	w.events = others
	return events
}

// forget forgets all events.
func (w *witness) forget() { seen[any](w) }

// one returns the only event of a type.
func one[Event any](s *source, w *witness) Event {
	s.Helper()
	events := seen[Event](w)
	if len(events) != 1 {
		s.Fatalf("%d events %+v, want one", len(events), events)
	}
	return events[0]
}

func TestObserverIsToldWhyAFetchBeginsAndHowItEnds(t *testing.T) {
	for cause, begin := range map[jwks.Cause]func(*source){
		jwks.CauseCold:       func(s *source) { s.ask(s.kid()) },
		jwks.CauseScheduled:  func(s *source) { s.warm(); s.after(5 * time.Minute); s.ask(s.kid()) },
		jwks.CauseIdle:       func(s *source) { s.warm(); s.after(10 * time.Minute); s.ask(s.kid()) },
		jwks.CauseUnknownKID: func(s *source) { s.warm(); s.ask("a") },
		jwks.CauseRecheck:    func(s *source) { s.warm(); s.after(time.Minute); s.keys.Recheck() },
	} {
		t.Run(string(cause), func(t *testing.T) {
			w := &witness{}
			bubble(t, jwks.Options{Observer: w}, func(s *source) {
				s.idp.AddKey(verifier.EdDSA).SetMember("use", "enc")
				url := s.idp.KeySet().URL()
				begin(s)
				synctest.Wait()
				started := seen[jwks.FetchStarted](w)
				if got, want := started[len(started)-1], (jwks.FetchStarted{Source: url, Cause: cause}); got != want {
					s.Errorf("started %+v, want %+v", got, want)
				}
				finished := seen[jwks.FetchFinished](w)
				want := jwks.FetchFinished{Source: url, Cause: cause, Outcome: jwks.OutcomeFetched, URL: url, Used: 1, Skipped: 1}
				if got := finished[len(finished)-1]; got != want || len(started) != len(finished) {
					s.Errorf("finished %+v, want %+v", got, want)
				}
			})
		})
	}
}

func TestObserverIsToldOfTheTimeThatAFetchTakesAndTheSetsAge(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		s.idp.KeySet().Break(slow(2 * time.Second))
		s.warm()
		if e := one[jwks.FetchFinished](s, w); e.Duration != 2*time.Second || e.Age != 2*time.Second {
			s.Errorf("a fetch of 2 s: %+v", e)
		}
		s.idp.KeySet().Break(issuertest.Hang())
		s.after(6 * time.Minute)
		s.ask(s.kid())
		s.after(5 * time.Second)
		if e := one[jwks.FetchFinished](s, w); e.Duration != 5*time.Second || e.Age != 6*time.Minute+7*time.Second {
			s.Errorf("a hung fetch: %+v", e)
		}
	})
}

func TestObserverIsToldOfASetThatIsUnchanged(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		w.forget()
		s.after(5 * time.Minute)
		s.expect(s.kid(), found, 1, 0)
		if e := one[jwks.FetchFinished](s, w); e.Outcome != jwks.OutcomeUnchanged || e.Age != 0 || e.Used != 1 || e.Err != nil {
			s.Errorf("finished %+v", e)
		}
		if news := seen[keyNews](w); len(news) != 0 {
			s.Errorf("an unchanged set brings news: %+v", news)
		}
	})
}

func TestObserverIsToldOfFailuresInARow(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		s.idp.KeySet().BreakNext(2, issuertest.Status(418))
		for want := 1; want <= 2; want++ {
			s.ask(s.kid())
			s.after(2 * time.Second)
			e := one[jwks.FetchFinished](s, w)
			if e.Outcome != jwks.OutcomeFailed || e.Failures != want || e.Err == nil || !strings.Contains(e.Err.Error(), "418") || e.Used != 0 {
				s.Errorf("failure %d: %+v", want, e)
			}
		}
		s.warm()
		if e := one[jwks.FetchFinished](s, w); e.Outcome != jwks.OutcomeFetched || e.Failures != 2 || e.Err != nil {
			s.Errorf("the recovery: %+v", e)
		}
		s.expect("a", unknown, 1, 0)
		if e := one[jwks.FetchFinished](s, w); e.Failures != 0 {
			s.Errorf("afterwards: %+v", e)
		}
	})
}

func TestObserverIsToldOfEachRefusalWithoutALookUp(t *testing.T) {
	for _, test := range []struct {
		name   string
		reason jwks.Refusal
		answer answer
		o      jwks.Options
		refuse func(s *source)
	}{
		{"the budget is spent", jwks.RefusedBudget, unknown, jwks.Options{}, func(s *source) {
			s.warm()
			s.spend()
		}},
		{"too many fetches", jwks.RefusedCeiling, unknown, jwks.Options{}, func(s *source) {
			s.warm()
			for range 9 {
				s.expect(s.idp.Rotate().ID(), found, 1, 0)
			}
			s.expect(s.idp.Rotate().ID(), unknown, 0, 0)
		}},
		{"too many fetches, and no set", jwks.RefusedCeiling, unavailable, jwks.Options{Interval: 50 * time.Millisecond, MaxStale: 50 * time.Millisecond}, func(s *source) {
			for range 10 {
				s.ask(s.kid())
				s.after(50 * time.Millisecond)
			}
			s.expect(s.kid(), unavailable, 0, 0)
		}},
		{"too many wait", jwks.RefusedWaiting, unknown, jwks.Options{}, func(s *source) {
			s.warm()
			s.idp.KeySet().Break(slow(time.Second))
			s.many(1025, func(i int) string { return fmt.Sprint("a", i) })
		}},
		{"too many wait, and no set", jwks.RefusedWaiting, unavailable, jwks.Options{}, func(s *source) {
			s.idp.KeySet().Break(slow(time.Second))
			s.many(1025, func(int) string { return s.kid() })
		}},
		{"waited enough, for the second fetch", jwks.RefusedSlow, unknown, jwks.Options{}, func(s *source) {
			s.warm()
			s.after(5 * time.Minute)
			s.idp.KeySet().Break(slow(4 * time.Second))
			s.ask(s.kid()) // a refresh is under way
			s.after(time.Second)
			s.expect("a", unknown, 1, 5*time.Second)
		}},
		{"waited enough, and the issuer hangs", jwks.RefusedSlow, unavailable, jwks.Options{Timeout: time.Minute}, func(s *source) {
			s.idp.KeySet().Break(issuertest.Hang())
			s.expect(s.kid(), unavailable, 1, 5*time.Second)
		}},
		{"backing off", jwks.RefusedBackoff, unavailable, jwks.Options{}, func(s *source) {
			s.warm()
			s.idp.KeySet().Break(issuertest.Status(500))
			s.ask("a")
			s.ask("b")
		}},
		{"a probe of a cold source", jwks.RefusedCold, unavailable, jwks.Options{}, func(s *source) { _ = s.keys.Ready() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &witness{}
			test.o.Observer = w
			bubble(t, test.o, func(s *source) {
				test.refuse(s)
				e := one[jwks.LookUpRefused](s, w)
				if e.Source != s.idp.KeySet().URL() || e.Reason != test.reason {
					s.Errorf("got %+v, want reason %s", e, test.reason)
				}
				if isNil := e.Answer == nil; isNil != (test.answer == unknown) {
					s.Errorf("answer %v, want %s", e.Answer, test.answer)
				}
				if e.Answer != nil && verifier.KindOf(e.Answer) != verifier.ErrKeysUnavailable {
					s.Errorf("answer %v", e.Answer)
				}
			})
		})
	}
}

// What a fetch has told is no refusal.
func TestObserverIsNotToldOfARefusalWhereTheIssuerWasAsked(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		s.warm()
		s.expect("a", unknown, 1, 0)
		s.expect("a", unknown, 0, 0) // absent
		s.idp.KeySet().Break(issuertest.Status(500))
		s.expect("b", unavailable, 1, 0)
		if events := seen[jwks.LookUpRefused](w); len(events) != 0 {
			s.Errorf("told of %+v", events)
		}
	})
}

func TestObserverIsToldWhenAnOldSetServes(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(issuertest.Hang())
		s.after(10*time.Minute - time.Nanosecond)
		s.expect(s.kid(), found, 1, 0)
		if events := seen[jwks.StaleServed](w); len(events) != 0 {
			s.Errorf("told of %+v, under a set of less than twice the interval", events)
		}
		s.after(time.Minute)
		s.expect(s.kid(), found, 1, 0)
		want := jwks.StaleServed{Source: s.idp.KeySet().URL(), Age: 11*time.Minute - time.Nanosecond}
		if e := one[jwks.StaleServed](s, w); e != want {
			s.Errorf("got %+v, want %+v", e, want)
		}
		s.idp.Repair()
		s.after(time.Minute)
		s.ask(s.kid())
		synctest.Wait()
		w.forget()
		s.expect(s.kid(), found, 0, 0)
		if events := seen[jwks.StaleServed](w); len(events) != 0 {
			s.Errorf("told of %+v after the recovery", events)
		}
	})
}

func TestObserverIsToldOfKeysThatComeGoChangeOrAreNotUsed(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		url, first := s.idp.KeySet().URL(), s.idp.Key()
		news := func(want ...string) {
			s.Helper()
			s.after(5 * time.Minute)
			s.ask("")
			synctest.Wait()
			var got []string
			for _, n := range seen[keyNews](w) {
				if n.Source != url || n.Key.Algorithm != "ES256" || len(n.Key.Thumbprint) != 43 {
					s.Errorf("event %+v", n)
				}
				if changed := n.what == "changed"; changed != (n.Before.ID == n.Key.ID && n.Before.Thumbprint != n.Key.Thumbprint) {
					s.Errorf("event %+v", n)
				}
				got = append(got, n.what+" "+n.Key.ID)
			}
			if !reflect.DeepEqual(got, want) {
				s.Errorf("got %q, want %q", got, want)
			}
		}
		news("added " + first.ID())
		news()
		second := s.idp.Rotate()
		news("added " + second.ID())
		s.idp.Withdraw(first)
		news("removed " + first.ID())
		s.idp.Replace(second)
		news("changed " + second.ID())
		odd := s.idp.AddKey(verifier.ES256)
		odd.SetMember("use", "enc")
		for range 3 {
			news()
		}
		want := jwks.KeySkipped{Source: url, Key: jwks.SkippedKey{Index: 1, ID: odd.ID(), Reason: "use is not sig"}}
		if e := one[jwks.KeySkipped](s, w); e != want {
			s.Errorf("got %+v, want %+v", e, want)
		}
		odd.SetMember("use", "sig")
		odd.SetMember("crv", "P-1")
		news()
		if e := one[jwks.KeySkipped](s, w); e.Key.ID != odd.ID() || e.Key.Reason == want.Key.Reason {
			s.Errorf("got %+v, want another reason", e)
		}
		odd.SetMember("crv", "P-256")
		news("added " + odd.ID())
	})
}

func TestObserverIsToldWhenDiscoveryFailsAndTheLastAddressIsUsed(t *testing.T) {
	w := &witness{}
	discovering(t, jwks.Options{Observer: w}, func(s *source) {
		s.warm()
		s.idp.Discovery().Break(issuertest.Status(418))
		s.expect("a", unknown, 1, 0)
		if e := one[jwks.DiscoveryFailed](s, w); e.Source != s.idp.URL() || e.Err == nil || !strings.Contains(e.Err.Error(), "418") {
			s.Errorf("got %+v", e)
		}
		for _, e := range seen[jwks.FetchFinished](w) {
			if e.Outcome != jwks.OutcomeFetched || e.Source != s.idp.URL() || e.URL != s.idp.KeySet().URL() {
				s.Errorf("finished %+v", e)
			}
		}
	})
}

func TestObserverIsToldOfAFetchWhoseAddressIsNotKnown(t *testing.T) {
	w := &witness{}
	discovering(t, jwks.Options{Observer: w}, func(s *source) {
		s.idp.Discovery().Break(issuertest.Status(418))
		s.ask(s.kid())
		synctest.Wait()
		if e := one[jwks.FetchFinished](s, w); e.URL != "" || e.Err == nil || e.Outcome != jwks.OutcomeFailed {
			s.Errorf("finished %+v", e)
		}
	})
}

// An observer may ask the source whatever event it was told of.
func TestObserversAreCalledWithoutALock(t *testing.T) {
	w := &witness{}
	discovering(t, jwks.Options{Observer: w, Snapshot: jwks.FileSnapshot(t.TempDir() + "/keys")}, func(s *source) {
		held := s.kid()
		var kinds sync.Map // told of; each is met once, for the source tells of what that does
		w.met = func(event any) {
			if _, again := kinds.LoadOrStore(fmt.Sprintf("%T", event), true); again {
				return
			}
			s.keys.Status()
			_ = s.keys.Ready()
			s.keys.Recheck()
			if len(s.keys.Status().Keys) > 0 {
				s.ask(held)
			}
		}
		_ = s.keys.Ready()
		s.warm()
		s.spend()
		s.idp.AddKey(verifier.EdDSA).SetMember("use", "enc")
		s.idp.Break(issuertest.Status(500))
		s.after(11 * time.Minute)
		s.ask("")
		synctest.Wait()
		s.ask("") // while nothing else is told
		s.idp.KeySet().Repair()
		s.after(time.Minute)
		s.ask("")
		synctest.Wait()
		for _, event := range []any{
			jwks.FetchStarted{},
			jwks.FetchFinished{},
			jwks.DiscoveryFailed{},
			jwks.LookUpRefused{},
			jwks.StaleServed{},
			keyNews{},
			jwks.KeySkipped{},
		} {
			if _, told := kinds.Load(fmt.Sprintf("%T", event)); !told {
				s.Errorf("no %T was told of", event)
			}
		}
	})
}

// The observer takes its time with all that is told on the goroutine of a fetch.
func TestSlowObserverHoldsUpNoRequestUnderAHeldKey(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		w.met = func(any) { time.Sleep(3 * time.Second) }
		s.expect(s.kid(), found, 1, 3*time.Second) // FetchStarted; the rest comes after the answer
		s.after(time.Minute)
		next := s.idp.Rotate().ID()
		s.after(5 * time.Minute)
		old := s.keys.Status().Keys[0].ID
		s.expect(old, found, 0, 0) // FetchStarted again
		s.after(3 * time.Second)
		s.expect(old, found, 0, 0)  // FetchFinished
		s.expect(next, found, 0, 0) // though the observer does not know yet
		if news := seen[keyNews](w); len(news) != 1 {
			s.Errorf("told of %+v before the observer has returned", news)
		}
		s.after(time.Minute)
		if news := one[keyNews](s, w); news.Key.ID != next {
			s.Errorf("told of %+v", news)
		}
	})
}

func TestEventsOfFetchesComeInTheirOrderThoughAnObserverIsSlow(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		first := s.idp.Key()
		w.met = func(event any) {
			if news, ok := event.(keyNews); ok && news.Key.ID == first.ID() && news.what == "added" {
				time.Sleep(time.Minute)
			}
		}
		s.expect(first.ID(), found, 1, 0)
		next := s.idp.Rotate().ID()
		s.idp.Withdraw(first)
		s.expect(next, found, 1, 0) // while the observer still looks at the first
		s.after(2 * time.Minute)
		var got []string
		for _, news := range seen[keyNews](w) {
			got = append(got, news.what+" "+news.Key.ID)
		}
		if want := []string{"added " + first.ID(), "added " + next, "removed " + first.ID()}; !reflect.DeepEqual(got, want) {
			s.Errorf("got %q, want %q", got, want)
		}
		if ends := seen[jwks.FetchFinished](w); len(ends) != 2 || ends[0].Cause != jwks.CauseCold {
			s.Errorf("ends %+v", ends)
		}
	})
}

func TestObserversAreToldAtTheSameTimeFromManyRequests(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w, Interval: time.Second}, func(s *source) {
		s.warm()
		s.spend()
		w.forget()
		s.idp.KeySet().Break(slow(10 * time.Millisecond))
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				for j := range 60 {
					s.ask(fmt.Sprint(i, "-", j))
					s.ask(s.kid())
					_ = s.keys.Ready()
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		all.Wait()
		s.after(time.Second)
		started, finished := seen[jwks.FetchStarted](w), seen[jwks.FetchFinished](w)
		if len(started) != len(finished) || len(started) < 1 || len(seen[jwks.LookUpRefused](w)) < 64 {
			s.Errorf("%d fetches started and %d finished", len(started), len(finished))
		}
	})
}

func TestLoggerIsToldBesideTheObserver(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		s.warm()
		if news := one[keyNews](s, w); news.Key.ID != s.kid() || len(s.log.lines("a key was added")) != 1 {
			s.Errorf("observer %+v, log:\n%s", news, s.log)
		}
	})
}

// forgetful embeds NopObserver, as an implementation does that wants one event.
type forgetful struct {
	jwks.NopObserver
	failures []error
}

func (f *forgetful) FetchFinished(e jwks.FetchFinished) { f.failures = append(f.failures, e.Err) }

func TestNopObserverIsForEmbedding(t *testing.T) {
	var o jwks.Observer = &forgetful{}
	o.FetchStarted(jwks.FetchStarted{})
	o.DiscoveryFailed(jwks.DiscoveryFailed{})
	o.LookUpRefused(jwks.LookUpRefused{})
	o.StaleServed(jwks.StaleServed{})
	o.KeyAdded(jwks.KeyEvent{})
	o.KeyRemoved(jwks.KeyEvent{})
	o.KeyChanged(jwks.KeyEvent{})
	o.KeySkipped(jwks.KeySkipped{})
	o.SnapshotUsed(jwks.SnapshotUsed{})
	o.SnapshotFailed(jwks.SnapshotFailed{})
	jwks.NopObserver{}.FetchFinished(jwks.FetchFinished{})
	o.FetchFinished(jwks.FetchFinished{Err: errors.ErrUnsupported})
	if got := o.(*forgetful).failures; len(got) != 1 || !errors.Is(got[0], errors.ErrUnsupported) {
		t.Errorf("got %v", got)
	}
}
