package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/issuer"
	"github.com/bearerproof/bearerproof/bench/internal/machine"
	"github.com/bearerproof/bearerproof/bench/internal/process"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

// warmUp is the load before each measurement: connections, caches, and the token, which
// is remembered from then on.
const warmUp = time.Second

// samplesOfAll measures everything once.
func (s *site) samplesOfAll(ctx context.Context, load wrk.Load, progress io.Writer) (samples []sample, err error) {
	for _, c := range cells() {
		fmt.Fprintln(progress, "measuring", c.id())
		got, err := s.measure(ctx, c, load)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.id(), err)
		}
		samples = append(samples, got)
	}
	return samples, nil
}

// measure makes a database, starts a server on it and takes a sample.
func (s *site) measure(ctx context.Context, c cell, load wrk.Load) (sample, error) {
	dir, err := os.MkdirTemp(s.dir, c.act.id)
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the log is long
	name := strings.ReplaceAll(c.id(), "/", "_")
	location, err := c.on.make(ctx, s, name)
	if err != nil {
		return sample{}, err
	}
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return sample{}, err
	}
	running, err := process.Start(ctx, process.Command{
		Path: s.todo,
		Env:  append([]string{"TODO_ADDR=" + address, "TODO_ISSUER=" + s.issuer.URL(), "TODO_AUDIENCE=" + issuer.Audience, "TODO_DATABASE_URL=" + location}, s.env...),
	}, dir, address)
	if err != nil {
		return sample{}, err
	}
	defer running.Stop()
	if c.on.change != nil {
		if err := c.on.change(ctx, s, name); err != nil {
			return sample{}, err
		}
	}
	client := &http.Client{Transport: new(http.Transport), Timeout: time.Minute}
	defer client.CloseIdleConnections()
	at := &spot{site: s, cell: c, server: running, caller: caller{"http://" + address, s.issuer.Token(nil, nil), client}, planFile: filepath.Join(dir, "plan")}
	if err := at.prepare(ctx); err != nil {
		return sample{}, err
	}
	return at.measure(ctx, load)
}

// spot is a server that is ready for the load of a cell.
type spot struct {
	site     *site
	cell     cell
	server   *process.Server
	caller   caller
	ids      []string
	plan     plan
	planFile string
}

func (at *spot) prepare(ctx context.Context) (err error) {
	if at.ids, err = at.caller.fill(ctx); err != nil {
		return err
	}
	at.plan = at.cell.plan(at.ids)
	return os.WriteFile(at.planFile, at.plan.text(), 0o600)
}

// run is the load.
func (at *spot) run(ctx context.Context, load wrk.Load) (wrk.Outcome, error) {
	args := wrk.Script(at.site.script, at.planFile)
	if !at.cell.open {
		args = append(wrk.Token(at.caller.token), args...)
	}
	seen, err := load.Run(ctx, at.caller.base, args...)
	if err == nil && (seen.Failures > 0 || seen.Requests == 0) {
		err = fmt.Errorf("%d requests failed and %d were answered", seen.Failures, seen.Requests)
	}
	return seen, err
}

// used is the CPU time of processes since they started.
type used struct{ server, database time.Duration }

// used waits until the server has come to rest.
func (at *spot) used(ctx context.Context) (u used, err error) {
	if u.server, err = process.RestingCPU(ctx, at.server.PID); err != nil || !at.cell.on.isPostgres() {
		return u, err
	}
	u.database, err = process.TreeCPUTime(at.site.postgres.server.PID)
	return u, err
}

// measure warms the server up and takes a sample. The todos are counted outside of what
// is measured.
func (at *spot) measure(ctx context.Context, load wrk.Load) (got sample, err error) {
	if _, err := at.run(ctx, wrk.Load{Length: warmUp, Connections: load.Connections}); err != nil {
		return got, fmt.Errorf("warming up: %w", err)
	}
	if _, err := at.used(ctx); err != nil { // what was on its way is done then
		return got, err
	}
	before, err := at.caller.stored(ctx, at.ids)
	if err != nil {
		return got, err
	}
	if got, err = at.sample(ctx, load); err != nil {
		return got, err
	}
	after, err := at.caller.stored(ctx, at.ids)
	if err != nil {
		return got, err
	}
	got.Created, got.Edited = after.todos-before.todos, after.edits-before.edits
	return got, at.plan.kept(got.Answered, got.InFlight, stored{got.Created, got.Edited})
}

// sample is the load with what the machine and the processes did meanwhile.
func (at *spot) sample(ctx context.Context, load wrk.Load) (got sample, err error) {
	idle, err := at.used(ctx)
	if err != nil {
		return got, err
	}
	quiet, err := machine.ActivityNow(at.site.dir)
	if err != nil {
		return got, err
	}
	seen, err := at.run(ctx, load)
	if err != nil {
		return got, err
	}
	loaded, err := machine.ActivityNow(at.site.dir)
	if err != nil {
		return got, err
	}
	busy, err := at.used(ctx)
	if err != nil {
		return got, err
	}
	did := loaded.Since(quiet)
	return sample{
		Cell: at.cell.id(), Answered: seen.Requests, InFlight: load.Connections, Seconds: seen.Elapsed.Seconds(),
		P50: milliseconds(seen.P50), P99: milliseconds(seen.P99), Failures: seen.Failures,
		Server: (busy.server - idle.server).Milliseconds(), Database: (busy.database - idle.database).Milliseconds(), Wrk: seen.CPU.Milliseconds(),
		Busy: did.Busy.Milliseconds(), Idle: did.Idle.Milliseconds(), Interrupts: did.Interrupts.Milliseconds(), Flushes: did.Flushes, Flushing: did.Flushing.Milliseconds(),
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
