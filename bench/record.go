package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/bearerproof/bearerproof/bench/internal/document"
)

// results are all that a run has seen. Their text is a line for the run, one for each
// library and algorithm that was found sound, and one for each cell.
type results struct {
	run   run
	sound []sound
	cells map[id]cell
}

// run says when, where and with what something was measured.
type run struct {
	Date      string    `json:"date"`
	Command   string    `json:"command"`
	Go        string    `json:"go"`
	System    string    `json:"system"`
	CPU       string    `json:"cpu"`
	CPUs      int       `json:"cpus"`
	Rounds    int       `json:"rounds"`
	Serving   int       `json:"serving_rounds"`
	Reading   string    `json:"reading"`
	Requests  int       `json:"requests"`
	Distinct  int       `json:"distinct_requests"`
	Pass      int       `json:"distinct_tokens"`
	Libraries []version `json:"libraries"`
}

type version struct {
	Library string `json:"library"`
	Module  string `json:"module,omitzero"`
	Version string `json:"version"`
}

// cell has a figure for each round. What is zero in each is left out.
type cell struct {
	id

	CPU     figures `json:"cpu_ns,omitzero"`
	Wall    figures `json:"wall_ns,omitzero"`
	Allocs  figures `json:"allocs,omitzero"`
	Bytes   figures `json:"bytes,omitzero"`
	Fetches figures `json:"fetches,omitzero"`
}

// figures are written with four digits, which is more than is meant.
type figures []float64

// IsZero reports whether there is nothing to write.
func (f figures) IsZero() bool {
	for _, figure := range f {
		if figure != 0 {
			return false
		}
	}
	return true
}

func rounded(figure float64) float64 {
	if math.Abs(figure) < 0.001 {
		return 0
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(figure, 'g', 4, 64), 64)
	if err != nil {
		return figure
	}
	return short
}

// add enters what was read in a round.
func (r *results) add(of id, read reading) {
	if r.cells == nil {
		r.cells = make(map[id]cell)
	}
	c := r.cells[of]
	c.id = of
	c.CPU = append(c.CPU, rounded(read.cpu))
	c.Wall = append(c.Wall, rounded(read.wall))
	c.Allocs = append(c.Allocs, rounded(read.allocs))
	c.Bytes = append(c.Bytes, rounded(read.bytes))
	c.Fetches = append(c.Fetches, rounded(read.fetches))
	r.cells[of] = c
}

// line is one of the text: one member of it is there.
type line struct {
	Run   *run   `json:"run,omitzero"`
	Sound *sound `json:"sound,omitzero"`
	Cell  *cell  `json:"cell,omitzero"`
}

// lines returns the text.
func (r *results) lines() ([]byte, error) {
	all := []line{{Run: &r.run}}
	for i := range r.sound {
		all = append(all, line{Sound: &r.sound[i]})
	}
	for _, of := range everything() {
		if c, there := r.cells[of]; there {
			all = append(all, line{Cell: &c})
		}
	}
	return document.Lines(all)
}

// parsed reads the text of a run that has all cells there are, and no other one.
func parsed(text []byte) (*results, error) {
	r := &results{cells: make(map[id]cell)}
	lines, err := document.Values[line](text)
	if err != nil {
		return nil, err
	}
	for _, next := range lines {
		switch {
		case next.Run != nil:
			r.run = *next.Run
		case next.Sound != nil:
			r.sound = append(r.sound, *next.Sound)
		case next.Cell != nil:
			r.cells[next.Cell.id] = *next.Cell
		}
	}
	if r.run.Date == "" {
		return nil, errors.New("nothing is said of the run")
	}
	if want := len(algorithms()) * len(contenders()); len(r.sound) != want {
		return nil, fmt.Errorf("%d libraries and algorithms were found sound, want %d", len(r.sound), want)
	}
	all := everything()
	for _, of := range all {
		c, there := r.cells[of]
		if !there {
			return nil, fmt.Errorf("nothing is known of %v", of)
		}
		rounds := max(len(c.CPU), len(c.Bytes))
		c.CPU, c.Wall, c.Allocs = filled(c.CPU, rounds), filled(c.Wall, rounds), filled(c.Allocs, rounds)
		c.Bytes, c.Fetches = filled(c.Bytes, rounds), filled(c.Fetches, rounds)
		r.cells[of] = c
	}
	if len(r.cells) != len(all) {
		return nil, fmt.Errorf("%d cells, want %d", len(r.cells), len(all))
	}
	return r, nil
}

// filled is what was left out because it was zero.
func filled(f figures, rounds int) figures {
	if f == nil {
		return make(figures, rounds)
	}
	return f
}

// everything lists the cells of a whole run, in the order of their lines.
func everything() []id {
	var all []id
	for _, s := range (&lab{}).studies() {
		for _, library := range s.libraries {
			all = append(all, s.id(library))
		}
	}
	for _, f := range fills() {
		all = append(all, f.id())
	}
	for _, transport := range transports() {
		for _, of := range []string{distinct, repeated} {
			for _, library := range guarded() {
				all = append(all, id{transport, of, library})
			}
		}
	}
	return all
}
