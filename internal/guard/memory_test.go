//go:build !race

package guard

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// No work takes more allocations or bytes than when testdata/memory.txt was written.
func TestAllocWorks(t *testing.T) {
	// As in testing.AllocsPerRun; and a collection would empty pools.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	works, err := Works()
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for _, w := range works {
		if w.Of == StandardLibrary {
			continue
		}
		allocations, bytes := memoryOf(t, w)
		lines = append(lines, line{work: w.Name, counts: []int{allocations, bytes}})
	}
	table{
		path:    "testdata/memory.txt",
		about:   "Allocations and bytes for each token. See doc.go for how they are counted and written.",
		columns: []string{"allocations", "bytes"},
		slack:   slack{same: 1, other: 25}, // crypto/ecdsa takes some bytes more or less
	}.check(t, lines)
}

// memoryOf returns what a work allocates for each token, in the round with the least.
func memoryOf(t *testing.T, w Work) (allocations, bytes int) {
	t.Helper()
	if err := w.Warm(); err != nil {
		t.Fatal(err)
	}
	for round := range Rounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := w.Round(round)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		a, b := int(after.Mallocs-before.Mallocs)/Times, int(after.TotalAlloc-before.TotalAlloc)/Times
		if round == 0 || a < allocations {
			allocations = a
		}
		if round == 0 || b < bytes {
			bytes = b
		}
	}
	return allocations, bytes
}
