package jwks_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestLogLineOfEachEvent(t *testing.T) {
	fault := errors.New("a fault")
	key := jwks.KeyStatus{ID: "k", Algorithm: "ES256", Thumbprint: "new"}
	for _, test := range []struct {
		want string // "" for no line
		tell func(o jwks.Observer)
	}{
		{``, func(o jwks.Observer) { o.FetchStarted(jwks.FetchStarted{Source: "s"}) }},
		{``, func(o jwks.Observer) {
			o.FetchFinished(jwks.FetchFinished{Source: "s", Outcome: jwks.OutcomeFetched})
		}},
		{`level=WARN msg="fetching the key set failed" source=s error="a fault" failures=2`, func(o jwks.Observer) {
			o.FetchFinished(jwks.FetchFinished{Source: "s", Outcome: jwks.OutcomeFailed, Err: fault, Failures: 2})
		}},
		{`level=INFO msg="the key set can be fetched again" source=s failures=2`, func(o jwks.Observer) {
			o.FetchFinished(jwks.FetchFinished{Source: "s", Outcome: jwks.OutcomeUnchanged, Failures: 2})
		}},
		{`level=WARN msg="the key set came from the failover address" source=s error="a fault"`, func(o jwks.Observer) {
			o.FetchFinished(jwks.FetchFinished{Source: "s", Outcome: jwks.OutcomeFetched, FailedOver: fault})
		}},
		{`level=WARN msg="discovery failed, the last address is used" source=s error="a fault"`, func(o jwks.Observer) {
			o.DiscoveryFailed(jwks.DiscoveryFailed{Source: "s", Err: fault})
		}},
		{`level=WARN msg="tokens with unknown kids are refused without a look-up" source=s reason=budget`, func(o jwks.Observer) {
			o.LookUpRefused(jwks.LookUpRefused{Source: "s", Reason: jwks.RefusedBudget})
		}},
		{``, func(o jwks.Observer) { // its failures are in the log
			o.LookUpRefused(jwks.LookUpRefused{Source: "s", Reason: jwks.RefusedBackoff, Answer: fault})
		}},
		{`level=WARN msg="an old key set serves" source=s age=11m0s`, func(o jwks.Observer) {
			o.StaleServed(jwks.StaleServed{Source: "s", Age: 11*time.Minute + 3})
		}},
		{`level=INFO msg="a key was added" source=s kid=k thumbprint=new`, func(o jwks.Observer) {
			o.KeyAdded(jwks.KeyEvent{Source: "s", Key: key})
		}},
		{`level=INFO msg="a key was removed" source=s kid=k thumbprint=new`, func(o jwks.Observer) {
			o.KeyRemoved(jwks.KeyEvent{Source: "s", Key: key})
		}},
		{`level=WARN msg="another key has the kid of an old one" source=s kid=k thumbprint=new before=old`, func(o jwks.Observer) {
			o.KeyChanged(jwks.KeyEvent{Source: "s", Key: key, Before: jwks.KeyStatus{ID: "k", Thumbprint: "old"}})
		}},
		{`level=INFO msg="a key of the set is not used" source=s kid=k reason="use is not sig"`, func(o jwks.Observer) {
			o.KeySkipped(jwks.KeySkipped{Source: "s", Key: jwks.SkippedKey{ID: "k", Reason: "use is not sig"}})
		}},
		{`level=WARN msg="the key set of an earlier process serves" source=s age=1h0m0s`, func(o jwks.Observer) {
			o.SnapshotUsed(jwks.SnapshotUsed{Source: "s", Age: time.Hour})
		}},
		{`level=WARN msg="the snapshot of the key set cannot be used" source=s error="a fault"`, func(o jwks.Observer) {
			o.SnapshotFailed(jwks.SnapshotFailed{Source: "s", Err: fault})
		}},
		{`level=WARN msg="the snapshot of the key set cannot be written" source=s error="a fault"`, func(o jwks.Observer) {
			o.SnapshotFailed(jwks.SnapshotFailed{Source: "s", Err: fault, Writing: true})
		}},
	} {
		log := &logbook{}
		test.tell(jwks.NewLogObserver(log.logger()))
		_, got, _ := strings.Cut(strings.TrimSpace(log.String()), " ") // without the time
		if got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestWhatMayHappenWithEveryRequestIsLoggedOnceAMinuteForEachSource(t *testing.T) {
	for name, tell := range map[string]func(o jwks.Observer, source string){
		"refusals":   func(o jwks.Observer, source string) { o.LookUpRefused(jwks.LookUpRefused{Source: source}) },
		"an old set": func(o jwks.Observer, source string) { o.StaleServed(jwks.StaleServed{Source: source}) },
		"a fail-over": func(o jwks.Observer, source string) {
			o.FetchFinished(jwks.FetchFinished{Source: source, FailedOver: errors.ErrUnsupported})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logbook{}
				o := jwks.NewLogObserver(log.logger())
				lines := func(want int) {
					t.Helper()
					tell(o, "a")
					tell(o, "b")
					if a, b := len(log.lines("source=a")), len(log.lines("source=b")); a != want || b != want {
						t.Errorf("%d and %d lines, want %d each", a, b, want)
					}
				}
				lines(1)
				time.Sleep(time.Minute - time.Nanosecond)
				lines(1)
				time.Sleep(time.Nanosecond)
				lines(2)
				lines(2)
			})
		})
	}
}

// One topic does not silence another.
func TestLogTellsOfRefusalsAndOfAnOldSetInTheSameMinute(t *testing.T) {
	log := &logbook{}
	o := jwks.NewLogObserver(log.logger())
	o.LookUpRefused(jwks.LookUpRefused{Source: "s"})
	o.StaleServed(jwks.StaleServed{Source: "s"})
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
}

// An issuer may answer each new kid with a set of a thousand other keys.
func TestLogTellsOf64KeysAMinuteForEachSourceAndThatThereWereMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logbook{}
		o := jwks.NewLogObserver(log.logger())
		lines := func(source string, want int) {
			t.Helper()
			for range 25 {
				o.KeyAdded(jwks.KeyEvent{Source: source})
				o.KeyRemoved(jwks.KeyEvent{Source: source})
				o.KeyChanged(jwks.KeyEvent{Source: source})
				o.KeySkipped(jwks.KeySkipped{Source: source})
			}
			told, more := len(log.lines("source="+source+" kid")), len(log.lines(`level=INFO msg="more keys came, went or changed within a minute than are logged" source=`+source))
			if told != 64*want || more != want {
				t.Errorf("%s: %d lines about keys, want %d, and %d about more, want %d", source, told, 64*want, more, want)
			}
		}
		lines("a", 1)
		lines("b", 1)
		time.Sleep(time.Minute - time.Nanosecond)
		lines("a", 1)
		time.Sleep(time.Nanosecond)
		lines("a", 2)
		lines("b", 2)
		o.FetchFinished(jwks.FetchFinished{Source: "a", Outcome: jwks.OutcomeFailed})
		if n := len(log.lines("fetching the key set failed")); n != 1 {
			t.Error("a failure is not logged for the keys")
		}
	})
}

func TestLogTellsOf64KeysWithoutALineAboutMore(t *testing.T) {
	log := &logbook{}
	o := jwks.NewLogObserver(log.logger())
	for range 64 {
		o.KeyAdded(jwks.KeyEvent{Source: "a"})
	}
	if n, more := strings.Count(log.String(), "\n"), log.lines("more keys"); n != 64 || len(more) != 0 {
		t.Errorf("%d lines, %q", n, more)
	}
}

func TestLogObserverOfAThousandSourcesStillTells(t *testing.T) {
	log := &logbook{}
	o := jwks.NewLogObserver(log.logger())
	for i := range 3000 {
		o.StaleServed(jwks.StaleServed{Source: fmt.Sprint(i)})
		o.KeyAdded(jwks.KeyEvent{Source: fmt.Sprint(i)})
	}
	if n := strings.Count(log.String(), "\n"); n != 6000 {
		t.Errorf("%d lines of 3000 sources", n)
	}
}

// Not parallel: the default logger is the process's.
func TestLogObserverWithoutALogWritesToTheDefault(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	var text bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	jwks.NewLogObserver(nil).KeyAdded(jwks.KeyEvent{Key: jwks.KeyStatus{ID: "k"}})
	if !strings.Contains(text.String(), "kid=k") {
		t.Errorf("the default log is %q", text.String())
	}
}

func TestLogTellsOfFailureRecoveryChangeAndSkippedKeysOnce(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		source := "source=" + s.idp.URL()
		count := func(want int, message string, texts ...string) {
			s.Helper()
			lines := s.log.lines(message)
			if len(lines) != want {
				s.Errorf("%d lines of %q, want %d, in:\n%s", len(lines), message, want, s.log)
			}
			for _, line := range lines {
				for _, text := range append(texts, source) {
					if !strings.Contains(line, text) {
						s.Errorf("line %s lacks %s", line, text)
					}
				}
			}
		}
		s.warm()
		count(1, "a key was added", "level=INFO", "kid="+s.kid())
		for range 5 {
			s.after(5 * time.Minute)
			s.ask(s.kid())
		}
		count(1, "a key was added")

		s.idp.KeySet().BreakNext(2, issuertest.Status(500))
		s.after(5 * time.Minute)
		for range 3 {
			s.ask(s.kid())
			s.after(2 * time.Second)
		}
		count(2, "fetching the key set failed", "level=WARN", `error="jwks: the key set cannot be had: the answer has status 500"`, "failures=")
		count(1, "the key set can be fetched again", "level=INFO", "failures=2")

		old := s.idp.Key()
		odd := s.idp.AddKey(verifier.ES256)
		odd.SetMember("use", "enc")
		s.idp.Withdraw(old)
		next := s.idp.AddKey(verifier.ES256)
		for range 5 {
			s.after(5 * time.Minute)
			s.ask(next.ID())
		}
		count(2, "a key was added")
		count(1, "a key was removed", "level=INFO", "kid="+old.ID())
		count(1, "a key of the set is not used", "level=INFO", "kid="+odd.ID(), `reason="use is not sig"`)
	})
}

// A source that knows no issuer is told apart by its URL.
func TestLogOfNewRemoteNamesTheURL(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		if lines := s.log.lines("a key was added"); len(lines) != 1 || !strings.Contains(lines[0], "source="+s.idp.KeySet().URL()) {
			s.Errorf("the log is %q, want the URL in it", lines)
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
