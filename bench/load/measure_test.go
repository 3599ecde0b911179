package main

import (
	"os"
	"strings"
	"sync"
	"testing"
)

// They wait for most of the time, so all are measured at once.
func TestMeasure(t *testing.T) {
	want := map[string]stored{"create": {40, 0}, "edit": {0, 40}, "mix": {2, 2}}
	s := play(t, 40)
	var all sync.WaitGroup
	for _, a := range acts() {
		c := onlyOn(t, a.id)
		all.Go(func() {
			got, err := s.measure(t.Context(), c, lightly)
			if err != nil {
				t.Errorf("%s: %v", a.id, err)
				return
			}
			if got.Busy <= 0 || got.Idle < 0 || got.Server < 0 || got.Wrk <= 0 || got.Database != 0 {
				t.Errorf("%s: times %+v", a.id, got)
			}
			got.Busy, got.Idle, got.Interrupts, got.Flushes, got.Flushing, got.Server, got.Wrk = 0, 0, 0, 0, 0, 0, 0
			changed := want[a.id]
			if wanted := (sample{Cell: a.id + "/sqlite", Answered: 40, InFlight: 1, Seconds: 2, P50: 1.5, P99: 2.5, Created: changed.todos, Edited: changed.edits}); got != wanted {
				t.Errorf("measured\n%+v, want\n%+v", got, wanted)
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWhatEndsTheRun(t *testing.T) {
	s := play(t, 200)
	var all sync.WaitGroup
	for name, tt := range map[string]struct{ act, fault, want string }{
		"todos that are not there":    {"create", "forgets todos", "200 requests were answered, so at least 200 and at most 201 of POST must be stored, and 0 are"},
		"edits that are not there":    {"edit", "forgets edits", "at least 200 and at most 201 of PATCH must be stored, and 0 are"},
		"edits that nobody asked for": {"edit", "edits twice", "at least 200 and at most 201 of PATCH must be stored, and 400 are"},
		"todos of the mix not there":  {"mix", "forgets todos", "at least 7 and at most 12 of POST must be stored, and 0 are"},
		"refused requests":            {"create", "refuses", "200 requests failed and 200 were answered"},
	} {
		c, faulty := onlyOn(t, tt.act), *s
		faulty.env = []string{"LOAD_TEST_TODO=" + tt.fault}
		all.Go(func() {
			got, err := faulty.measure(t.Context(), c, lightly)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: measured %+v, error %v, want one with %q", name, got, err, tt.want)
			}
		})
	}
	all.Wait()
}

func TestNoAnswerIsNoMeasurement(t *testing.T) {
	s := play(t, 0)
	if got, err := s.measure(t.Context(), onlyOn(t, "list"), lightly); err == nil || !strings.Contains(err.Error(), "0 requests failed and 0 were answered") {
		t.Errorf("measured %+v, error %v", got, err)
	}
}
