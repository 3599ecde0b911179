package resilience_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/internal/resilience"
)

var updateDocuments = flag.Bool("update", false, "make the documents again from the lines of the last run")

const (
	root       = "../.." // of the repository, seen from here
	linesFile  = "resilience-peers.jsonl"
	tablesFile = "resilience-peers.md"
	pageFile   = "resilience.md"

	pageBegin = "<!-- peers: written by bench/resilience -->\n"
	pageEnd   = "<!-- /peers -->\n"
)

// writeDocuments writes what was seen, first as lines, of which everything else is made.
func writeDocuments(t *testing.T, seen *results) {
	t.Helper()
	dir := *resultsDir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	put(t, filepath.Join(dir, linesFile), seen.lines(t))
	writeTables(t, dir)
}

func writeTables(t *testing.T, dir string) {
	t.Helper()
	tables, page := made(t, dir)
	put(t, filepath.Join(dir, tablesFile), tables)
	put(t, filepath.Join(dir, pageFile), page)
}

// made returns the two documents as the lines in a directory say.
func made(t *testing.T, dir string) (tables, page []byte) {
	t.Helper()
	lines := content(t, filepath.Join(dir, linesFile))
	seen, err := parsed(lines)
	if err != nil {
		t.Fatalf("%s: %v", linesFile, err)
	}
	if !bytes.Equal(seen.lines(t), lines) {
		t.Errorf("%s is in another form than a run writes it", linesFile)
	}
	var text, summary bytes.Buffer
	seen.document(&text)
	seen.summaryText(&summary)
	page, err = between(content(t, filepath.Join(dir, pageFile)), summary.Bytes())
	if err != nil {
		t.Fatalf("%s: %v", pageFile, err)
	}
	return text.Bytes(), page
}

// between puts a text between the markers of a page.
func between(page, text []byte) ([]byte, error) {
	before, rest, begun := bytes.Cut(page, []byte(pageBegin))
	_, after, ended := bytes.Cut(rest, []byte(pageEnd))
	if !begun || !ended {
		return nil, errors.New("the lines " + strings.TrimSpace(pageBegin) + " and " + strings.TrimSpace(pageEnd) + " are missing")
	}
	return slices.Concat(before, []byte(pageBegin), text, []byte(pageEnd), after), nil
}

// summaryText is what stands between the markers.
func (r *results) summaryText(w io.Writer) {
	fmt.Fprintf(w, beforeSummary, r.run.Date, r.versions())
	r.summary(w)
	fmt.Fprint(w, afterSummary)
}

func (r *results) versions() string {
	var all []string
	for _, p := range r.run.Peers {
		if p.Version == "devel" {
			p.Version = "(this repository)"
		}
		all = append(all, p.Peer+" "+p.Version)
	}
	return strings.Join(all, ", ")
}

// document writes all tables.
func (r *results) document(w io.Writer) {
	faults, states := len(resilience.Faults()), len(resilience.States())
	unobservable := (faults - len(observable())) * states
	fmt.Fprintf(w, introduction, r.run.Date, r.run.Go, r.run.System, r.run.CPUs, r.versions(), faults, states, faults*states, unobservable)
	fmt.Fprintf(w, "\n## The libraries\n\n| library | version | set up with |\n|---|---|---|\n")
	for _, p := range r.run.Peers {
		fmt.Fprintf(w, "| [%s](../bench/peers/%s) | %s | %s |\n", p.Peer, setups[p.Peer].file, p.Version, setups[p.Peer].with)
	}
	fmt.Fprintf(w, "\n## The first token\n\n%s", aboutFirst)
	for _, s := range resilience.States() {
		fmt.Fprintf(w, "\n### %s\n\n%s\n\n", titles[s].name, titles[s].meaning)
		r.table(w, "held key / next key", r.first(s))
	}
	fmt.Fprintf(w, "\n## The minute after it\n\n%s\n\n", aboutMinute)
	r.table(w, "fetches: held tokens / both", r.most(func(rec record) (a, b int) { return rec.Calm.Fetches, rec.Pressed.Fetches }))
	fmt.Fprintln(w)
	r.table(w, "refused of 60 held tokens: held tokens / both", r.most(func(rec record) (a, b int) { return rec.Calm.HeldRefused, rec.Pressed.HeldRefused }))
	fmt.Fprintln(w)
	r.table(w, "longest wait: held token / next token", r.slowest(func(rec record) (a, b milliseconds) {
		return longer(rec.Calm.HeldWait, rec.Pressed.HeldWait), rec.Pressed.NextWait
	}))
	fmt.Fprintf(w, "\n## Afterwards\n\n%s\n\n", aboutAfter)
	r.table(w, "until accepted: held key / next key", r.latest(func(rec record) (a, b milliseconds) { return rec.HeldAfter, rec.NextAfter }))
	fmt.Fprintf(w, "\n## Not observable, or observed in another way\n\n")
	r.exceptions(w)
}

// exceptions lists what could not be observed and why, and what was run serially.
func (r *results) exceptions(w io.Writer) {
	fmt.Fprint(w, aboutClock)
	serial := make(map[string]int)
	for _, c := range resilience.Cells() {
		for _, p := range r.run.Peers {
			rec := r.of(p.Peer, c)
			if rec.Unobservable != "" && kindOf(c.Fault) != clock {
				fmt.Fprintf(w, "- %s, %s: %s.\n", p.Peer, c, escaped(rec.Unobservable))
			}
			if rec.Serial {
				serial[p.Peer]++
			}
		}
	}
	for _, p := range r.run.Peers {
		if serial[p.Peer] > 0 {
			fmt.Fprintf(w, aboutSerial, p.Peer, serial[p.Peer])
		}
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Nobody edits the tables by hand: they are what the lines of the run say.
func TestDocumentsAreWhatWasSeen(t *testing.T) {
	docs := filepath.Join(root, "docs")
	if *updateDocuments {
		writeTables(t, docs)
	}
	tables, page := made(t, docs)
	for name, want := range map[string][]byte{tablesFile: tables, pageFile: page} {
		if !bytes.Equal(content(t, filepath.Join(docs, name)), want) {
			t.Errorf("docs/%s is not what docs/%s says: run the test with -update, or with -results docs", name, linesFile)
		}
	}
}

func TestEveryPeerIsDescribed(t *testing.T) {
	for _, p := range peers.All() {
		set := setups[p.Name]
		if set.with == "" {
			t.Errorf("nothing says how %s is set up", p.Name)
		}
		if _, err := os.Stat(filepath.Join("..", "peers", set.file)); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	for _, s := range resilience.States() {
		if titles[s].meaning == "" {
			t.Errorf("nothing says what %v is", s)
		}
	}
}

func TestBetween(t *testing.T) {
	page := "before\n" + pageBegin + "old\n" + pageEnd + "after\n"
	got, err := between([]byte(page), []byte("new\n"))
	if want := "before\n" + pageBegin + "new\n" + pageEnd + "after\n"; err != nil || string(got) != want {
		t.Errorf("between() = %q, %v, want %q", got, err, want)
	}
	for _, incomplete := range []string{"before\n", pageBegin, pageEnd} {
		if _, err := between([]byte(incomplete), nil); err == nil {
			t.Errorf("%q was written to", incomplete)
		}
	}
}
