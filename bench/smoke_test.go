package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Every library does everything once, and what comes out makes a page: so a case that does
// not work any more is found before somebody needs the figures.
func TestEverythingOnce(t *testing.T) {
	s := settings{
		rounds: 1, servingRounds: 1, reading: time.Millisecond, requests: 64,
		only: regexp.MustCompile(""), scale: scale{pass: 32, long: 64, fill: 32},
	}
	var progress bytes.Buffer
	seen, err := s.measure(t.Context(), &progress)
	if err != nil {
		t.Fatal(err)
	}
	seen.run = here(s, "a test")
	for _, of := range everything() {
		c := seen.cells[of]
		switch {
		case of.Case == cacheMemory:
			if len(c.Bytes) != 1 || c.Bytes[0] < 100<<10 {
				t.Errorf("%v: %v octets", of, c.Bytes)
			}
		case len(c.CPU) != 1 || c.CPU[0] <= 0 || c.Wall[0] <= 0:
			t.Errorf("%v: %v ns of processor time, %v ns", of, c.CPU, c.Wall)
		}
	}
	page := string(pageOf(t, seen)[pageFile])
	if strings.Contains(page, "NaN") {
		t.Error("the page has a figure that is none")
	}
	if !strings.Contains(progress.String(), "servers, round 1 of 1") {
		t.Errorf("nothing is said of the progress: %q", progress.String())
	}
}

// Of what comes out, only this is certain on a busy machine.
func TestTheCacheRemembers(t *testing.T) {
	s := settings{
		rounds: 3, servingRounds: 3, reading: 5 * time.Millisecond, requests: 2000,
		only:  regexp.MustCompile(`^(repeated token|first verify)/RS256/bearerproof$|^net/http/.*/bearerproof$`),
		scale: scale{pass: 64, long: 500, fill: 1},
	}
	seen, err := s.measure(t.Context(), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	first, again := spreadOf(seen.of(firstVerify, "RS256", ours).CPU).median, spreadOf(seen.of(repeatedToken, "RS256", ours).CPU).median
	if again*4 > first {
		t.Errorf("a new token takes %v ns, and a repeated one %v ns", first, again)
	}
	first, again = spreadOf(seen.of(overHTTP, distinct, ours).CPU).median, spreadOf(seen.of(overHTTP, repeated, ours).CPU).median
	if again >= first {
		t.Errorf("over net/http, a new token takes %v ns, and a repeated one %v ns", first, again)
	}
	if len(seen.cells) != 4 {
		t.Errorf("%d cells were measured, want 4", len(seen.cells))
	}
}

func TestTurned(t *testing.T) {
	for by, want := range map[int]string{0: "a b c", 1: "b c a", 5: "c a b"} {
		if got := strings.Join(turned([]string{"a", "b", "c"}, by), " "); got != want {
			t.Errorf("turned by %d: %s, want %s", by, got, want)
		}
	}
	if got := turned([]string(nil), 3); got != nil {
		t.Errorf("nothing turned is %v", got)
	}
}

func TestCommandLine(t *testing.T) {
	for name, arguments := range map[string][]string{
		"neither -out nor -only": nil,
		"both":                   {"-out", "x", "-only", "x"},
		"an odd expression":      {"-only", "("},
		"an unknown flag":        {"-fast"},
	} {
		if err := command(t.Context(), arguments, io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
