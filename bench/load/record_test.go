package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// Nobody edits the page by hand: it is what was measured.
func TestThePageIsWhatWasMeasured(t *testing.T) {
	const again = "go -C bench run ./load -render -out ../docs"
	text := read(t, filepath.Join(docs, linesFile))
	r, err := parseRecord([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := r.lines(); err != nil || string(lines) != text {
		t.Errorf("docs/%s is in another form than a run writes it (%v)", linesFile, err)
	}
	if page, err := r.page(); err != nil || read(t, filepath.Join(docs, pageFile)) != string(page) {
		t.Errorf("docs/%s is not what docs/%s says (%v): %s", pageFile, linesFile, err, again)
	}
	for name, label := range map[string]func(sample) string{
		requestsFile: func(s sample) string { return figure.Grouped(s.rate()) },
		cpuFile:      func(s sample) string { return figure.Time(s.server()) },
	} {
		picture := read(t, filepath.Join(docs, name))
		for _, c := range cells() {
			if want := ">" + label(r.of(c.id())) + "</text>"; !strings.Contains(picture, want) {
				t.Errorf("docs/%s has no %s for %s: %s", name, want, c.id(), again)
			}
		}
	}
}

// made is a record with known numbers.
func made() record {
	r := record{run: about{Date: "2026-01-02", Command: "the command", Length: 30, Connections: 16, FileSystem: "ext4", Sync: 0.25, Wrk: "4.1.0", PostgreSQL: "15.1"}}
	r.run.Machine = machine.Machine{CPU: "Some CPU", CPUs: 2, Kernel: "linux 6.1 amd64", LoadAverage: "0.1 0.2 0.3", Go: "go1.27.0"}
	for n, c := range cells() {
		s := sample{Cell: c.id(), Answered: 984 + 1000*n, InFlight: 16, Seconds: 2, P50: 1.5, P99: 20, Server: int64(10 * (n + 1) * (n + 1)), Wrk: 100, Busy: 3800, Interrupts: 400, Idle: 200}
		if c.on.isPostgres() {
			s.Database, s.Flushes = 500, 3000
		}
		switch c.act.id {
		case "create":
			s.Created = s.Answered
		case "edit":
			s.Edited = s.Answered
		case "mix":
			s.Created, s.Edited = s.Answered/20, s.Answered/20
		}
		r.samples = append(r.samples, s)
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
	changed := func(old, now string) string {
		out := strings.Replace(string(text), old, now, 1)
		if out == string(text) {
			t.Fatalf("there is no %s", old)
		}
		return out
	}
	tests := map[string]string{
		"empty":             "",
		"no run":            without(`"run"`),
		"two runs":          lines[0] + string(text),
		"an unknown member": string(text) + `{"sample":{"cell":"list/sqlite","guess":2}}`,
		"nothing":           string(text) + `{}`,
		"a missing cell":    without(`"cell":"list/postgres"`),
		"a cell twice":      string(text) + lines[3],
		"an unknown cell":   changed(`"cell":"list/postgres"`, `"cell":"list/mysql"`),
		"no request":        changed(`"answered":984,`, `"answered":0,`),
		"a failed request":  changed(`"failures":0`, `"failures":1`),
		"no time of a sync": changed(`"sync_ms":0.25`, `"sync_ms":0`),
		"no CPU time":       changed(`"server_cpu_ms":10,`, `"server_cpu_ms":0,`),
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
	text, err := made().page()
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, want := range []string{
		"written by `the command`",
		"2 × Some CPU, linux 6.1 amd64. Load average as the measuring began: 0.1 0.2 0.3.",
		"built with go1.27.0; PostgreSQL 15.1; wrk 4.1.0.",
		"a list of 100 todos 1,492 times a second on SQLite and 1,992 on PostgreSQL",
		"there were 1.1 times as many new todos",
		"**A token costs 10.0 µs of CPU time",
		"That is 33 % of the server's CPU time for a list on SQLite",
		"| `GET /healthz` | none | 492 | 1.50 ms | 20.0 ms | 0 | 95 % | 0 % | other programs |",
		"| list 100 todos, `GET /todos` | PostgreSQL | 1,992 |",
		"| `GET /healthz` | none | 10.0 µs | none | none | 82 % |",
		"| `GET /me` | none | 20.0 µs | 50 % | none |",
		"| list 100 todos, `GET /todos` | PostgreSQL | 40.0 µs | 25 % | 125 µs |",
		"| create a todo, `POST /todos` | SQLite | 6,984 | 6,984 | 0 | not known |",
		"| edit a todo, `PATCH /todos/{id}` | PostgreSQL | 10,984 | 0 | 10,984 | 0.27 |",
		"lie on ext4; before the load, the disk took 250 µs (median)",
		"each load lasts 30 s: 16 connections",
	} {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, "%!") || strings.Contains(page, "<no value>") || strings.Contains(page, "NaN") {
		t.Errorf("a value is missing:\n%s", page)
	}
}

func TestACrowdedMachineIsNamed(t *testing.T) {
	for others, crowded := range map[int64]bool{0: false, 380: false, 400: true, 2000: true} {
		r := made()
		for n := range r.samples {
			s := &r.samples[n] // of 4000 ms
			s.Interrupts, s.Server, s.Database, s.Wrk = 300, 100, 100, s.Busy-500-others
		}
		page, err := r.page()
		if err != nil || strings.Contains(string(page), "The machine had other work") != crowded {
			t.Errorf("%d ms of others: crowded %v, %v", others, !crowded, err)
		}
	}
}

func TestBound(t *testing.T) {
	tests := map[string]struct {
		of   sample
		want string
	}{
		"processors":      {sample{Busy: 3700, Idle: 300, Interrupts: 500, Server: 2000, Wrk: 250, Seconds: 2, Flushing: 1900}, "processors"},
		"other programs":  {sample{Busy: 3700, Idle: 300, Server: 2000, Database: 100, Wrk: 500, Seconds: 2}, "other programs"},
		"disk":            {sample{Busy: 3500, Idle: 500, Server: 1000, Seconds: 2, Flushing: 1000}, "disk"},
		"neither of both": {sample{Busy: 3500, Idle: 500, Server: 1000, Seconds: 2, Flushing: 999}, "waiting"},
	}
	for name, tt := range tests {
		if got := tt.of.bound(); got != tt.want {
			t.Errorf("%s: bound by %s, want %s", name, got, tt.want)
		}
	}
}

func TestPlots(t *testing.T) {
	r := made()
	for name, plot := range map[string]func() ([]byte, error){"492": r.requestsPlot, "10.0 µs": r.cpuPlot} {
		picture, err := plot()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{name, "GET /healthz", "list, SQLite", "create, PostgreSQL, no trigger"} {
			if !strings.Contains(string(picture), ">"+want+"</text>") {
				t.Errorf("the plot has no %q", want)
			}
		}
	}
}

func TestRoundStep(t *testing.T) {
	for x, want := range map[float64]float64{1: 1, 1.1: 2, 2.1: 5, 5.1: 10, 7000: 10000, 0.00012: 0.0002} {
		if got := roundStep(x); got < want*0.999 || got > want*1.001 {
			t.Errorf("roundStep(%v) = %v, want %v", x, got, want)
		}
	}
}

func TestRenderAgain(t *testing.T) {
	dir := t.TempDir()
	if err := made().write(dir); err != nil {
		t.Fatal(err)
	}
	page := read(t, filepath.Join(dir, pageFile))
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
