package main

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The files of a run.
const (
	linesFile = "performance-seed.jsonl"
	pageFile  = "performance-seed.md"
	plotFile  = "images/seed-cpu.svg"
)

// record is a run: where it was, what the servers answered, and what was measured.
type record struct {
	run     about
	answers []answer
	samples []sample
}

// line is one of the record's. One of its members is there.
type line struct {
	Run    *about  `json:"run,omitzero"`
	Answer *answer `json:"answer,omitzero"`
	Sample *sample `json:"sample,omitzero"`
}

// lines writes the record, one JSON object a line.
func (r record) lines() ([]byte, error) {
	all := []line{{Run: &r.run}}
	for _, a := range r.answers {
		all = append(all, line{Answer: &a})
	}
	for _, s := range r.samples {
		all = append(all, line{Sample: &s})
	}
	var out bytes.Buffer
	for _, l := range all {
		text, err := json.Marshal(l, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		out.Write(text)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// parseRecord reads what lines wrote.
func parseRecord(text []byte) (r record, err error) {
	runs := 0
	for n, l := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		var one line
		if err := json.Unmarshal(l, &one, json.RejectUnknownMembers(true)); err != nil {
			return r, fmt.Errorf("line %d: %w", n+1, err)
		}
		switch {
		case one.Run != nil:
			r.run = *one.Run
			runs++
		case one.Answer != nil:
			r.answers = append(r.answers, *one.Answer)
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

// complete returns an error if something is missing that the page shows.
func (r record) complete() error {
	for _, w := range ways() {
		of := r.of(w.id)
		if len(of) == 0 {
			return errors.New("nothing was measured of " + w.name)
		}
		for _, s := range of {
			if s.requests() <= 0 || s.Seconds <= 0 {
				return errors.New("a measurement of no request of " + w.name)
			}
		}
		for _, a := range attempts() {
			if w.asked && r.status(w.id, a.what) == 0 {
				return fmt.Errorf("%s was not asked: %s", w.name, a.what)
			}
		}
	}
	return nil
}

// of returns the samples of a way.
func (r record) of(way string) (of []sample) {
	for _, s := range r.samples {
		if s.Way == way {
			of = append(of, s)
		}
	}
	return of
}

// status returns the answer of a way to an attempt, or 0.
func (r record) status(way, attempt string) int {
	for _, a := range r.answers {
		if a.Way == way && a.Attempt == attempt {
			return a.Status
		}
	}
	return 0
}

// write writes the lines, and from them the page and the plot.
func (r record) write(dir string) error {
	text, err := r.lines()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, linesFile), text, 0o644); err != nil {
		return err
	}
	return renderAgain(dir)
}

// renderAgain makes the page and the plot from the lines in a directory.
func renderAgain(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, linesFile))
	if err != nil {
		return err
	}
	r, err := parseRecord(text)
	if err != nil {
		return fmt.Errorf("%s: %w", linesFile, err)
	}
	plot, err := r.plot()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(plotFile)), 0o755); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, pageFile), []byte(r.page()), 0o644),
		os.WriteFile(filepath.Join(dir, plotFile), plot, 0o644),
	)
}
