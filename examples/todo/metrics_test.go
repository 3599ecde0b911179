package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// counted is a key source and a verifier whose metrics are read. In a bubble its
// time is virtual.
type counted struct {
	issuer  *issuertest.Issuer
	keys    *jwks.Remote
	v       *verifier.Verifier
	metrics *metrics
}

func newCounted(t *testing.T, change ...func(*jwks.Options)) *counted {
	t.Helper()
	c := &counted{issuer: issuertest.Start(t), metrics: newMetrics()}
	options := &jwks.Options{Client: c.issuer.Client(), Logger: slog.New(slog.DiscardHandler), Observer: c.metrics}
	for _, change := range change {
		change(options)
	}
	var err error
	if c.keys, err = jwks.Discover(c.issuer.URL(), options); err != nil {
		t.Fatal(err)
	}
	c.metrics.watch(c.keys.Status)
	c.v, err = verifier.New(verifier.Config{
		Issuer: c.issuer.URL(), Audience: verifier.AnyOf("api"), Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys: c.keys, Observer: c.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// verify verifies a token and wants an outcome of it.
func (c *counted) verify(t *testing.T, token string, want verifier.Kind) {
	t.Helper()
	if _, err := c.v.Verify(t.Context(), token); verifier.KindOf(err) != want {
		t.Fatalf("Verify gave %v, want the kind %q", err, want.String())
	}
}

// unknown is a token whose kid no issuer has.
func (c *counted) unknown(kid string) string {
	return c.issuer.Key().TokenWithHeader(issuertest.Claims{"kid": kid}, nil)
}

// scrape returns the lines that Prometheus would read.
func scrape(t *testing.T, m *metrics) []string {
	t.Helper()
	got := newRecorder(t, m.handler(slog.New(slog.DiscardHandler)), "GET", "/metrics")
	if got.Code != http.StatusOK {
		t.Fatalf("/metrics gave %d %s", got.Code, got.Body)
	}
	return strings.Split(got.Body.String(), "\n")
}

// tells checks that the lines are among those that Prometheus reads. It is for a
// bubble.
func (c *counted) tells(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait() // a fetch is told of after its answer
	lines := scrape(t, c.metrics)
	for _, line := range want {
		if !slices.Contains(lines, line) {
			name, _, _ := strings.Cut(line, " ")
			i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+" ") })
			t.Errorf("no line %q; there is %q", line, lines[max(i, 0)])
		}
	}
}

func TestMetricsOfTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		c.tells(t,
			"bearerproof_ready 0",
			"bearerproof_keys_used 0",
			"bearerproof_last_good_fetch_timestamp_seconds 0",
			`bearerproof_verifications_total{kind="accepted"} 0`,
			`bearerproof_fetches_total{cause="cold",outcome="fetched"} 0`)
		good := c.issuer.Token(nil)
		c.verify(t, good, 0)
		c.verify(t, good, 0)
		c.verify(t, c.issuer.Token(issuertest.Claims{"exp": time.Now().Add(-time.Hour)}), verifier.ErrExpired)
		c.verify(t, c.unknown("nobody's"), verifier.ErrUnknownKey)
		c.verify(t, good[:len(good)-4]+"AAAA", verifier.ErrSignature)
		c.verify(t, "no token", verifier.ErrMalformed)
		c.tells(t,
			`bearerproof_verifications_total{kind="accepted"} 2`,
			`bearerproof_verifications_total{kind="expired"} 1`,
			`bearerproof_verifications_total{kind="unknown_key"} 1`,
			`bearerproof_verifications_total{kind="signature"} 1`,
			`bearerproof_verifications_total{kind="malformed"} 1`,
			`bearerproof_verifications_total{kind="audience"} 0`,
			`bearerproof_verification_duration_seconds_count 6`,
			`bearerproof_fetches_total{cause="cold",outcome="fetched"} 1`,
			`bearerproof_fetches_total{cause="unknown_kid",outcome="fetched"} 1`,
			`bearerproof_fetches_total{cause="recheck",outcome="fetched"} 0`, // the set is too young
			`bearerproof_fetch_duration_seconds_count 2`,
			`bearerproof_key_changes_total{kind="added"} 1`,
			`bearerproof_lookups_refused_total{reason="budget"} 0`,
			fmt.Sprintf("bearerproof_last_good_fetch_timestamp_seconds %v", float64(time.Now().Unix())),
			"bearerproof_ready 1",
			"bearerproof_keys_used 1",
			"bearerproof_keys_skipped 0",
			"bearerproof_key_set_age_seconds 0")
		c.verify(t, c.unknown("another"), verifier.ErrUnknownKey) // the last of the budget
		c.verify(t, c.unknown("a third"), verifier.ErrUnknownKey)
		c.tells(t, `bearerproof_lookups_refused_total{reason="budget"} 1`)
	})
}

func TestMetricsOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		begin := time.Now().Unix()
		known := c.issuer.Token(issuertest.Claims{"exp": time.Now().Add(48 * time.Hour)})
		c.verify(t, known, 0)
		c.issuer.Break(issuertest.Status(http.StatusInternalServerError))
		time.Sleep(time.Minute)
		c.verify(t, c.unknown("nobody's"), verifier.ErrKeysUnavailable)
		c.verify(t, c.unknown("nobody's"), verifier.ErrKeysUnavailable)
		c.tells(t,
			`bearerproof_fetches_total{cause="unknown_kid",outcome="failed"} 1`,
			`bearerproof_discovery_failures_total 1`,
			`bearerproof_lookups_refused_total{reason="backoff"} 1`,
			`bearerproof_verifications_total{kind="keys_unavailable"} 2`,
			`bearerproof_stale_answers_total 0`,
			"bearerproof_key_set_age_seconds 60",
			"bearerproof_ready 1")
		time.Sleep(10 * time.Minute)
		c.verify(t, known, 0) // the set is old, and the attempt to refresh it fails
		c.tells(t,
			`bearerproof_fetches_total{cause="idle",outcome="failed"} 1`,
			`bearerproof_stale_answers_total 1`,
			"bearerproof_key_set_age_seconds 660",
			fmt.Sprintf("bearerproof_last_good_fetch_timestamp_seconds %v", float64(begin)))
		time.Sleep(24 * time.Hour)
		c.tells(t, "bearerproof_ready 0")
		c.verify(t, known, verifier.ErrKeysUnavailable)
		c.issuer.Repair()
		time.Sleep(5 * time.Second)
		c.verify(t, known, 0)
		c.tells(t,
			`bearerproof_fetches_total{cause="cold",outcome="failed"} 1`,
			`bearerproof_fetches_total{cause="cold",outcome="fetched"} 2`,
			"bearerproof_key_set_age_seconds 0",
			"bearerproof_ready 1")
	})
}

func TestMetricsOfARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		old := c.issuer.Key()
		c.verify(t, old.Token(nil), 0)
		other := c.issuer.Rotate()
		c.verify(t, other.Token(nil), 0)
		c.tells(t, `bearerproof_key_changes_total{kind="added"} 2`, "bearerproof_keys_used 2")

		c.issuer.Withdraw(old)
		again := c.issuer.Replace(other)
		c.issuer.AddKey(verifier.ES256).SetMember("use", "enc")
		time.Sleep(10 * time.Second)
		c.verify(t, again.Token(nil), verifier.ErrSignature) // starts a fetch
		synctest.Wait()
		c.verify(t, again.Token(nil), 0)
		c.verify(t, old.Token(nil), verifier.ErrUnknownKey)
		c.tells(t,
			`bearerproof_fetches_total{cause="recheck",outcome="fetched"} 1`,
			`bearerproof_key_changes_total{kind="added"} 2`,
			`bearerproof_key_changes_total{kind="removed"} 1`,
			`bearerproof_key_changes_total{kind="changed"} 1`,
			"bearerproof_keys_used 1",
			"bearerproof_keys_skipped 1")
	})
}

func TestMetricsOfAFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t, func(o *jwks.Options) { o.Failover = "https://mirror.example.com/keys" })
		token := c.issuer.Token(nil)
		// In memory the issuer answers for the mirror too.
		c.issuer.KeySet().BreakNext(1, issuertest.Status(http.StatusInternalServerError))
		c.verify(t, token, 0)
		c.tells(t, `bearerproof_failovers_total 1`, `bearerproof_fetches_total{cause="cold",outcome="fetched"} 1`)
	})
}

func TestMetricsOfASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		snapshot := func(o *jwks.Options) { o.Snapshot = jwks.FileSnapshot(path) }
		c := newCounted(t, snapshot)
		c.verify(t, c.issuer.Token(nil), 0)
		c.tells(t, `bearerproof_snapshots_total{result="used"} 0`, `bearerproof_snapshots_total{result="failed"} 0`)

		again := *c
		again.metrics = newMetrics()
		keys, err := jwks.Discover(c.issuer.URL(), &jwks.Options{
			Client: c.issuer.Client(), Logger: slog.New(slog.DiscardHandler), Observer: again.metrics, Snapshot: jwks.FileSnapshot(path),
		})
		if err != nil {
			t.Fatal(err)
		}
		again.metrics.watch(keys.Status)
		c.issuer.Break(issuertest.Status(http.StatusBadGateway))
		time.Sleep(time.Minute)
		if err := keys.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.tells(t,
			`bearerproof_snapshots_total{result="used"} 1`,
			"bearerproof_last_good_fetch_timestamp_seconds 0",
			"bearerproof_key_set_age_seconds 60",
			"bearerproof_ready 1")
	})
}

func TestASnapshotThatCannotBeWrittenIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "no such directory", "keys")
		c := newCounted(t, func(o *jwks.Options) { o.Snapshot = jwks.FileSnapshot(path) })
		c.verify(t, c.issuer.Token(nil), 0)
		c.tells(t, `bearerproof_snapshots_total{result="failed"} 1`)
	})
}

// What strangers send must not fill the memory of Prometheus.
func TestStrangersMakeNoTimeSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		good := c.issuer.Token(nil)
		c.verify(t, good, 0)
		series := func() (names []string) {
			for _, line := range scrape(t, c.metrics) {
				if strings.HasPrefix(line, "bearerproof_") {
					names = append(names, line[:strings.LastIndex(line, " ")])
				}
			}
			return names
		}
		before := series()
		for i := range 50 {
			x := fmt.Sprint("x", i)
			for _, token := range []string{
				x,
				c.unknown(x),
				c.issuer.Key().TokenWithHeader(issuertest.Claims{"alg": x}, nil),
				c.issuer.Key().TokenWithHeader(issuertest.Claims{"typ": x}, nil),
				c.issuer.Token(issuertest.Claims{"iss": x}),
				c.issuer.Token(issuertest.Claims{"aud": x}),
				c.issuer.Token(issuertest.Claims{"cnf": x}),
			} {
				if _, err := c.v.Verify(t.Context(), token); err == nil {
					t.Fatal("accepted")
				}
			}
		}
		after := series()
		if !slices.Equal(before, after) {
			t.Errorf("there were the series\n%s\nand are\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	})
}

func TestMetricsAreWellNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounted(t)
		c.verify(t, c.issuer.Token(nil), 0)
		problems, err := testutil.GatherAndLint(c.metrics.registry)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
		if n, err := testutil.GatherAndCount(c.metrics.registry, "go_goroutines", "process_resident_memory_bytes", "bearerproof_ready"); n != 3 || err != nil {
			t.Errorf("%d of the process's metrics, %v, want 3", n, err)
		}
	})
}
