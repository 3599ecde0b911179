//go:build instructions && !race

package guard

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// No work takes more instructions than when testdata/instructions.txt was written, the
// bare signature check that is a part of it left aside.
//
// The counts of two runs differ by less than 1.5 % of our own instructions, and by some
// thousand each 10 ms, when the runtime looks whether somebody else wants to run: that
// is most of the noise.
func TestInstructionsOfWorks(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skipf("instructions were counted on linux/amd64, and this is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		t.Skipf("instructions are counted by Valgrind: %v", err)
	}
	counted := count(t, valgrind)
	works, err := Works()
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for _, w := range works {
		rounds := counted[w.Name]
		if len(rounds) != Rounds {
			t.Fatalf("%s was counted in %d rounds", w.Name, len(rounds))
		}
		l := line{work: w.Name, counts: []int{median(rounds)}, ratio: ".", noise: median(rounds)/1000 + 100}
		if beyond := counted[w.Beyond]; beyond != nil {
			// Round for round, because the tokens of a round are the same.
			own := make([]int, Rounds)
			for i := range own {
				own[i] = rounds[i] - beyond[i]
			}
			l.counts[0] = median(own)
		}
		if other := counted[w.Beyond+w.Beside]; other != nil {
			l.ratio = fmt.Sprintf("%.3f", float64(median(rounds))/float64(median(other)))
		}
		t.Logf("%9d instructions, %6s: %s", median(rounds), l.ratio, w.Name)
		if w.Of == Ours {
			lines = append(lines, l)
		}
	}
	table{
		path: "testdata/instructions.txt",
		about: "Instructions for each token beyond the bare signature check that is a part of it, and all of them as a part\n" +
			"# of what the work is compared with. See doc.go for how they are counted and written.",
		columns: []string{"instructions"},
		slack:   slack{same: 3, other: 15},
	}.check(t, lines)
}

// median leaves out a round in which the runtime did something of its own.
func median(rounds []int) int { return slices.Sorted(slices.Values(rounds))[len(rounds)/2] }

// count runs the program in the directory counted under callgrind. It returns the
// instructions of each work for each token, by rounds.
func count(t *testing.T, valgrind string) map[string][]int {
	t.Helper()
	dir := t.TempDir()
	program, out := filepath.Join(dir, "counted"), filepath.Join(dir, "out")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, "./counted")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOAMD64=v1")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	run := exec.CommandContext(t.Context(), valgrind, "--tool=callgrind", "--callgrind-out-file="+out,
		"--dump-before=main.before", "--dump-before=main.after", program)
	run.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	var names, complaints bytes.Buffer
	run.Stdout, run.Stderr = &names, &complaints
	if err := run.Run(); err != nil {
		t.Fatalf("%v\n%s", err, complaints.Bytes())
	}
	counted := map[string][]int{}
	for i, name := range strings.Split(strings.TrimSpace(names.String()), "\n") {
		// Files are numbered from 1: one ends before a round, the next with it.
		counted[name] = append(counted[name], dumped(t, fmt.Sprintf("%s.%d", out, 2*i+2))/Times)
	}
	return counted
}

var (
	trigger = regexp.MustCompile(`(?m)^desc: Trigger: --dump-before=main\.after$`)
	totals  = regexp.MustCompile(`(?m)^totals: (\d+)$`)
)

// dumped returns the instructions in a file of callgrind's.
func dumped(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := totals.FindSubmatch(text)
	if found == nil || !trigger.Match(text) {
		t.Fatalf("%s is not what callgrind counted in a round", filepath.Base(path))
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
