package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/bench/internal/figure"
	"github.com/bearerproof/bearerproof/bench/internal/machine"
)

const docs = "../../docs"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// written is the record of the last run.
func written(t *testing.T) record {
	t.Helper()
	r, err := parseRecord([]byte(read(t, filepath.Join(docs, linesFile))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Nobody edits the page by hand: it is what was measured.
func TestThePageIsWhatWasMeasured(t *testing.T) {
	r := written(t)
	if lines, err := r.lines(); err != nil || string(lines) != read(t, filepath.Join(docs, linesFile)) {
		t.Errorf("docs/%s is in another form than a run writes it (%v)", linesFile, err)
	}
	if read(t, filepath.Join(docs, pageFile)) != r.page() {
		t.Errorf("docs/%s is not what docs/%s says: go -C bench run ./seed -render -out ../docs", pageFile, linesFile)
	}
	picture := read(t, filepath.Join(docs, plotFile))
	for _, w := range ways() {
		if label := ">" + figure.Time(r.cpu(w.id)) + "</text>"; !strings.Contains(picture, label) {
			t.Errorf("docs/%s has no %s for %s: go -C bench run ./seed -render -out ../docs", plotFile, label, w.name)
		}
	}
}

// made is a record with known numbers: each way takes twice the CPU time of the last.
func made() record {
	r := record{run: about{Date: "2026-01-02", Rounds: 3, Length: 4, Connections: 16, Wrk: "4.1.0"}}
	r.run.Machine = machine.Machine{CPU: "Some CPU", CPUs: 2, Kernel: "linux 6.1 amd64", LoadAverage: "0.1 0.2 0.3", Go: "go1.27.0"}
	r.run.Versions = versions{"3.11.2", map[string]string{"fastapi": "0.163.2"}}
	for round := range 3 {
		cpu := int64(64_000)
		for _, w := range ways() {
			s := sample{Round: round + 1, Way: w.id, Answered: 984, InFlight: 16, Seconds: 2, CPU: cpu + int64(round), P50: 1.5, P99: 20, FetchesBefore: 1}
			if w.id == "new-client" {
				s.Fetches, s.FetchesBefore = 1000, 300
			}
			r.samples = append(r.samples, s)
			cpu /= 2
		}
	}
	for _, w := range ways() {
		for _, a := range attempts() {
			if w.asked {
				r.answers = append(r.answers, answer{w.id, a.what, 200})
			}
		}
	}
	return r
}

func TestRecordComesBack(t *testing.T) {
	text, err := made().lines()
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseRecord(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.lines()
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("%v: it was\n%s and is\n%s", err, text, again)
	}
}

func TestIncompleteRecords(t *testing.T) {
	text, err := made().lines()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(text)), "\n")
	without := func(part string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.Contains(l, part) }), "")
	}
	tests := map[string]string{
		"empty":                  "",
		"no JSON":                string(text) + "{",
		"no run":                 without(`"run"`),
		"two runs":               lines[0] + string(text),
		"an unknown member":      string(text) + `{"sample":{"round":1,"guess":2}}`,
		"nothing":                string(text) + `{}`,
		"a way that is missing":  without(`"way":"go-1"`),
		"a question not asked":   without(`"attempt":"no token"`),
		"a sample of no request": strings.Replace(string(text), `"answered":984,"in_flight":16`, `"answered":0,"in_flight":0`, 1),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := parseRecord([]byte(text)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestPage(t *testing.T) {
	r := made()
	// Two answers differ from the others.
	for n, a := range r.answers {
		if a.Attempt == "for another audience" && a.Way == ours {
			r.answers[n].Status = 401
		}
		if a.Attempt == "without a kid" && a.Way != ours {
			r.answers[n].Status = 401
		}
	}
	page := r.page()
	for _, want := range []string{
		"2 × Some CPU, linux 6.1 amd64. Load average as the measuring began: 0.1 0.2 0.3.",
		"takes 16 times the CPU time that it takes with bearerproof; with one client for all fetches 8.0 times, and with cached\nkeys 4.0 times.",
		"takes 8.0 times its CPU time",
		"| FastAPI, as described | 64.0 ms (64.0–64.0) | 16 | 492 (492–492) | 1.50 ms (1.50–1.50) | 20.0 ms (20.0–20.0) | 0 | 3,000 for 3,000 requests |",
		"| bearerproof | 4.00 ms (4.00–4.00) | 1.0 | 492 (492–492) | 1.50 ms (1.50–1.50) | 20.0 ms (20.0–20.0) | 0 | none; 1 before |",
		"| for another audience | **200** | **200** | **200** | 401 |",
		"| without a kid | 401 | 401 | 401 | 200 |",
		"In the first row, 50 % of the CPU time",
		"wrk 4.1.0 with one thread and 16 connections for 4 s. Rounds: 3.",
		"20,000 tokens in turn",
		"fastapi 0.163.2",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, "%!") {
		t.Errorf("a verb without its value:\n%s", page)
	}
}

func TestPlot(t *testing.T) {
	picture, err := made().plot()
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(picture))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for n, w := range ways() {
		for _, want := range []string{w.name, []string{"64.0 ms", "32.0 ms", "16.0 ms", "8.00 ms", "4.00 ms", "2.00 ms"}[n]} {
			if !strings.Contains(string(picture), ">"+want+"</text>") {
				t.Errorf("the plot has no %q", want)
			}
		}
	}
}

// On a logarithmic axis, bars of which each is half as long in time differ by the same
// length.
func TestBarsAreLogarithmic(t *testing.T) {
	picture, err := made().plot()
	if err != nil {
		t.Fatal(err)
	}
	var ends []float64
	for _, label := range []string{"64.0 ms", "32.0 ms", "16.0 ms", "8.00 ms", "4.00 ms", "2.00 ms"} {
		found := regexp.MustCompile(`<text x="([\d.]+)"[^>]*>` + label + `</text>`).FindSubmatch(picture)
		if found == nil {
			t.Fatalf("no label %s at a place", label)
		}
		end, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	step := ends[0] - ends[1]
	for n := range ends[1:] {
		if got := ends[n] - ends[n+1]; step < 10 || math.Abs(got-step) > 0.5 {
			t.Errorf("bar %d ends %.1f before bar %d, want %.1f", n+1, got, n, step)
		}
	}
}

func TestRenderAgain(t *testing.T) {
	dir := t.TempDir()
	if err := made().write(dir); err != nil {
		t.Fatal(err)
	}
	page := read(t, filepath.Join(dir, pageFile))
	if page != made().page() {
		t.Error("the page is not that of the record")
	}
	if err := os.Remove(filepath.Join(dir, pageFile)); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"-render", "-out", dir}, io.Discard, io.Discard); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if read(t, filepath.Join(dir, pageFile)) != page {
		t.Error("the page is another one when it is made again")
	}
	if code := run(t.Context(), []string{"-render", "-out", t.TempDir()}, io.Discard, io.Discard); code != 1 {
		t.Errorf("exit code %d without lines, want 1", code)
	}
}
