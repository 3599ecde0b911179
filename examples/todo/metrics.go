package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// metrics is what Prometheus is told. It observes the key source and the verifier.
// The values of its labels come from the constants of those packages: nobody who
// sends a token can make a new one.
type metrics struct {
	jwks.NopObserver // for the events that are not counted

	registry *prometheus.Registry

	fetches           *prometheus.CounterVec // by cause and outcome
	fetchSeconds      prometheus.Histogram
	lastGoodFetch     prometheus.Gauge
	failovers         prometheus.Counter
	discoveryFailures prometheus.Counter
	refused           *prometheus.CounterVec // by reason
	stale             prometheus.Counter
	changes           *prometheus.CounterVec // by kind
	snapshots         *prometheus.CounterVec // by result

	verifications *prometheus.CounterVec // by kind
	verifySeconds prometheus.Histogram
}

var (
	_ jwks.Observer     = (*metrics)(nil)
	_ verifier.Observer = (*metrics)(nil)
)

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.countKeys(promauto.With(m.registry))
	m.countTokens(promauto.With(m.registry))
	m.begin()
	return m
}

// countKeys makes what the key source's events are counted in.
func (m *metrics) countKeys(in promauto.Factory) {
	m.fetches = in.NewCounterVec(prometheus.CounterOpts{
		Name: "bearerproof_fetches_total",
		Help: "Fetches of the key set that have ended.",
	}, []string{"cause", "outcome"})
	m.fetchSeconds = in.NewHistogram(prometheus.HistogramOpts{
		Name:    "bearerproof_fetch_duration_seconds",
		Help:    "How long fetches of the key set took.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}, // a fetch ends after 5 s
	})
	m.lastGoodFetch = in.NewGauge(prometheus.GaugeOpts{
		Name: "bearerproof_last_good_fetch_timestamp_seconds",
		Help: "When this process last fetched a good key set; 0 if it never did.",
	})
	m.failovers = in.NewCounter(prometheus.CounterOpts{
		Name: "bearerproof_failovers_total",
		Help: "Fetches for which the second address had to do.",
	})
	m.discoveryFailures = in.NewCounter(prometheus.CounterOpts{
		Name: "bearerproof_discovery_failures_total",
		Help: "Fetches for which the issuer's metadata could not be read, and the last known address was asked.",
	})
	m.refused = in.NewCounterVec(prometheus.CounterOpts{
		Name: "bearerproof_lookups_refused_total",
		Help: "Requests for a key that were refused without a fetch.",
	}, []string{"reason"})
	m.stale = in.NewCounter(prometheus.CounterOpts{
		Name: "bearerproof_stale_answers_total",
		Help: "Requests that were answered from a key set which should have been refreshed.",
	})
	m.changes = in.NewCounterVec(prometheus.CounterOpts{
		Name: "bearerproof_key_changes_total",
		Help: "Keys that came, went, or were replaced under the same kid.",
	}, []string{"kind"})
	m.snapshots = in.NewCounterVec(prometheus.CounterOpts{
		Name: "bearerproof_snapshots_total",
		Help: "Uses of the snapshot of an earlier process, and failures to use or to write it.",
	}, []string{"result"})
}

// countTokens makes what the verifier's outcomes are counted in.
func (m *metrics) countTokens(in promauto.Factory) {
	m.verifications = in.NewCounterVec(prometheus.CounterOpts{
		Name: "bearerproof_verifications_total",
		Help: "Tokens that were accepted, or refused for a kind of fault.",
	}, []string{"kind"})
	m.verifySeconds = in.NewHistogram(prometheus.HistogramOpts{
		Name:    "bearerproof_verification_duration_seconds",
		Help:    "How long verifications took, waiting for keys included.",
		Buckets: []float64{25e-6, 50e-6, 100e-6, 250e-6, 500e-6, .001, .005, .025, .1, .5, 1, 5}, // nobody waits longer than 5 s
	})
}

// begin makes each counter appear at 0: an increase from nothing is none to Prometheus.
func (m *metrics) begin() {
	for _, cause := range []jwks.Cause{jwks.CauseCold, jwks.CauseScheduled, jwks.CauseIdle, jwks.CauseUnknownKID, jwks.CauseRecheck} {
		for _, outcome := range []jwks.Outcome{jwks.OutcomeFetched, jwks.OutcomeUnchanged, jwks.OutcomeFailed} {
			m.fetches.WithLabelValues(string(cause), string(outcome))
		}
	}
	for _, reason := range []jwks.Refusal{jwks.RefusedBudget, jwks.RefusedCeiling, jwks.RefusedWaiting, jwks.RefusedSlow, jwks.RefusedBackoff, jwks.RefusedCold} {
		m.refused.WithLabelValues(string(reason))
	}
	for _, kind := range []string{"added", "removed", "changed"} {
		m.changes.WithLabelValues(kind)
	}
	for _, result := range []string{"used", "failed"} {
		m.snapshots.WithLabelValues(result)
	}
	m.verifications.WithLabelValues("accepted")
	for kind := verifier.ErrMalformed; kind <= verifier.ErrMisconfigured; kind++ {
		m.verifications.WithLabelValues(kind.String())
	}
}

// watch adds what is read from the key source when Prometheus asks.
func (m *metrics) watch(status func() jwks.Status) {
	m.registry.MustRegister(newKeySetGauges(status))
}

// handler answers Prometheus. Asking changes nothing: it causes no fetch.
func (m *metrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)})
}

// Verified implements [verifier.Observer].
func (m *metrics) Verified(_ context.Context, o verifier.Outcome) {
	kind := "accepted"
	if o.Kind != 0 {
		kind = o.Kind.String()
	}
	m.verifications.WithLabelValues(kind).Inc()
	m.verifySeconds.Observe(o.Duration.Seconds())
}

// FetchFinished implements [jwks.Observer], as do the methods that follow.
func (m *metrics) FetchFinished(e jwks.FetchFinished) {
	m.fetches.WithLabelValues(string(e.Cause), string(e.Outcome)).Inc()
	m.fetchSeconds.Observe(e.Duration.Seconds())
	if e.Outcome != jwks.OutcomeFailed {
		m.lastGoodFetch.SetToCurrentTime()
	}
	if e.FailedOver != nil {
		m.failovers.Inc()
	}
}

// DiscoveryFailed counts metadata that could not be read.
func (m *metrics) DiscoveryFailed(jwks.DiscoveryFailed) { m.discoveryFailures.Inc() }

// LookUpRefused counts look-ups by the reason why there was none.
func (m *metrics) LookUpRefused(e jwks.LookUpRefused) {
	m.refused.WithLabelValues(string(e.Reason)).Inc()
}

// StaleServed counts answers from an old set.
func (m *metrics) StaleServed(jwks.StaleServed) { m.stale.Inc() }

// KeyAdded counts new keys, those of the first set included.
func (m *metrics) KeyAdded(jwks.KeyEvent) { m.changes.WithLabelValues("added").Inc() }

// KeyRemoved counts keys that were withdrawn.
func (m *metrics) KeyRemoved(jwks.KeyEvent) { m.changes.WithLabelValues("removed").Inc() }

// KeyChanged counts kids that were given to another key.
func (m *metrics) KeyChanged(jwks.KeyEvent) { m.changes.WithLabelValues("changed").Inc() }

// SnapshotUsed counts starts with the keys of an earlier process.
func (m *metrics) SnapshotUsed(jwks.SnapshotUsed) { m.snapshots.WithLabelValues("used").Inc() }

// SnapshotFailed counts snapshots that could not be used or written.
func (m *metrics) SnapshotFailed(jwks.SnapshotFailed) { m.snapshots.WithLabelValues("failed").Inc() }
