package guard

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is counted into testdata")

// table is a file in testdata: two comments, and what each work took when it was
// written.
type table struct {
	path    string
	about   string   // what is counted, and how
	columns []string // units of the counts
	slack   slack
}

// slack is how far a count may grow, in per cent. A compiler of another version or for
// another processor makes other code of the same source.
type slack struct{ same, other int }

// line is a line of a table.
type line struct {
	work   string
	counts []int
	ratio  string // for readers: a part of another work
	noise  int    // by which a count may be off; not in the file
}

// toolchain is what counts depend on beside our code.
func toolchain() string { return runtime.Version() + " " + runtime.GOARCH }

// check fails where a work takes more than the file says, and where the file knows
// other works than there are. With -update it writes the file first.
func (b table) check(t *testing.T, lines []line) {
	t.Helper()
	if *update {
		b.write(t, lines)
	}
	with, before := b.read(t)
	allowed := b.slack.same
	if with != toolchain() {
		allowed = b.slack.other
		t.Logf("%s was written with %s, and this is %s: %d per cent more are let pass", b.path, with, toolchain(), allowed)
	}
	grown, shrunk := b.compare(before, lines, allowed)
	for _, fault := range grown {
		t.Errorf("%s: %s", b.path, fault)
	}
	if len(grown) == 0 && len(shrunk) != 0 {
		t.Logf("%s: -update holds what was gained:\n%s", b.path, strings.Join(shrunk, "\n"))
	}
}

// compare finds what takes more, and what takes less, than before, and by more than the
// slack in per cent, rounded.
func (b table) compare(before map[string]line, lines []line, slack int) (grown, shrunk []string) {
	left := maps.Clone(before)
	for _, l := range lines {
		was, found := left[l.work]
		delete(left, l.work)
		if !found || len(was.counts) != len(l.counts) {
			grown = append(grown, "there is no line for "+l.work+"; -update writes one")
			continue
		}
		for i, count := range l.counts {
			says := fmt.Sprintf("%s: %d %s, and it took %d before", l.work, count, b.columns[i], was.counts[i])
			switch allowed := (was.counts[i]*slack+50)/100 + l.noise; {
			case count > was.counts[i]+allowed:
				grown = append(grown, says)
			case count < was.counts[i]-allowed:
				shrunk = append(shrunk, says)
			}
		}
	}
	for work := range left {
		grown = append(grown, "there is a line for "+work+", which is counted no more; -update takes it out")
	}
	return grown, shrunk
}

func (b table) write(t *testing.T, lines []line) {
	t.Helper()
	var text bytes.Buffer
	fmt.Fprintf(&text, "# %s\n# %s\n", b.about, toolchain())
	for _, l := range lines {
		for _, count := range l.counts {
			fmt.Fprintf(&text, "%11d", count)
		}
		fmt.Fprintf(&text, "%8s  %s\n", l.ratio, l.work)
	}
	if err := os.WriteFile(b.path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns what the file says about each work, and with which toolchain.
func (b table) read(t *testing.T) (with string, lines map[string]line) {
	t.Helper()
	text, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	lines = map[string]line{}
	for row := range strings.Lines(string(text)) {
		if comment, found := strings.CutPrefix(row, "# "); found {
			with = strings.TrimSpace(comment) // the last one
			continue
		}
		l, err := lineOf(row)
		if err != nil {
			t.Fatalf("%s: %v", b.path, err)
		}
		lines[l.work] = l
	}
	return with, lines
}

// lineOf reads numbers, and a name behind two spaces.
func lineOf(row string) (line, error) {
	at := strings.LastIndex(row, "  ")
	if at < 0 {
		return line{}, fmt.Errorf("%q has no name", row)
	}
	l := line{work: strings.TrimSpace(row[at:])}
	for _, field := range strings.Fields(row[:at]) {
		if strings.Contains(field, ".") {
			l.ratio = field
			continue
		}
		count, err := strconv.Atoi(field)
		if err != nil {
			return line{}, err
		}
		l.counts = append(l.counts, count)
	}
	return l, nil
}

func TestTableFindsGrowth(t *testing.T) {
	b := table{columns: []string{"allocations", "bytes"}}
	before := map[string]line{"one": {counts: []int{10, 1000}}, "two": {counts: []int{0, 0}}}
	one := func(allocations, bytes int) line { return line{work: "one", counts: []int{allocations, bytes}} }
	two := line{work: "two", counts: []int{0, 0}}
	for name, test := range map[string]struct {
		slack         int
		lines         []line
		grown, shrunk int
	}{
		"the same":                   {0, []line{one(10, 1000), two}, 0, 0},
		"an allocation more":         {0, []line{one(11, 1000), two}, 1, 0},
		"a byte more":                {0, []line{one(10, 1001), two}, 1, 0},
		"both":                       {0, []line{one(11, 1001), two}, 2, 0},
		"less of one, more of two":   {0, []line{one(9, 1000), {work: "two", counts: []int{0, 1}}}, 1, 1},
		"within the slack":           {5, []line{one(10, 1050), two}, 0, 0},
		"beyond the slack":           {5, []line{one(10, 1051), two}, 1, 0},
		"within the noise":           {5, []line{{work: "one", counts: []int{18, 1057}, noise: 7}, two}, 0, 0},
		"beyond the noise":           {5, []line{{work: "one", counts: []int{19, 1058}, noise: 7}, two}, 2, 0},
		"a new work":                 {0, []line{one(10, 1000), two, {work: "three", counts: []int{0, 0}}}, 1, 0},
		"a work that is no more":     {0, []line{one(10, 1000)}, 1, 0},
		"a line of another table":    {0, []line{{work: "one", counts: []int{10}}, two}, 1, 0},
		"nothing was counted at all": {0, nil, 2, 0},
	} {
		grown, shrunk := b.compare(before, test.lines, test.slack)
		if len(grown) != test.grown || len(shrunk) != test.shrunk {
			t.Errorf("%s: grown %q, shrunk %q", name, grown, shrunk)
		}
	}
}

// What is written is what is read.
func TestTableIsReadAsItWasWritten(t *testing.T) {
	b := table{path: filepath.Join(t.TempDir(), "table.txt"), about: "Two lines,\n# of which this is the second."}
	lines := []line{{work: "RS256, first", counts: []int{123456789, 1}, ratio: "1.133"}, {work: "1 MiB of dots", counts: []int{0, 2}}}
	b.write(t, lines)
	with, read := b.read(t)
	want := map[string]line{"RS256, first": lines[0], "1 MiB of dots": lines[1]}
	if with != toolchain() || !reflect.DeepEqual(read, want) {
		t.Errorf("with %q: %+v", with, read)
	}
}
