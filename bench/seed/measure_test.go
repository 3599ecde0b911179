package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/issuer"
	"github.com/bearerproof/bearerproof/bench/internal/process"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

// play returns a site whose wrk sends 30 requests, and a way whose server fetches the
// key set from an address for each of them.
func play(t *testing.T, keySet func(*issuer.Issuer) string) (*site, way) {
	t.Helper()
	return playWith(t, 30, keySet)
}

func playWith(t *testing.T, requests int, keySet func(*issuer.Issuer) string) (*site, way) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{dir: t.TempDir(), issuer: newIssuer(t), token: "t"}
	script := fmt.Sprintf("#!/bin/sh\nSEED_TEST_WRK=%d exec %q \"$@\"\n", requests, self)
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "wrk"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return s, way{id: "played", name: "played", load: oneToken, command: func(s *site, address string) process.Command {
		return process.Command{Path: self, Env: []string{"SEED_TEST_SERVER=" + address, "SEED_TEST_KEY_SET=" + keySet(s.issuer)}}
	}}
}

func TestMeasure(t *testing.T) {
	s, w := play(t, (*issuer.Issuer).KeySetURL)
	loads := 0
	w.load = func(s *site) []string { loads++; return oneToken(s) }
	got, err := s.measure(t.Context(), w, wrk.Load{Length: time.Second, Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	if loads != 1 {
		t.Errorf("the requests of the way were sent %d times: they must be new when they are measured", loads)
	}
	if got.CPU < 0 || got.CPU > time.Minute.Milliseconds() {
		t.Errorf("%d ms of CPU time", got.CPU)
	}
	got.CPU = 0
	want := sample{Way: "played", Answered: 30, InFlight: 2, Seconds: 2, P50: 1.5, P99: 2.5, FetchesBefore: 30, Fetches: 30}
	if got != want {
		t.Errorf("measured\n%+v, want\n%+v", got, want)
	}
	if files, _ := filepath.Glob(filepath.Join(s.dir, "*", "server.log")); len(files) != 1 {
		t.Errorf("the logs of the servers are %q", files)
	}
}

func TestFailedRequestsEndTheRun(t *testing.T) {
	s, w := play(t, func(i *issuer.Issuer) string { return i.URL() + "/nothing-here" })
	if got, err := s.measure(t.Context(), w, wrk.Load{Length: time.Second, Connections: 2}); err == nil || err.Error() != "played: 30 requests failed and 30 were answered" {
		t.Errorf("measured %+v, error %v", got, err)
	}
}

func TestNoAnswerIsNoMeasurement(t *testing.T) {
	s, w := playWith(t, 0, (*issuer.Issuer).KeySetURL)
	if got, err := s.measure(t.Context(), w, wrk.Load{Length: time.Second, Connections: 2}); err == nil || err.Error() != "played: 0 requests failed and 0 were answered" {
		t.Errorf("measured %+v, error %v", got, err)
	}
}

func TestEveryWayBeginsARound(t *testing.T) {
	n := len(ways())
	first := make(map[string]bool)
	for round := range n {
		var ids []string
		for _, w := range order(round) {
			ids = append(ids, w.id)
		}
		first[ids[0]] = true
		slices.Sort(ids)
		if len(slices.Compact(ids)) != n {
			t.Errorf("round %d has the ways %q", round, ids)
		}
	}
	if len(first) != n {
		t.Errorf("%d of %d ways begin a round", len(first), n)
	}
}

// The FastAPI server has one process. Where Go is held to one core, it says so.
func TestCommands(t *testing.T) {
	s := &site{dir: "dir", python: "python", issuer: newIssuer(t)}
	for _, w := range ways() {
		c := w.command(s, "127.0.0.1:8000")
		all := strings.Join(slices.Concat([]string{c.Path}, c.Args, c.Env), " ")
		for _, want := range map[bool][]string{
			true:  {"dir/todo", "TODO_ADDR=127.0.0.1:8000", "TODO_ISSUER=" + s.issuer.URL(), "TODO_AUDIENCE=" + issuer.Audience},
			false: {"python -m uvicorn", "--port 8000", "--workers 1", "--loop uvloop", "--http httptools", "SEED_KEYS=" + w.id, "SEED_KEY_SET_URL=" + s.issuer.KeySetURL()},
		}[w.isOurs()] {
			if !strings.Contains(all, want) {
				t.Errorf("%s: %q is not in %s", w.name, want, all)
			}
		}
		if strings.Contains(all, "GOMAXPROCS=1") != (w.id == "go-1") {
			t.Errorf("%s: %s", w.name, all)
		}
		if !strings.Contains(string(serverPy), `"`+w.id+`": `) && !w.isOurs() {
			t.Errorf("server.py does not know %s", w.id)
		}
	}
}
