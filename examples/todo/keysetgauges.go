package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bearerproof/bearerproof/jwks"
)

// keySetGauges describes the held key set at the moment when Prometheus asks: an
// age that was kept would be that of the last event. It is a prometheus.Collector.
type keySetGauges struct {
	status                   func() jwks.Status
	ready, used, unused, age *prometheus.Desc
}

func newKeySetGauges(status func() jwks.Status) *keySetGauges {
	gauge := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &keySetGauges{
		status: status,
		ready:  gauge("bearerproof_ready", "1 if tokens can be verified now, else 0."),
		used:   gauge("bearerproof_keys_used", "Keys of the held key set that verify tokens."),
		unused: gauge("bearerproof_keys_skipped", "JWKs of the held key set that are not used."),
		age:    gauge("bearerproof_key_set_age_seconds", "Time since the fetch began that brought or confirmed the held key set. There is none without a set."),
	}
}

// Describe implements prometheus.Collector.
func (g *keySetGauges) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{g.ready, g.used, g.unused, g.age} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (g *keySetGauges) Collect(to chan<- prometheus.Metric) {
	status := g.status()
	send := func(desc *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	ready := 0.0
	if status.Usable {
		ready = 1
	}
	send(g.ready, ready)
	send(g.used, float64(len(status.Keys)))
	send(g.unused, float64(len(status.Skipped)))
	if !status.FetchedAt.IsZero() {
		send(g.age, float64(status.AgeSeconds))
	}
}
