package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/process"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

// warmUp is the load before each measurement: imports, caches and connections. A slow
// server on a busy machine may answer none of it in time.
const warmUp = time.Second

// sample is one measurement of one way.
type sample struct {
	Round    int     `json:"round"`
	Way      string  `json:"way"`
	Answered int     `json:"answered"`  // requests that wrk has the answer to
	InFlight int     `json:"in_flight"` // that the server had when wrk ended
	Seconds  float64 `json:"seconds"`   // in which they were answered
	CPU      int64   `json:"cpu_ms"`    // of the server's process, for both
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Failures int     `json:"failures"`
	// Fetches of the key set that the issuer saw: before the measurement, from the
	// start of the process on, and within it.
	FetchesBefore int `json:"fetches_before"`
	Fetches       int `json:"fetches"`
}

// requests is what the server did for the CPU time.
func (s sample) requests() int { return s.Answered + s.InFlight }

// cpuPerRequest is in seconds.
func (s sample) cpuPerRequest() float64 { return float64(s.CPU) / 1e3 / float64(s.requests()) }

// rate is in requests a second.
func (s sample) rate() float64 { return float64(s.Answered) / s.Seconds }

// order returns the ways in the order of a round. Each round begins with another one,
// so that no way always has the same neighbours in time.
func order(round int) []way {
	all := ways()
	at := round % len(all)
	return append(slices.Clone(all[at:]), all[:at]...)
}

// answersOfAll makes the attempts at each way that wants them.
func (s *site) answersOfAll(ctx context.Context) (answers []answer, err error) {
	for _, w := range ways() {
		if !w.asked {
			continue
		}
		var given []answer
		err := s.with(ctx, w, func(_ *process.Server, url string) (err error) {
			given, err = try(ctx, s.issuer, w.id, url)
			return err
		})
		if err != nil {
			return nil, err
		}
		answers = append(answers, given...)
	}
	return answers, nil
}

// samplesOfAll measures all ways in turn, several times.
func (s *site) samplesOfAll(ctx context.Context, o options) (samples []sample, err error) {
	for round := range o.rounds {
		for _, w := range order(round) {
			got, err := s.measure(ctx, w, o.load)
			if err != nil {
				return nil, err
			}
			got.Round = round + 1
			samples = append(samples, got)
		}
	}
	return samples, nil
}

// with runs a server for as long as a function lasts.
func (s *site) with(ctx context.Context, w way, f func(running *process.Server, url string) error) error {
	dir, err := os.MkdirTemp(s.dir, w.id)
	if err != nil {
		return err
	}
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return err
	}
	running, err := process.Start(ctx, w.command(s, address), dir, address)
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	defer running.Stop()
	if err := f(running, "http://"+address+"/me"); err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	return nil
}

// measure starts a server, warms it up and takes a sample.
func (s *site) measure(ctx context.Context, w way, load wrk.Load) (got sample, err error) {
	before := s.issuer.Fetches()
	err = s.with(ctx, w, func(running *process.Server, url string) error {
		// With one token in each way: new ones would be remembered.
		warm := wrk.Load{Length: warmUp, Connections: load.Connections}
		if _, err := warm.Run(ctx, url, oneToken(s)...); err != nil {
			return err
		}
		idle, err := process.RestingCPU(ctx, running.PID)
		if err != nil {
			return err
		}
		fetchedBefore := s.issuer.Fetches()
		seen, err := load.Run(ctx, url, w.load(s)...)
		if err != nil {
			return err
		}
		used, err := process.RestingCPU(ctx, running.PID)
		if err != nil {
			return err
		}
		fetched := s.issuer.Fetches()
		if seen.Failures > 0 || seen.Requests == 0 {
			return fmt.Errorf("%d requests failed and %d were answered", seen.Failures, seen.Requests)
		}
		got = sample{
			Way: w.id, Answered: seen.Requests, InFlight: load.Connections, Seconds: seen.Elapsed.Seconds(), CPU: (used - idle).Milliseconds(),
			P50: milliseconds(seen.P50), P99: milliseconds(seen.P99), Failures: seen.Failures,
			FetchesBefore: fetchedBefore - before, Fetches: fetched - fetchedBefore,
		}
		return nil
	})
	return got, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
