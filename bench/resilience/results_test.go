package resilience_test

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/internal/resilience"
)

// results are the records of a run. Their text is a line for the run and one for each
// record.
type results struct {
	run run

	mu      sync.Mutex // guards what follows while the run is under way
	records map[key]record
}

type key struct{ peer, cell string }

// run says when, where and with which versions: the first line.
type run struct {
	Date   string    `json:"date"`
	Go     string    `json:"go"`
	System string    `json:"system"`
	CPUs   int       `json:"cpus"`
	Peers  []version `json:"peers"`
}

type version struct {
	Peer    string `json:"peer"`
	Version string `json:"version"`
}

func newResults() *results {
	r := &results{
		run: run{
			Date:   time.Now().UTC().Format(time.DateOnly),
			Go:     runtime.Version(),
			System: runtime.GOOS + "/" + runtime.GOARCH,
			CPUs:   runtime.NumCPU(),
		},
		records: make(map[key]record),
	}
	for _, p := range peers.All() {
		r.run.Peers = append(r.run.Peers, version{p.Name, p.Version()})
	}
	return r
}

func (r *results) add(rec record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records[key{rec.Peer, rec.Fault + "/" + rec.State}] = rec
}

// of returns the record of a cell and a peer.
func (r *results) of(peer string, c resilience.Cell) record { return r.records[key{peer, c.String()}] }

// lines returns the text.
func (r *results) lines(t *testing.T) []byte {
	t.Helper()
	var text bytes.Buffer
	line := func(of any) {
		if err := json.MarshalWrite(&text, of); err != nil {
			t.Fatal(err)
		}
		text.WriteByte('\n')
	}
	line(r.run)
	for _, c := range resilience.Cells() {
		for _, p := range r.run.Peers {
			line(r.of(p.Peer, c))
		}
	}
	return text.Bytes()
}

// parsed reads the text of results that know each cell there is, and no other one.
func parsed(text []byte) (*results, error) {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	r := &results{records: make(map[key]record)}
	if err := json.Unmarshal(first, &r.run, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	for line := range bytes.Lines(rest) {
		var rec record
		if err := json.Unmarshal(line, &rec, json.RejectUnknownMembers(true)); err != nil {
			return nil, err
		}
		r.add(rec)
	}
	for _, c := range resilience.Cells() {
		for _, p := range r.run.Peers {
			if r.of(p.Peer, c) == (record{}) {
				return nil, fmt.Errorf("nothing is known of %s in %s", p.Peer, c)
			}
		}
	}
	if known, there := len(r.records), len(resilience.Cells())*len(r.run.Peers); known != there {
		return nil, fmt.Errorf("%d records, but %d cells for all peers", known, there)
	}
	return r, nil
}
