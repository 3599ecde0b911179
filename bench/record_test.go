package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// invented are results with a figure in each cell, which depends on the cell only. Known
// figures can then be put into some.
func invented() *results {
	r := &results{run: run{
		Date: "2026-01-02", Command: "GOWORK=off go -C bench run . -out ../docs", Go: "go1.27.0", System: "linux/amd64",
		CPU: "Some CPU", CPUs: 2, Rounds: 3, Serving: 3, Reading: "1ms", Requests: 20_000, Distinct: 4000, Pass: 1000,
	}}
	for _, algorithm := range algorithms() {
		for _, p := range contenders() {
			found := sound{Library: p.Name, Algorithm: algorithm}
			for check := range p.Unchecked {
				found.Unchecked = append(found.Unchecked, check)
				break
			}
			r.sound = append(r.sound, found)
		}
	}
	for _, p := range contenders() {
		if p.Name != noCache {
			r.run.Libraries = append(r.run.Libraries, version{p.Name, p.Module, "v1.2.3"})
		}
	}
	for _, of := range everything() {
		for round := range 3 {
			slow := float64(10 + round) // the machine is slower in each round
			r.add(of, reading{cpu: 1000 * slow, wall: 1000 * slow, allocs: 2, bytes: 100 * slow})
		}
	}
	return r
}

// put replaces what was seen in a cell by the same in each round.
func (r *results) put(of id, read reading) {
	delete(r.cells, of)
	for range 3 {
		r.add(of, read)
	}
}

func TestLinesAreReadAgain(t *testing.T) {
	r := invented()
	r.put(id{refusedToken, stranger, "cap"}, reading{cpu: 1.23456789e5, fetches: 1})
	lines, err := r.lines()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parsed(lines)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.lines()
	if err != nil || !bytes.Equal(lines, second) {
		t.Errorf("the lines are other ones, %v", err)
	}
	if got := again.of(refusedToken, stranger, "cap"); fmt.Sprint(got.CPU, got.Fetches, got.Allocs) != "[123500 123500 123500] [1 1 1] [0 0 0]" {
		t.Errorf("the cell is %+v", got)
	}
}

func TestIncompleteLinesAreRefused(t *testing.T) {
	lines, err := invented().lines()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.SplitAfter(strings.TrimSuffix(string(lines), "\n"), "\n")
	last := len(all) - 1
	tests := map[string]struct {
		lines []string
		want  string
	}{
		"no run":             {all[1:], "nothing is said of the run"},
		"a library less":     {append(append([]string{}, all[0]), all[2:]...), "were found sound"},
		"a cell less":        {all[:last], "nothing is known of"},
		"an unknown cell":    {append(append([]string{}, all...), "\n"+strings.Replace(all[last], "zitadel-oidc", "nobody", 1)), "cells, want"},
		"an unknown member":  {append([]string{`{"else":1}` + "\n"}, all...), "unknown"},
		"something not JSON": {append([]string{"{\n"}, all...), "EOF"},
	}
	for name, tt := range tests {
		if _, err := parsed([]byte(strings.Join(tt.lines, ""))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestEverythingIsNamedOnce(t *testing.T) {
	seen := make(map[id]bool)
	for _, of := range everything() {
		if seen[of] {
			t.Errorf("%v is there twice", of)
		}
		seen[of] = true
	}
}
