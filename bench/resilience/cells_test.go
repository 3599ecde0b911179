package resilience_test

import (
	"context"
	"flag"
	"log/slog"
	"testing"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/internal/resilience"
)

var resultsDir = flag.String("results", "", "run all cells, and write what was seen into this `directory`, relative to the root of the repository")

// oneFault is the fault that is run where results are not asked for.
const oneFault = "500"

// A peer that bears a fault otherwise than expected is an observation. bearerproof is
// judged.
func TestCells(t *testing.T) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if *resultsDir != "" {
		allCells(t)
		return
	}
	for _, cell := range cellsOf(t, oneFault) {
		for _, p := range peers.All() {
			t.Run(cell.String()+"/"+p.Name, func(t *testing.T) {
				judge(t, p, cell, observed(t, cell, p, asItIs))
			})
		}
	}
}

// allCells runs the cells in processes of their own, one for a fault and a peer, as many
// at a time as tests run in parallel.
func allCells(t *testing.T) {
	t.Helper()
	seen := newResults()
	t.Run("all", func(t *testing.T) {
		for _, fault := range resilience.Faults() {
			for _, p := range peers.All() {
				t.Run(fault.Name+"/"+p.Name, func(t *testing.T) {
					t.Parallel()
					for _, rec := range observedByChildren(t, cellsOf(t, fault.Name), p) {
						seen.add(rec.record)
						judgeDifferences(t, p, rec)
					}
				})
			}
		}
	})
	writeDocuments(t, seen)
}

// observed lets a fault strike a peer in this process.
func observed(t *testing.T, c resilience.Cell, p peers.Peer, wrap func(peers.Subject) peers.Subject) resilience.Observation {
	t.Helper()
	l := library(p, wrap)
	seen := resilience.Observe(t, c, l)
	if c.Expect().Withdrawn == 0 {
		return seen
	}
	// The harness takes a key for gone when a token under it is invalid. Of a peer whose
	// errors do not say so, it would think that the key works for ever. The issuer answers
	// in these cells, so that an unclear refusal is of the token as well.
	// What a caller is told who has left says nothing of the key, however.
	l = library(p, func(s peers.Subject) peers.Subject { return attentive{wrap(s)} })
	l.Classify = func(err error) resilience.Outcome {
		if class := p.Classify(err); class != peers.Unclear {
			return resilience.Outcome(class)
		}
		return resilience.Invalid
	}
	seen.Withdrawn = resilience.Observe(t, c, l).Withdrawn
	return seen
}

// attentive is a subject that says when its caller has left.
type attentive struct{ peers.Subject }

func (s attentive) Verify(ctx context.Context, raw string) error {
	err := s.Subject.Verify(ctx, raw)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// asItIs is a subject without anything around it.
func asItIs(s peers.Subject) peers.Subject { return s }

// library is a peer as the harness takes it: the words for outcomes are the same.
func library(p peers.Peer, wrap func(peers.Subject) peers.Subject) resilience.Library {
	return resilience.Library{
		Name: p.Name,
		New: func(ctx context.Context, s resilience.Setup) (resilience.Subject, error) {
			subject, err := p.New(ctx, peers.Setup{Issuer: s.Issuer, KeySetURL: s.KeySetURL, Audience: s.Audience, Client: s.Client})
			if err != nil {
				return nil, err
			}
			return wrap(subject), nil
		},
		Classify: func(err error) resilience.Outcome { return resilience.Outcome(p.Classify(err)) },
	}
}

// judge fails for bearerproof only.
func judge(t *testing.T, p peers.Peer, c resilience.Cell, seen resilience.Observation) {
	t.Helper()
	judgeDifferences(t, p, report{newRecord(p, c, seen), c.Judge(seen)})
}

func judgeDifferences(t *testing.T, p peers.Peer, seen report) {
	t.Helper()
	ours := p.Name == peers.All()[0].Name
	for _, difference := range seen.Differences {
		if ours && seen.Unobservable == "" {
			t.Errorf("%s: %s", seen.State, difference)
		} else {
			t.Logf("%s: %s", seen.State, difference)
		}
	}
}

// cellsOf returns the cells of a fault.
func cellsOf(t *testing.T, fault string) []resilience.Cell {
	t.Helper()
	var cells []resilience.Cell
	for _, c := range resilience.Cells() {
		if c.Fault.Name == fault {
			cells = append(cells, c)
		}
	}
	if len(cells) == 0 {
		t.Fatalf("no fault is called %q", fault)
	}
	return cells
}

func TestTheWordsForOutcomesAreTheSame(t *testing.T) {
	tests := map[peers.Class]resilience.Outcome{
		peers.Accepted:    resilience.Accepted,
		peers.Invalid:     resilience.Invalid,
		peers.Unavailable: resilience.Unavailable,
		peers.Canceled:    resilience.Canceled,
		peers.Unclear:     resilience.Unclear,
	}
	for class, outcome := range tests {
		if string(class) != string(outcome) {
			t.Errorf("peers says %q where the harness says %q", class, outcome)
		}
	}
}
