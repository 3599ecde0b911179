//go:build soak

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// soakSample is what the server said of itself at a time.
type soakSample struct {
	At         soakTime `json:"at"`
	RSS        float64  `json:"rss_bytes"`
	Heap       float64  `json:"heap_bytes"`
	Goroutines float64  `json:"goroutines"`
	Ready      float64  `json:"ready"`
	Fetched    float64  `json:"fetched"`
	Failed     float64  `json:"failed"`
}

// soakMonitor reads the server's metrics.
type soakMonitor struct {
	url    string // of the admin address
	client *http.Client
	issuer *soakIssuer
}

// follow takes a sample each second until the context ends.
func (m *soakMonitor) follow(ctx context.Context) (samples []soakSample, err error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		s, err := m.sample()
		if err != nil {
			return samples, err
		}
		samples = append(samples, s)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return samples, nil
		}
	}
}

// sample reads the metrics once.
func (m *soakMonitor) sample() (soakSample, error) {
	s := soakSample{At: m.issuer.now()}
	resp, err := m.client.Get(m.url + "/metrics")
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return s, err
	}
	for name, to := range map[string]*float64{
		"process_resident_memory_bytes": &s.RSS,
		"go_memstats_heap_alloc_bytes":  &s.Heap,
		"go_goroutines":                 &s.Goroutines,
		"bearerproof_ready":             &s.Ready,
	} {
		if *to, err = total(string(text), name, ""); err != nil {
			return s, err
		}
	}
	if s.Failed, err = total(string(text), "bearerproof_fetches_total", `outcome="failed"`); err != nil {
		return s, err
	}
	all, err := total(string(text), "bearerproof_fetches_total", "")
	s.Fetched = all - s.Failed
	return s, err
}

// total adds up the series of a metric that have a label.
func total(text, name, label string) (sum float64, err error) {
	found := false
	for line := range strings.SplitSeq(text, "\n") {
		series, value, _ := strings.Cut(line, " ")
		of, labels, _ := strings.Cut(series, "{")
		if of != name || !strings.Contains(labels, label) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		found, sum = true, sum+n
	}
	if !found {
		return 0, fmt.Errorf("there is no metric %s with %q", name, label)
	}
	return sum, nil
}

// soakLevel is the largest memory in a part of the samples, from one fraction of them
// to another. The largest, because the collector lets memory rise and fall.
func soakLevel(samples []soakSample, from, to float64, of func(soakSample) float64) (most float64) {
	n := float64(len(samples))
	for _, s := range samples[int(n*from):int(n*to)] {
		most = max(most, of(s))
	}
	return most
}
