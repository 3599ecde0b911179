package main

import (
	"errors"
	"fmt"

	"github.com/bearerproof/bearerproof/bench/internal/document"
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

// files are those of a run.
func files() document.Document {
	return document.Document{Lines: linesFile, Render: func(lines []byte) (map[string][]byte, error) {
		r, err := parseRecord(lines)
		if err != nil {
			return nil, err
		}
		plot, err := r.plot()
		return map[string][]byte{pageFile: []byte(r.page()), plotFile: plot}, err
	}}
}

// write writes the lines, and from them the page and the plot.
func (r record) write(dir string) error {
	lines, err := r.lines()
	if err != nil {
		return err
	}
	return files().Write(dir, lines)
}
