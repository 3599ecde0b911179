package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/document"
	"github.com/bearerproof/bearerproof/bench/internal/machine"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

// The files of a run.
const (
	linesFile    = "performance-example.jsonl"
	pageFile     = "performance-example.md"
	requestsFile = "images/example-requests.svg"
	cpuFile      = "images/example-cpu.svg"
)

// about is what the page says of a run.
type about struct {
	Date        string  `json:"date"`
	Command     string  `json:"command"`
	Length      float64 `json:"length_s"`
	Connections int     `json:"connections"`
	machine.Machine
	FileSystem string  `json:"file_system"`
	Sync       float64 `json:"sync_ms"` // of 8 KiB, before the load
	Wrk        string  `json:"wrk"`
	PostgreSQL string  `json:"postgresql"`
}

func (s *site) describe(ctx context.Context, load wrk.Load, command string) (about, error) {
	here := machine.Here()
	sync, err := machine.SyncTime(s.dir)
	if err != nil {
		return about{}, err
	}
	version, err := s.postgres.version(ctx)
	return about{
		Date: time.Now().UTC().Format(time.DateOnly), Command: command, Length: load.Length.Seconds(), Connections: load.Connections,
		Machine: here, FileSystem: machine.FileSystem(s.dir), Sync: milliseconds(sync), Wrk: wrk.Version(ctx), PostgreSQL: version,
	}, err
}

// sample is the measurement of a cell.
type sample struct {
	Cell     string  `json:"cell"`
	Answered int     `json:"answered"`  // requests that wrk has the answer to
	InFlight int     `json:"in_flight"` // that the server had when wrk ended
	Seconds  float64 `json:"seconds"`   // in which they were answered
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Failures int     `json:"failures"`

	// CPU times: of the server's process, of those of PostgreSQL, of wrk.
	Server   int64 `json:"server_cpu_ms"`
	Database int64 `json:"database_cpu_ms"`
	Wrk      int64 `json:"wrk_cpu_ms"`

	// What the whole machine did: its processors, and the disk of the databases.
	Busy       int64 `json:"busy_ms"`
	Interrupts int64 `json:"interrupts_ms"` // the part of it that is counted for no process
	Idle       int64 `json:"idle_ms"`
	Flushes    int   `json:"flushes"`
	Flushing   int64 `json:"flushing_ms"`

	// What was stored.
	Created int `json:"created"`
	Edited  int `json:"edited"`
}

// requests is what the server did for the CPU time.
func (s sample) requests() float64 { return float64(s.Answered + s.InFlight) }

// rate is in requests a second.
func (s sample) rate() float64 { return float64(s.Answered) / s.Seconds }

// server is the CPU time of the server for a request, in seconds.
func (s sample) server() float64 { return float64(s.Server) / 1e3 / s.requests() }

// database is that of PostgreSQL.
func (s sample) database() float64 { return float64(s.Database) / 1e3 / s.requests() }

// busy is the part of the processors' time in which they did something.
func (s sample) busy() float64 { return float64(s.Busy) / float64(s.Busy+s.Idle) }

// others is the part of the processors' time that is of none of the server, the
// database and wrk, nor of the kernel's interrupts.
func (s sample) others() float64 {
	return max(0, float64(s.Busy-s.Interrupts-s.Server-s.Database-s.Wrk)) / float64(s.Busy+s.Idle)
}

// flushing is the part of the time in which the disk wrote its caches out.
func (s sample) flushing() float64 { return float64(s.Flushing) / 1e3 / s.Seconds }

// changes is how many requests changed something.
func (s sample) changes() int { return s.Created + s.Edited }

// record is a run: where it was, and what was measured.
type record struct {
	run     about
	samples []sample
}

// line is one of the record's. One of its members is there.
type line struct {
	Run    *about  `json:"run,omitzero"`
	Sample *sample `json:"sample,omitzero"`
}

// lines writes the record, one JSON object a line.
func (r record) lines() ([]byte, error) {
	all := []line{{Run: &r.run}}
	for _, s := range r.samples {
		all = append(all, line{Sample: &s})
	}
	return document.Lines(all)
}

// parseRecord reads what lines wrote.
func parseRecord(text []byte) (r record, err error) {
	all, err := document.Values[line](text)
	if err != nil {
		return r, err
	}
	runs := 0
	for n, one := range all {
		switch {
		case one.Run != nil:
			r.run = *one.Run
			runs++
		case one.Sample != nil:
			r.samples = append(r.samples, *one.Sample)
		default:
			return r, fmt.Errorf("line %d has nothing that is known", n+1)
		}
	}
	if runs != 1 {
		return r, fmt.Errorf("the record describes %d runs", runs)
	}
	return r, r.complete()
}

// complete returns an error unless each cell was measured once, without a failure.
func (r record) complete() error {
	if r.run.Sync <= 0 {
		return errors.New("it is not known how long the disk takes")
	}
	wanted := make(map[string]bool)
	for _, c := range cells() {
		wanted[c.id()] = true
	}
	for _, s := range r.samples {
		switch {
		case !wanted[s.Cell]:
			return fmt.Errorf("%q is measured twice, or is nothing that is measured", s.Cell)
		case s.Answered <= 0 || s.Seconds <= 0 || s.Server <= 0 || s.Busy <= 0:
			return errors.New("a measurement of nothing: " + s.Cell)
		case s.Failures != 0:
			return errors.New("failed requests: " + s.Cell)
		}
		delete(wanted, s.Cell)
	}
	for id := range wanted {
		return errors.New("nothing was measured of " + id)
	}
	return nil
}

// of returns the sample of a cell.
func (r record) of(id string) sample {
	for _, s := range r.samples {
		if s.Cell == id {
			return s
		}
	}
	return sample{}
}

// authentication is the CPU time of the server for what a token costs in a request, in
// seconds: what GET /me takes more than GET /healthz.
func (r record) authentication() float64 {
	return max(0, r.of(me+"/sqlite").server()-r.of(healthz+"/sqlite").server())
}

// files are those of a run.
func files() document.Document {
	return document.Document{Lines: linesFile, Render: func(lines []byte) (map[string][]byte, error) {
		r, err := parseRecord(lines)
		if err != nil {
			return nil, err
		}
		page, errPage := r.page()
		requests, errRequests := r.requestsPlot()
		cpu, errCPU := r.cpuPlot()
		return map[string][]byte{pageFile: page, requestsFile: requests, cpuFile: cpu}, errors.Join(errPage, errRequests, errCPU)
	}}
}

// write writes the lines, and from them the page and the plots.
func (r record) write(dir string) error {
	lines, err := r.lines()
	if err != nil {
		return err
	}
	return files().Write(dir, lines)
}
