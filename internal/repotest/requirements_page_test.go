package repotest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// requirements are the tables of requirements in a page.
type requirements struct {
	lines []string // the whole page
	rows  []requirement
}

// requirement is one row: number, level, demand, source, tests.
type requirement struct {
	number int
	group  string // the letter of the heading above it
	line   int    // its place in requirements.lines
}

var (
	groupHeading = regexp.MustCompile(`^### ([A-Z])\. `)
	requiredRow  = regexp.MustCompile(`^\| R(\d+) \| [MSD] \| [^|]+ \| [^|]+ \|[^|]*\|$`)
	tableFrame   = regexp.MustCompile(`^\|( row |---)\|`)
)

// readRequirements reads what stands between the two marks of a page.
func readRequirements(text string) (requirements, error) {
	p := requirements{lines: strings.Split(text, "\n")}
	inside, group := false, ""
	for i, line := range p.lines {
		switch {
		case strings.HasPrefix(line, "<!-- requirements:"):
			inside = true
		case line == "<!-- end of requirements -->":
			inside = false
		case !inside:
		case groupHeading.MatchString(line):
			group = groupHeading.FindStringSubmatch(line)[1]
		case requiredRow.MatchString(line):
			number, err := strconv.Atoi(requiredRow.FindStringSubmatch(line)[1])
			if err != nil {
				return requirements{}, err
			}
			p.rows = append(p.rows, requirement{number, group, i})
		case strings.HasPrefix(line, "|") && !tableFrame.MatchString(line):
			return requirements{}, fmt.Errorf("line %d is no row of five cells, R<number> and M, S or D first: %s", i+1, line)
		}
	}
	if inside || len(p.rows) == 0 {
		return requirements{}, errors.New("the marks around the requirements are missing, or there is no row between them")
	}
	return p, nil
}

// render returns the page with its last column made anew.
func (p requirements) render(proofs map[int]*proof) string {
	lines := append([]string(nil), p.lines...)
	for _, row := range p.rows {
		cells := strings.Split(lines[row.line], "|")
		cells[len(cells)-2] = " " + proofs[row.number].String() + " "
		lines[row.line] = strings.Join(cells, "|")
	}
	return strings.Join(lines, "\n")
}

func TestRequirementsPageIsRendered(t *testing.T) {
	const text = `| R1 | M | not between the marks | RFC 1 | left alone |
<!-- requirements: x -->
### A. One
| row | level | demand | source | tests |
|---|---|---|---|---|
| R1 | M | first | RFC 1 | old |
| R2 | D | second | RFC 2 | |
<!-- end of requirements -->
end`
	page, err := readRequirements(text)
	if err != nil {
		t.Fatal(err)
	}
	got := page.render(map[int]*proof{1: {tests: []string{"TestA", "TestB"}, attacks: 3}})
	want := strings.NewReplacer(" old ", " `TestA`, `TestB`; 3 attacks ", "RFC 2 | |", "RFC 2 | none |").Replace(text)
	if got != want {
		t.Errorf("rendered\n%s\nwant\n%s", got, want)
	}
}

func TestRequirementsPageMustBeWellFormed(t *testing.T) {
	const good = "<!-- requirements: x -->\n### A. One\n| R1 | M | a | b | |\n<!-- end of requirements -->"
	if _, err := readRequirements(good); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no marks":         "| R1 | M | a | b | |",
		"no row":           strings.Replace(good, "| R1 | M | a | b | |", "", 1),
		"no end":           strings.Replace(good, "end of", "", 1),
		"no number":        strings.Replace(good, "R1", "1", 1),
		"an unknown level": strings.Replace(good, "| M |", "| X |", 1),
		"a cell too few":   strings.Replace(good, "| b |", "|", 1),
		"a cell too many":  strings.Replace(good, "| b |", "| b | c |", 1),
	} {
		if _, err := readRequirements(text); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
}
