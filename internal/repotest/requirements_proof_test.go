package repotest

import (
	"encoding/json/v2"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// proof is what holds one requirement: tests that have its number in their names, rows
// of tables that start with it, and rows of the attack corpus that state it.
type proof struct {
	tests   []string
	rows    []rowCount
	attacks int
}

// rowCount is how many rows a test file has for one requirement.
type rowCount struct {
	file  string
	count int
}

// mostNamed is how many tests of a requirement the page names; it counts the others.
const mostNamed = 3

// String is the cell of the page.
func (p *proof) String() string {
	if p == nil {
		return "none"
	}
	var parts []string
	if len(p.tests) > 0 {
		named := "`" + strings.Join(p.tests[:min(len(p.tests), mostNamed)], "`, `") + "`"
		if more := len(p.tests) - mostNamed; more > 0 {
			named += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, named)
	}
	for _, r := range p.rows {
		parts = append(parts, fmt.Sprintf("%s of `%s`", counted(r.count, "row"), r.file))
	}
	if p.attacks > 0 {
		parts = append(parts, counted(p.attacks, "attack"))
	}
	return strings.Join(parts, "; ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// proofs finds what holds each requirement, in the modules that go test work runs.
func (r repository) proofs(t *testing.T) map[int]*proof {
	t.Helper()
	found := evidence{}
	names := slices.Sorted(r.files(t))
	for _, name := range names {
		switch dir := path.Dir(name); {
		case strings.HasPrefix(name, "bench/"), strings.Contains(name, "testdata/"):
		case strings.HasSuffix(name, "_test.go"):
			if err := found.readTests(name, r.read(t, name)); err != nil {
				t.Fatal(err)
			}
		case dir == "conformance/attacks" && path.Ext(name) == ".json":
			if err := found.readAttacks(r.read(t, name)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	return found
}

// evidence has the proofs by the requirement's number.
type evidence map[int]*proof

func (e evidence) of(number int) *proof {
	if e[number] == nil {
		e[number] = &proof{}
	}
	return e[number]
}

// rowName is a name such as "R43 RSA exponent 1".
var rowName = regexp.MustCompile(`^R(\d+) \S`)

// readTests reads a test file: the names of its tests, and its string literals.
func (e evidence) readTests(name string, source []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if isTest(n) {
				e.addTest(n.Name.Name)
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				e.countRow(name, text)
			}
		}
		return true
	})
	return nil
}

// addTest adds a test to each requirement in its name. Tests of two packages may have
// one name, which is then there once.
func (e evidence) addTest(name string) {
	for _, number := range numbersIn(name) {
		p := e.of(number)
		if !slices.Contains(p.tests, name) {
			p.tests = append(p.tests, name)
		}
	}
}

func (e evidence) countRow(file, text string) {
	match := rowName.FindStringSubmatch(text)
	if match == nil {
		return
	}
	number, err := strconv.Atoi(match[1])
	if err != nil {
		return
	}
	p := e.of(number)
	if last := len(p.rows) - 1; last >= 0 && p.rows[last].file == file {
		p.rows[last].count++
		return
	}
	p.rows = append(p.rows, rowCount{file, 1})
}

// isTest reports whether go test runs a function as a test or fuzz target.
func isTest(f *ast.FuncDecl) bool {
	named := strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")
	return named && f.Recv == nil && f.Type.TypeParams == nil && f.Type.Results == nil && f.Type.Params.NumFields() == 1
}

var numberInName = regexp.MustCompile(`R(\d+)`)

// numbersIn returns the requirements in a test's name. R30ToR36 is all from the one to
// the other. An R behind a capital is of another word.
func numbersIn(name string) []int {
	var numbers []int
	end := 0 // of the number before
	for _, at := range numberInName.FindAllStringSubmatchIndex(name, -1) {
		if before := name[at[0]-1]; 'A' <= before && before <= 'Z' {
			continue
		}
		number, err := strconv.Atoi(name[at[2]:at[3]])
		if err != nil {
			continue
		}
		if len(numbers) > 0 && name[end:at[0]] == "To" {
			for next := numbers[len(numbers)-1] + 1; next < number; next++ {
				numbers = append(numbers, next)
			}
		}
		numbers, end = append(numbers, number), at[1]
	}
	return numbers
}

// readAttacks reads a file of the attack corpus.
func (e evidence) readAttacks(data []byte) error {
	var attacks []struct {
		Requirement string `json:"requirement"`
	}
	if err := json.Unmarshal(data, &attacks); err != nil {
		return err
	}
	for _, attack := range attacks {
		number, err := strconv.Atoi(strings.TrimPrefix(attack.Requirement, "R"))
		if err != nil {
			return fmt.Errorf("requirement %q", attack.Requirement)
		}
		e.of(number).attacks++
	}
	return nil
}

func TestRequirementsAreFoundInTests(t *testing.T) {
	const source = `package x

// TestR9 is not a test, it is in a comment.
func TestR1Name(t *testing.T) {}
func TestR2R3Both(t *testing.T) {}
func TestR10ToR12Range(t *testing.T) {}
func TestSomethingOfR4(t *testing.T) {}
func FuzzR5(f *testing.F) {}
func testR6Helper(t *testing.T) {}
func TestR7Helper(t *testing.T, more int) {}
func (s suite) TestR8Method(t *testing.T) {}
func TestOfRFC7638(t *testing.T) {}
func TestXR13OfAnotherWord(t *testing.T) {}
var table = []row{{"R1 a row"}, {"R1 another"}, {"R20"}, {"see R21 there"}, {"R22x y"}}
`
	found := evidence{}
	if err := found.readTests("x_test.go", []byte(source)); err != nil {
		t.Fatal(err)
	}
	if err := found.readTests("y_test.go", []byte("package y\nfunc TestR1Name(t *testing.T) {}")); err != nil {
		t.Fatal(err)
	}
	if err := found.readAttacks([]byte(`[{"name": "a", "requirement": "R1"}, {"requirement": "R30"}]`)); err != nil {
		t.Fatal(err)
	}
	want := map[int]string{
		1:  "`TestR1Name`; 2 rows of `x_test.go`; 1 attack",
		2:  "`TestR2R3Both`",
		3:  "`TestR2R3Both`",
		4:  "`TestSomethingOfR4`",
		5:  "`FuzzR5`",
		10: "`TestR10ToR12Range`",
		11: "`TestR10ToR12Range`",
		12: "`TestR10ToR12Range`",
		30: "1 attack",
	}
	for number, cell := range want {
		if got := found[number].String(); got != cell {
			t.Errorf("R%d: %s, want %s", number, got, cell)
		}
		delete(found, number)
	}
	for number, p := range found {
		t.Errorf("R%d is not named there, and has %s", number, p)
	}
}

func TestRequirementsOfManyTestsAreCounted(t *testing.T) {
	p := &proof{tests: []string{"TestA", "TestB", "TestC", "TestD", "TestE"}}
	if got, want := p.String(), "`TestA`, `TestB`, `TestC` and 2 more"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRequirementsOfAttacksMustBeNumbers(t *testing.T) {
	if err := (evidence{}).readAttacks([]byte(`[{"name": "a"}]`)); err == nil {
		t.Error("an attack without a requirement is read")
	}
}
