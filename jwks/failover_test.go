package jwks_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// mirrored is a source whose issuer publishes its keys at a second address too.
type mirrored struct {
	*source
	mirror *issuertest.Document
	told   *witness
}

// withMirror runs a test of a source with a failover address. The mirror has the
// issuer's keys of the time when publish is called.
func withMirror(t *testing.T, o jwks.Options, test func(m *mirrored)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &mirrored{source: newSource(t, &o), told: &witness{}}
		// The place of RFC 8414 is one more document of the issuer's, and not asked for here.
		m.mirror = m.idp.Metadata()
		m.publish()
		o.Failover, o.Observer = m.mirror.URL(), m.told
		keys, err := jwks.NewRemote(m.idp.KeySet().URL(), &o)
		m.use(keys, err)
		test(m)
	})
}

// publish brings the mirror up to date.
func (m *mirrored) publish() { m.mirror.SetContent(m.idp.KeySet().Content()) }

// want asks for a kid, and wants an answer after a time, and that first and second
// address have been asked so often for its sake.
func (m *mirrored) want(kid string, want answer, first, second int, took time.Duration) {
	m.Helper()
	before := m.mirror.Fetches()
	m.expect(kid, want, first, took)
	if n := m.mirror.Fetches() - before; n != second {
		m.Errorf("the second address was asked %d times, want %d", n, second)
	}
}

func TestFailoverIsNotAskedWhileTheFirstAddressDoes(t *testing.T) {
	withMirror(t, jwks.Options{}, func(m *mirrored) {
		m.want(m.kid(), found, 1, 0, 0)
		m.after(5 * time.Minute)
		m.want(m.kid(), found, 1, 0, 0)
		m.want("a", unknown, 1, 0, 0)
		if status := m.keys.Status(); status.URL != m.idp.KeySet().URL() || status.FailedOver != "" {
			m.Errorf("status %+v", status)
		}
		for _, e := range seen[jwks.FetchFinished](m.told) {
			if e.FailedOver != nil {
				m.Errorf("event %+v", e)
			}
		}
	})
}

func TestFailoverIsAskedWithinTheSameFetch(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault issuertest.Fault
		took  time.Duration
		why   string
	}{
		{"status 500", issuertest.Status(500), 0, "status 500"},
		{"an empty set", issuertest.Body("application/json", `{"keys":[]}`), 0, "no usable key"},
		{"garbage", issuertest.Body("text/html", "<html>"), 0, "not a JSON object"},
		{"a hang", issuertest.Hang(), 2500 * time.Millisecond, "deadline"},
		{"a hang in the middle", issuertest.HangBody(), 2500 * time.Millisecond, "deadline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			withMirror(t, jwks.Options{}, func(m *mirrored) {
				m.idp.KeySet().Break(test.fault)
				m.want(m.kid(), found, 1, 1, test.took)
				e := one[jwks.FetchFinished](m.source, m.told)
				if e.Outcome != jwks.OutcomeFetched || e.Err != nil || e.Failures != 0 || e.URL != m.mirror.URL() || e.Duration != test.took {
					m.Errorf("event %+v", e)
				}
				if e.FailedOver == nil || !strings.Contains(e.FailedOver.Error(), test.why) {
					m.Errorf("failed over for %v, want %s", e.FailedOver, test.why)
				}
				status := m.keys.Status()
				if status.URL != m.mirror.URL() || !strings.Contains(status.FailedOver, test.why) || status.LastError != "" {
					m.Errorf("status %+v", status)
				}
				if err := m.keys.Ready(); err != nil {
					m.Error(err)
				}
			})
		})
	}
}

func TestFailoverThatFailsTooLeavesTheFirstAddressToBlame(t *testing.T) {
	withMirror(t, jwks.Options{}, func(m *mirrored) {
		m.idp.KeySet().SetHeader("Retry-After", "4")
		m.idp.KeySet().Break(issuertest.Status(503))
		m.mirror.SetHeader("Retry-After", "2")
		m.mirror.Break(issuertest.Status(418))
		_, err := m.keys.Keys(m.Context(), m.kid(), verifier.ES256)
		if verifier.KindOf(err) != verifier.ErrKeysUnavailable || !strings.Contains(err.Error(), "status 503") || verifier.RetryAfter(err) != 4*time.Second {
			m.Errorf("got %v, retry after %v", err, verifier.RetryAfter(err))
		}
		synctest.Wait()
		if e := one[jwks.FetchFinished](m.source, m.told); e.URL != m.idp.KeySet().URL() || e.FailedOver != nil || e.Failures != 1 || !strings.Contains(e.Err.Error(), "status 503") {
			m.Errorf("event %+v", e)
		}
		m.after(4*time.Second - time.Nanosecond)
		m.want(m.kid(), unavailable, 0, 0, 0) // backoff holds for both
		m.after(time.Nanosecond)
		m.want(m.kid(), unavailable, 1, 1, 0)
		if status := m.keys.Status(); status.FailedOver != "" || !strings.Contains(status.LastError, "status 503") {
			m.Errorf("status %+v", status)
		}
	})
}

func TestStatusNamesTheMirrorWhileItsSetIsHeld(t *testing.T) {
	withMirror(t, jwks.Options{}, func(m *mirrored) {
		m.idp.KeySet().Break(issuertest.Status(500))
		m.warm()
		m.mirror.Break(issuertest.Status(418))
		m.after(5 * time.Minute)
		m.want(m.kid(), found, 1, 1, 0)
		if status := m.keys.Status(); status.Failures != 1 || status.URL != m.mirror.URL() || !strings.Contains(status.FailedOver, "status 500") {
			m.Errorf("status %+v", status)
		}
	})
}

func TestFailoverLetsNobodyWaitLongerThanFiveSeconds(t *testing.T) {
	for _, timeout := range []time.Duration{5 * time.Second, time.Minute} {
		withMirror(t, jwks.Options{Timeout: timeout}, func(m *mirrored) {
			m.idp.KeySet().Break(issuertest.Hang())
			m.mirror.Break(issuertest.Hang())
			start := time.Now()
			if got := m.ask(m.kid()); got != unavailable || time.Since(start) != 5*time.Second {
				m.Errorf("timeout %v: %s after %v", timeout, got, time.Since(start))
			}
			m.after(time.Minute)
			if asked := m.fetches() + m.mirror.Fetches(); asked != 2 {
				m.Errorf("timeout %v: asked %d times, want each address once", timeout, asked)
			}
		})
	}
}

// Each fetch would wait for a first address that hangs for half of its time.
func TestAddressThatFailedIsAskedSecondForAMinute(t *testing.T) {
	withMirror(t, jwks.Options{Interval: 20 * time.Second}, func(m *mirrored) {
		m.idp.KeySet().Break(issuertest.Hang())
		m.want(m.kid(), found, 1, 1, 2500*time.Millisecond)
		m.told.forget()
		m.after(20 * time.Second)
		m.want(m.kid(), found, 0, 1, 0)
		if e := one[jwks.FetchFinished](m.source, m.told); e.FailedOver == nil || !strings.Contains(e.FailedOver.Error(), "deadline") {
			m.Errorf("event %+v", e)
		}
		next := m.idp.Rotate().ID()
		m.publish()
		m.want(next, found, 0, 1, 0) // the mirror has it
		m.after(37500*time.Millisecond - time.Nanosecond)
		m.want(m.kid(), found, 0, 1, 0)
		m.after(20 * time.Second)
		m.want(m.kid(), found, 1, 0, 0) // the first address again, in the background
		m.after(2500 * time.Millisecond)
		if n := m.mirror.Fetches(); n != 5 {
			m.Errorf("the second address was asked %d times", n)
		}
	})
}

func TestFirstAddressThatIsBackLeadsAgain(t *testing.T) {
	withMirror(t, jwks.Options{}, func(m *mirrored) {
		m.idp.KeySet().Break(issuertest.Status(500))
		m.want(m.kid(), found, 1, 1, 0)
		m.idp.Repair()
		m.after(5 * time.Minute)
		m.want(m.kid(), found, 1, 0, 0)
		if status := m.keys.Status(); status.URL != m.idp.KeySet().URL() || status.FailedOver != "" {
			m.Errorf("status %+v", status)
		}
		m.want("a", unknown, 1, 0, 0)
	})
}

func TestMirrorThatFailsInItsTurnGivesWayToTheFirst(t *testing.T) {
	withMirror(t, jwks.Options{Interval: 20 * time.Second}, func(m *mirrored) {
		m.idp.KeySet().BreakNext(1, issuertest.Status(500))
		m.want(m.kid(), found, 1, 1, 0)
		m.mirror.Break(issuertest.Status(418))
		m.told.forget()
		m.after(20 * time.Second)
		m.want(m.kid(), found, 1, 1, 0)
		if e := one[jwks.FetchFinished](m.source, m.told); e.Err != nil || e.FailedOver != nil || e.URL != m.idp.KeySet().URL() {
			m.Errorf("event %+v", e)
		}
		m.after(20 * time.Second)
		m.want(m.kid(), found, 1, 0, 0) // it leads again
		m.idp.KeySet().Break(issuertest.Status(500))
		m.after(20 * time.Second)
		m.want(m.kid(), found, 1, 1, 0)
		if status := m.keys.Status(); status.Failures != 1 || !strings.Contains(status.LastError, "status 500") {
			m.Errorf("both are away: status %+v", status)
		}
	})
}

// A mirror may lag behind an issuer that is back.
func TestKeyThatTheMirrorLacksIsLookedForAtTheFirstAddress(t *testing.T) {
	withMirror(t, jwks.Options{}, func(m *mirrored) {
		m.idp.KeySet().BreakNext(1, issuertest.Status(500))
		m.want(m.kid(), found, 1, 1, 0)
		next := m.idp.Rotate().ID()
		m.want(next, found, 1, 1, 0)
		if status := m.keys.Status(); status.FailedOver != "" {
			m.Errorf("status %+v", status)
		}
	})
	t.Run("and is unknown if that is still away", func(t *testing.T) {
		withMirror(t, jwks.Options{}, func(m *mirrored) {
			m.idp.KeySet().Break(issuertest.Status(500))
			m.want(m.kid(), found, 1, 1, 0)
			m.want("a", unknown, 1, 1, 0)
			m.want("a", unknown, 0, 0, 0) // absent
			if status := m.keys.Status(); status.Failures != 0 || !strings.Contains(status.FailedOver, "status 500") {
				m.Errorf("status %+v", status)
			}
		})
	})
}

func TestValidatorsGoOnlyToTheAddressThatGaveThem(t *testing.T) {
	withMirror(t, jwks.Options{}, func(m *mirrored) {
		m.idp.KeySet().SetHeader("ETag", `"first"`)
		m.mirror.SetHeader("ETag", `"second"`)
		asked := func(d *issuertest.Document) string { return d.LastRequest().Get("If-None-Match") }
		m.want(m.kid(), found, 1, 0, 0)

		m.idp.KeySet().BreakNext(1, issuertest.Status(500))
		m.after(5 * time.Minute)
		m.want(m.kid(), found, 1, 1, 0)
		if asked(m.idp.KeySet()) != `"first"` || asked(m.mirror) != "" {
			m.Errorf("asked the first for %q and the second for %q", asked(m.idp.KeySet()), asked(m.mirror))
		}
		m.after(5 * time.Minute)
		m.want(m.kid(), found, 1, 0, 0) // the set is the mirror's
		if asked(m.idp.KeySet()) != "" {
			m.Errorf("asked the first for %q", asked(m.idp.KeySet()))
		}
	})
}

func TestFailoverServesWhereDiscoveryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := jwks.Options{}
		s := newSource(t, &o)
		mirror := s.idp.Metadata()
		mirror.SetContent(s.idp.KeySet().Content())
		o.Failover = mirror.URL()
		keys, err := jwks.Discover(s.idp.URL(), &o)
		s.use(keys, err)
		s.idp.Discovery().Break(issuertest.Hang())
		s.expect(s.kid(), found, 0, 2500*time.Millisecond)
		s.idp.Repair()
		s.after(5 * time.Minute)
		s.expect(s.kid(), found, 1, 0)
		if status := s.keys.Status(); status.URL != s.idp.KeySet().URL() || s.log.lines("failover address") == nil {
			s.Errorf("status %+v, log:\n%s", status, s.log)
		}
	})
}

func TestUnknownKidsCostTheBudgetOnceThoughBothAddressesAreAsked(t *testing.T) {
	withMirror(t, jwks.Options{}, func(m *mirrored) {
		m.idp.KeySet().Break(issuertest.Status(500))
		m.warm()
		m.after(30 * time.Second)
		for _, kid := range []string{"a", "b", "c"} {
			m.want(kid, unknown, 1, 1, 0)
		}
		m.want("d", unknown, 0, 0, 0)
	})
}
