package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// A library's test that sleeps in real time is slow when it passes and wrong
// when the machine is slow. In a synctest bubble, sleeping only moves the clock.
func TestLibraryTestsSleepInBubblesOnly(t *testing.T) {
	r := open(t)
	realServers := []string{"bench/", "conformance/", "examples/"}
	for name := range r.files(t) {
		if !strings.HasSuffix(name, "_test.go") || slices.ContainsFunc(realServers, func(dir string) bool { return strings.HasPrefix(name, dir) }) {
			continue
		}
		if sleepsOutsideBubbles(t, name, r.read(t, name)) {
			t.Errorf("%s calls time.Sleep and does not use testing/synctest", name)
		}
	}
}

func TestSleepsOutsideBubbles(t *testing.T) {
	tests := map[string]struct {
		source string
		want   bool
	}{
		"no sleep":            {`import "time"; var _ = time.Second`, false},
		"sleep":               {`import "time"; func f() { time.Sleep(1) }`, true},
		"renamed import":      {`import clock "time"; func f() { clock.Sleep(1) }`, true},
		"sleep with synctest": {`import ("time"; "testing/synctest"); func f() { synctest.Test(nil, nil); time.Sleep(1) }`, false},
		"somebody's Sleep":    {`type time struct{}; func f(time time) { time.Sleep() }; func (time) Sleep() {}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := sleepsOutsideBubbles(t, "x_test.go", []byte("package x; "+tt.source)); got != tt.want {
				t.Errorf("sleeps outside of bubbles: %t, want %t", got, tt.want)
			}
		})
	}
}

func sleepsOutsideBubbles(t *testing.T, name string, source []byte) bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	timeName := ""
	for _, spec := range file.Imports {
		switch spec.Path.Value {
		case `"testing/synctest"`:
			return false
		case `"time"`:
			timeName = "time"
			if spec.Name != nil {
				timeName = spec.Name.Name
			}
		}
	}
	sleeps := false
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "Sleep" {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		sleeps = sleeps || ok && timeName != "" && x.Name == timeName
		return true
	})
	return sleeps
}
