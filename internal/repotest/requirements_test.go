package repotest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated column of "+requirementsPage)

// requirementsPage has the requirements. The last column of their tables says which
// tests hold each:
//
//	go test ./internal/repotest -run Requirements -update
const requirementsPage = "docs/security.md"

// The groups of requirements that describe what the library has. Each of their rows
// must have a test; the others describe what it does not have.
const groupsThatHold = "ABCDEFGKL"

func TestRequirementsHaveTestsAndThePageNamesThem(t *testing.T) {
	r := open(t)
	page, err := readRequirements(string(r.read(t, requirementsPage)))
	if err != nil {
		t.Fatal(err)
	}
	proofs := r.proofs(t)
	for _, fault := range page.faults(proofs) {
		t.Error(fault)
	}
	want := page.render(proofs)
	if *update {
		if err := os.WriteFile(filepath.Join(r.root, requirementsPage), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := strings.Join(page.lines, "\n"); got != want {
		t.Errorf("%s: the column of tests is not what the repository gives: run go test ./internal/repotest -run Requirements -update", requirementsPage)
	}
}

// faults says which rows have no test, which tests have no row, and what is wrong with
// the rows' numbers.
func (p requirements) faults(proofs map[int]*proof) []string {
	var faults []string
	for i, row := range p.rows {
		if row.number != i+1 {
			faults = append(faults, fmt.Sprintf("row %d is R%d: the numbers start at 1 and none is left out", i+1, row.number))
			break
		}
	}
	for _, row := range p.rows {
		if strings.Contains(groupsThatHold, row.group) && proofs[row.number] == nil {
			faults = append(faults, fmt.Sprintf("R%d, of group %s, has no test", row.number, row.group))
		}
	}
	var strays []int
	for number := range proofs {
		if !slices.ContainsFunc(p.rows, func(row requirement) bool { return row.number == number }) {
			strays = append(strays, number)
		}
	}
	slices.Sort(strays)
	for _, number := range strays {
		faults = append(faults, fmt.Sprintf("%s names R%d, which is no row of %s", proofs[number], number, requirementsPage))
	}
	return faults
}

func TestRequirementsWithoutATestAreFaults(t *testing.T) {
	const text = `# Security
<!-- requirements: x -->
### A. One
| R1 | M | first | RFC 1 | old |
### H. Two
| R2 | S | second | RFC 2 | |
### L. Three
| R3 | D | third | an issue | |
<!-- end of requirements -->`

	one, two, three := &proof{tests: []string{"TestR1"}}, &proof{attacks: 1}, &proof{rows: []rowCount{{"a_test.go", 2}}}
	tests := map[string]struct {
		text   string
		proofs map[int]*proof
		want   []string
	}{
		"each has one":                {text, map[int]*proof{1: one, 2: two, 3: three}, nil},
		"a later feature has none":    {text, map[int]*proof{1: one, 3: three}, nil},
		"one has none":                {text, map[int]*proof{1: one}, []string{"R3, of group L, has no test"}},
		"none has one":                {text, nil, []string{"R1, of group A, has no test", "R3, of group L, has no test"}},
		"a test names no row":         {text, map[int]*proof{1: one, 3: three, 9: one}, []string{"`TestR1` names R9, which is no row of docs/security.md"}},
		"a number is left out":        {strings.Replace(text, "R2", "R4", 1), map[int]*proof{1: one, 3: three}, []string{"row 2 is R4: the numbers start at 1 and none is left out"}},
		"a number is there for twice": {strings.Replace(text, "R2", "R1", 1), map[int]*proof{1: one, 3: three}, []string{"row 2 is R1: the numbers start at 1 and none is left out"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := readRequirements(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := page.faults(tt.proofs); !slices.Equal(got, tt.want) {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
		})
	}
}
