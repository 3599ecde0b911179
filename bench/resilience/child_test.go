package resilience_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/internal/resilience"
)

var (
	childCells  = flag.String("cells", "", "for a child: the `cells` to run, a line each")
	childPeer   = flag.String("peer", "", "for a child: the `name` of the peer")
	childSerial = flag.Bool("serial", false, "for a child: one request at a time")
	childReport = flag.String("report", "", "for a child: the `file` to write to, a line for each cell")
)

// patience is how long a child may take. A cell takes a second or two.
const patience = 3 * time.Minute

// report is what a child tells of a cell.
type report struct {
	record

	Differences []string `json:"differences,omitzero"`
}

// observedByChildren lets faults strike a peer in other processes, which a peer may stop
// or end. The cell that did so is tried again with one request at a time, and the cells
// behind it without it.
func observedByChildren(t *testing.T, cells []resilience.Cell, p peers.Peer) []report {
	t.Helper()
	var all []report
	for len(cells) > 0 {
		seen, err := child(t, cells, p)
		all, cells = append(all, seen...), cells[len(seen):]
		if len(cells) == 0 {
			break
		}
		t.Logf("%s: %v", cells[0], err)
		seen, err = child(t, cells[:1], p, "-serial")
		if len(seen) == 0 {
			lost := resilience.Observation{Unobservable: err.Error()}
			seen = []report{{newRecord(p, cells[0], lost), cells[0].Judge(lost)}}
		}
		all, cells = append(all, seen...), cells[1:]
	}
	return all
}

// child returns the reports of the cells that a process came to the end of, and why it
// did not come further.
func child(t *testing.T, cells []resilience.Cell, p peers.Peer, more ...string) ([]report, error) {
	t.Helper()
	names := make([]string, len(cells))
	for i, c := range cells {
		names[i] = c.String()
	}
	path := filepath.Join(t.TempDir(), "report.jsonl")
	arguments := append([]string{
		"-test.run=^TestChild$", "-cells=" + strings.Join(names, "\n"), "-peer=" + p.Name, "-report=" + path,
	}, more...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	output, failure := exec.CommandContext(ctx, os.Args[0], arguments...).CombinedOutput()
	seen := reportsIn(t, path)
	switch {
	case len(seen) == len(cells):
		return seen, nil
	case failure == nil:
		t.Fatalf("the child ended well without a report of %s:\n%s", cells[len(seen)], output)
	case exitCode(failure) == exitStill:
		return seen, errStill
	}
	t.Logf("%s: %v\n%s", cells[len(seen)], failure, output)
	return seen, fmt.Errorf("the process ended early: %w", failure)
}

// reportsIn reads the lines that are whole: the child may have been killed.
func reportsIn(t *testing.T, path string) []report {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []report
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		var seen report
		if err := json.Unmarshal(line, &seen); err != nil {
			t.Fatal(err)
		}
		all = append(all, seen)
	}
	return all
}

// TestChild is the other side of observedByChildren. By itself, it runs a cell that is
// known to go well.
func TestChild(t *testing.T) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if *childReport == "" {
		p, cell := peers.All()[0], theCell(t, oneFault+"/"+resilience.Warm.String())
		judge(t, p, cell, observed(t, cell, p, asItIs))
		return
	}
	file, err := os.Create(*childReport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	defer watch()()
	wrap := asItIs
	if *childSerial {
		wrap = func(s peers.Subject) peers.Subject { return newSerial(s) }
	}
	p := thePeer(t, *childPeer)
	for name := range strings.SplitSeq(*childCells, "\n") {
		cell := theCell(t, name)
		seen := observed(t, cell, p, wrap)
		rec := newRecord(p, cell, seen)
		rec.Serial = *childSerial
		line, err := json.Marshal(report{rec, cell.Judge(seen)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
}

func theCell(t *testing.T, name string) resilience.Cell {
	t.Helper()
	for _, c := range resilience.Cells() {
		if c.String() == name {
			return c
		}
	}
	t.Fatalf("there is no cell %q", name)
	return resilience.Cell{}
}

func thePeer(t *testing.T, name string) peers.Peer {
	t.Helper()
	for _, p := range append(peers.All(), lockingPeer()) {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no peer %q", name)
	return peers.Peer{}
}
