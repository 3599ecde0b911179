package jwks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// restarted is a source with a snapshot, and with the options of the next process.
type restarted struct {
	*source
	o    jwks.Options
	path string
	told *witness
}

// restarting runs a test of a source that keeps a snapshot and was fetched once.
func restarting(t *testing.T, o jwks.Options, test func(r *restarted)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.snapshot")
	synctest.Test(t, func(t *testing.T) {
		r := &restarted{source: newSource(t, &o), o: o, path: path}
		r.restart()
		r.warm()
		test(r)
	})
}

// restart begins another process.
func (r *restarted) restart() {
	r.Helper()
	r.told, r.log = &witness{}, &logbook{}
	r.o.Observer, r.o.Logger = r.told, r.log.logger()
	r.o.Snapshot = jwks.FileSnapshot(r.path)
	keys, err := jwks.Discover(r.idp.URL(), &r.o)
	r.use(keys, err)
}

func TestRestartDuringAnOutageServesAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		fault issuertest.Fault
		took  time.Duration
	}{
		"status 500": {issuertest.Status(500), 0},
		"a hang":     {issuertest.Hang(), 4500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			restarting(t, jwks.Options{}, func(r *restarted) {
				fetched := time.Now()
				r.after(2 * time.Minute)
				r.idp.Break(test.fault)
				r.restart()
				start := time.Now()
				if got := r.many(16, func(int) string { return r.kid() }); got[found] != 16 || time.Since(start) != test.took {
					r.Errorf("%v after %v, want a key for all after %v", got, time.Since(start), test.took)
				}
				if err := r.keys.Ready(); err != nil {
					r.Error(err)
				}
				synctest.Wait()
				age := 2*time.Minute + test.took
				if e := one[jwks.SnapshotUsed](r.source, r.told); e.Source != r.idp.URL() || e.Age != age {
					r.Errorf("event %+v, want an age of %v", e, age)
				}
				if e := one[jwks.FetchFinished](r.source, r.told); e.Outcome != jwks.OutcomeFailed || e.Cause != jwks.CauseCold || e.Age != age || e.Used != 1 {
					r.Errorf("event %+v", e)
				}
				if news := one[keyNews](r.source, r.told); news.what != "added" || news.Key.ID != r.kid() {
					r.Errorf("news %+v", news)
				}
				for _, e := range seen[jwks.StaleServed](r.told) {
					if e.Age != age {
						r.Errorf("event %+v", e)
					}
				}
				status := r.keys.Status()
				if !status.Restored || !status.Usable || !status.FetchedAt.Equal(fetched) || !status.UsableUntil.Equal(fetched.Add(24*time.Hour)) || status.AgeSeconds != int(age/time.Second) || status.Failures != 1 {
					r.Errorf("status %+v", status)
				}
				if n := len(r.log.lines("the key set of an earlier process serves")); n != 1 {
					r.Errorf("%d lines, want one:\n%s", n, r.log)
				}
			})
		})
	}
}

func TestEachRequestServedFromASnapshotIsToldOf(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		r.idp.Break(issuertest.Status(500))
		r.restart()
		_ = r.keys.Warm(r.Context())
		r.expect(r.kid(), found, 0, 0)
		r.expect(r.kid(), found, 0, 0)
		if n := len(seen[jwks.StaleServed](r.told)); n != 2 {
			r.Errorf("%d events, want 2", n)
		}
		r.idp.Repair()
		r.after(time.Second)
		r.ask(r.kid())
		synctest.Wait()
		r.told.forget()
		r.expect(r.kid(), found, 0, 0)
		if n := len(seen[jwks.StaleServed](r.told)); n != 0 {
			r.Errorf("%d events after the recovery", n)
		}
	})
}

func TestRestartWhileTheIssuerAnswersUsesNoSnapshot(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		old := r.idp.Key()
		r.idp.Rotate()
		r.idp.Withdraw(old)
		r.restart()
		r.expect(r.kid(), found, 1, 0)
		r.expect(old.ID(), unknown, 1, 0)
		if used, status := seen[jwks.SnapshotUsed](r.told), r.keys.Status(); len(used) != 0 || status.Restored {
			r.Errorf("events %+v, status %+v", used, status)
		}
	})
}

// A failure that comes later finds a set, and the snapshot is no better.
func TestSnapshotIsForTheFirstFetchOnly(t *testing.T) {
	t.Run("that failed", func(t *testing.T) {
		restarting(t, jwks.Options{}, func(r *restarted) {
			text := r.read()
			if err := os.Remove(r.path); err != nil {
				r.Fatal(err)
			}
			r.idp.Break(issuertest.Status(500))
			r.restart()
			r.expect(r.kid(), unavailable, 0, 0)
			if events := seen[jwks.SnapshotFailed](r.told); len(events) != 0 {
				r.Errorf("no file is a fault: %+v", events)
			}
			r.write(text)
			r.after(5 * time.Second)
			r.expect(r.kid(), unavailable, 0, 0)
		})
	})
	t.Run("that was good", func(t *testing.T) {
		restarting(t, jwks.Options{MaxStale: 10 * time.Minute}, func(r *restarted) {
			r.restart()
			r.warm()
			text := r.read()
			r.idp.Break(issuertest.Status(500))
			r.after(9 * time.Minute)
			r.expect(r.kid(), found, 1, 0)
			r.write(text)
			r.after(time.Minute)
			r.expect(r.kid(), unavailable, 1, 0)
			if used := seen[jwks.SnapshotUsed](r.told); len(used) != 0 {
				r.Errorf("events %+v", used)
			}
		})
	})
}

func (r *restarted) read() string {
	r.Helper()
	text, err := os.ReadFile(r.path)
	if err != nil {
		r.Fatal(err)
	}
	return string(text)
}

func (r *restarted) write(text string) {
	r.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

func TestRestoredSetIsReplacedAsSoonAsTheIssuerIsBack(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		old := r.idp.Key()
		next := r.idp.Rotate().ID()
		r.idp.Withdraw(old)
		r.idp.Break(issuertest.Status(500))
		r.restart()
		r.keys.SetRandom(func() float64 { return 0 })
		r.expect(old.ID(), found, 0, 0) // withdrawn before the restart, which nobody can know
		r.idp.Repair()
		r.after(time.Second - time.Nanosecond)
		r.expect(old.ID(), found, 0, 0) // the backoff is in force
		r.told.forget()
		r.after(time.Nanosecond)
		// Though the set is younger than the interval.
		r.expect(old.ID(), found, 1, 0)
		r.expect(next, found, 0, 0)
		r.expect(old.ID(), unknown, 1, 0)
		var got []string
		for _, news := range seen[keyNews](r.told) {
			got = append(got, news.what+" "+news.Key.ID)
		}
		if want := []string{"added " + next, "removed " + old.ID()}; !reflect.DeepEqual(got, want) {
			r.Errorf("news %q, want %q", got, want)
		}
		if status := r.keys.Status(); status.Restored || status.Failures != 0 || status.AgeSeconds != 0 {
			r.Errorf("status %+v", status)
		}
	})
}

func TestUnknownKidIsLookedForUnderARestoredSet(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		next := r.idp.Rotate().ID()
		r.idp.KeySet().Break(issuertest.Status(500))
		r.restart()
		r.expect(r.idp.Key().ID(), unavailable, 1, 0)
		r.expect(next, unavailable, 0, 0) // backing off
		r.after(time.Second)
		r.expect("a", unavailable, 1, 0)
		r.expect("b", unavailable, 0, 0)
		r.idp.Repair()
		r.after(2 * time.Second)
		r.expect(next, found, 1, 0)
		r.expect("a", unknown, 1, 0)
		r.expect("b", unknown, 1, 0)
		r.expect("c", unknown, 1, 0) // failures and the rotation cost nothing
		r.expect("d", unknown, 0, 0)
	})
}

func TestMaxStaleOfARestoredSetCountsFromTheOriginalAnswer(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		r.idp.Break(issuertest.Status(500))
		r.after(23 * time.Hour)
		r.restart()
		r.expect(r.kid(), found, 0, 0)
		r.after(time.Hour - time.Nanosecond)
		r.expect(r.kid(), found, 0, 0)
		r.after(time.Nanosecond)
		r.expect(r.kid(), unavailable, 0, 0)
		if r.keys.Ready() == nil || r.keys.Status().Usable {
			r.Error("usable beyond MaxStale")
		}
		// No further restart prolongs it.
		r.restart()
		r.expect(r.kid(), unavailable, 0, 0)
		if e := one[jwks.SnapshotFailed](r.source, r.told); e.Writing || !strings.Contains(e.Err.Error(), "older than Options.MaxStale (24h0m0s)") {
			r.Errorf("event %+v", e)
		}
	})
}

func TestMaxStaleOfARestoredSetHoldsWhateverTheClocksDo(t *testing.T) {
	for name, test := range map[string]struct {
		wall, mono, pass time.Duration
		want             answer
	}{
		"nothing":                     {0, 0, 22 * time.Hour, found},
		"the wall clock was set back": {-25 * time.Hour, 0, 23 * time.Hour, unavailable},
		"the machine slept":           {0, -25 * time.Hour, 25 * time.Hour, unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			restarting(t, jwks.Options{}, func(r *restarted) {
				r.after(time.Hour)
				r.idp.Break(issuertest.Status(500))
				r.restart()
				c := &clock{started: time.Now()}
				c.set(time.Now().Round(0).Sub(booted.Round(0)), 0) // the snapshot has the bubble's time
				r.keys.SetClock(c.now)
				r.expect(r.kid(), found, 0, 0)
				c.set(time.Now().Round(0).Sub(booted.Round(0))+test.wall, test.mono)
				r.after(test.pass)
				r.expect(r.kid(), test.want, 0, 0)
			})
		})
	}
}

func TestSnapshotThatCannotBeUsedIsToldOfAndReplaced(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(r *restarted)
		why   string
	}{
		"damaged": {func(r *restarted) { r.write(strings.Replace(r.read(), `"EC"`, `"ec"`, 1)) }, "damaged"},
		"empty":   {func(r *restarted) { r.write("") }, "not a snapshot"},
		"another issuer's": {func(r *restarted) {
			other := issuertest.Start(r.T)
			other.AddKey(verifier.ES256)
			path := r.path + ".other"
			keys, err := jwks.Discover(other.URL(), &jwks.Options{Client: other.Client(), Logger: discard(), Snapshot: jwks.FileSnapshot(path)})
			if err != nil {
				r.Fatal(err)
			}
			if err := keys.Warm(r.Context()); err != nil {
				r.Fatal(err)
			}
			synctest.Wait()
			if err := os.Rename(path, r.path); err != nil {
				r.Fatal(err)
			}
		}, "it is of issuer"},
		"of an address": {func(r *restarted) {
			path := r.path + ".other"
			keys, err := jwks.NewRemote(r.idp.KeySet().URL(), &jwks.Options{Client: r.idp.Client(), Logger: discard(), Snapshot: jwks.FileSnapshot(path)})
			if err != nil {
				r.Fatal(err)
			}
			if err := keys.Warm(r.Context()); err != nil {
				r.Fatal(err)
			}
			synctest.Wait()
			if err := os.Rename(path, r.path); err != nil {
				r.Fatal(err)
			}
		}, "it is of"},
		"writable by others": {func(r *restarted) {
			if err := os.Chmod(r.path, 0o622); err != nil {
				r.Fatal(err)
			}
		}, "mode"},
	} {
		t.Run(name, func(t *testing.T) {
			restarting(t, jwks.Options{}, func(r *restarted) {
				test.spoil(r)
				r.idp.Break(issuertest.Status(500))
				r.restart()
				r.expect(r.kid(), unavailable, 0, 0)
				if e := one[jwks.SnapshotFailed](r.source, r.told); e.Writing || e.Source != r.idp.URL() || !strings.Contains(e.Err.Error(), test.why) {
					r.Errorf("event %+v, want %s", e, test.why)
				}
				if n := len(r.log.lines("the snapshot of the key set cannot be used")); n != 1 {
					r.Errorf("%d lines:\n%s", n, r.log)
				}
				r.idp.Repair()
				r.after(5 * time.Second)
				r.warm()
				r.idp.Break(issuertest.Status(500))
				r.restart()
				r.expect(r.kid(), found, 0, 0)
			})
		})
	}
}

func TestSnapshotFromTheFutureIsNotUsed(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		r.idp.Break(issuertest.Status(500))
		r.restart()
		ahead := time.Now()
		r.keys.SetClock(func() time.Time { return ahead.Add(-time.Second) })
		r.expect(r.kid(), unavailable, 0, 0)
		if e := one[jwks.SnapshotFailed](r.source, r.told); !strings.Contains(e.Err.Error(), "in the future") {
			r.Errorf("event %+v", e)
		}
	})
}

// A process whose clock is right must not be undone by one that hung.
func TestOlderAnswerNeverOverwritesANewerSnapshot(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		slowOne := r.keys
		w := r.told
		r.after(5 * time.Minute)
		r.idp.KeySet().BreakNext(1, slow(4*time.Second))
		_ = slowOne.Ready() // its fetch gets the answer of now, later
		r.after(time.Second)
		next := r.idp.Rotate().ID()
		r.restart()
		r.warm()
		newer := r.read()
		if !strings.Contains(newer, next) {
			r.Fatalf("the snapshot lacks the new key:\n%s", newer)
		}
		r.after(4 * time.Second)
		if got := r.read(); got != newer {
			r.Errorf("overwritten by an older one:\n%s", got)
		}
		if e := one[jwks.SnapshotFailed](r.source, w); !e.Writing || !strings.Contains(e.Err.Error(), "newer") {
			r.Errorf("event %+v", e)
		}
	})
}

func TestSnapshotIsWrittenAfterEach200AndAfterNo304(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		first := r.read()
		r.idp.KeySet().SetHeader("ETag", `"a"`)
		r.after(5 * time.Minute)
		r.ask(r.kid())
		synctest.Wait()
		second := r.read()
		if first == second {
			r.Error("not written after a 200")
		}
		r.after(5 * time.Minute)
		r.ask(r.kid())
		synctest.Wait()
		if e := seen[jwks.FetchFinished](r.told); e[len(e)-1].Outcome != jwks.OutcomeUnchanged {
			r.Fatalf("finished %+v", e)
		}
		if r.read() != second {
			r.Error("written after a 304, which does not put MaxStale off")
		}
		if e := seen[jwks.SnapshotFailed](r.told); len(e) != 0 {
			r.Errorf("events %+v", e)
		}
	})
}

func TestSnapshotHoldsUsedPublicKeysOnly(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			r.Fatal(err)
		}
		leaked, err := (&jose.JSONWebKey{Key: private, KeyID: "leaked"}).MarshalJSON()
		if err != nil {
			r.Fatal(err)
		}
		used := jwkOf(r.T, "p-256", map[string]any{"kid": "used"})
		for i, set := range []string{
			`{"keys":[%s,%s,{"kty":"oct","kid":"shared","k":"c2VjcmV0"}],"note":"a stranger's words"}`,
			`{"note":"a stranger's words","keys":[%s,%s,{"kid":1},[],{"kty":"oct","kid":"shared","k":"c2VjcmV0"}]}`,
		} {
			r.idp.KeySet().SetContent(fmt.Appendf(nil, set, leaked, used))
			r.after(10 * time.Minute)
			r.ask("used")
			synctest.Wait()
			text := r.read()
			if !strings.Contains(text, `"kid":"used"`) {
				r.Errorf("set %d: the snapshot lacks the key:\n%s", i, text)
			}
			for _, secret := range []string{"leaked", `"d"`, "shared", "c2VjcmV0", "stranger"} {
				if strings.Contains(text, secret) {
					r.Errorf("set %d: the snapshot has %s:\n%s", i, secret, text)
				}
			}
		}
		info, err := os.Stat(r.path)
		if err != nil || info.Mode().Perm() != 0o600 {
			r.Errorf("mode %v, %v, want 0600", info.Mode(), err)
		}
		r.idp.Break(issuertest.Status(500))
		r.restart()
		r.expect("used", found, 0, 0)
	})
}

func TestSnapshotThatCannotBeWrittenHoldsUpNobody(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		if err := os.RemoveAll(filepath.Dir(r.path)); err != nil {
			r.Fatal(err)
		}
		r.after(5 * time.Minute)
		r.expect(r.kid(), found, 1, 0)
		if e := one[jwks.SnapshotFailed](r.source, r.told); !e.Writing || e.Source != r.idp.URL() {
			r.Errorf("event %+v", e)
		}
		if status := r.keys.Status(); status.Failures != 0 || !status.Usable || status.AgeSeconds != 0 {
			r.Errorf("status %+v", status)
		}
		if n := len(r.log.lines("the snapshot of the key set cannot be written")); n != 1 {
			r.Errorf("%d lines:\n%s", n, r.log)
		}
	})
}

func TestSetFromTheFailoverIsRestoredToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.snapshot")
	withMirror(t, jwks.Options{Snapshot: jwks.FileSnapshot(path)}, func(m *mirrored) {
		m.idp.KeySet().Break(issuertest.Status(500))
		m.warm()
		m.mirror.Break(issuertest.Hang())
		m.restart(t, path)
		start := time.Now()
		if got := m.ask(m.kid()); got != found || time.Since(start) != 4500*time.Millisecond {
			m.Errorf("%s after %v", got, time.Since(start))
		}
	})
}

func (m *mirrored) restart(t *testing.T, path string) {
	t.Helper()
	keys, err := jwks.NewRemote(m.idp.KeySet().URL(), &jwks.Options{
		Client: m.idp.Client(), Logger: discard(), Failover: m.mirror.URL(), Snapshot: jwks.FileSnapshot(path),
	})
	m.use(keys, err)
}
