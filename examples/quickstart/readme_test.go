package quickstart

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README's code is this package's code, but for the indentation.
func TestREADMEIsCompiled(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) < 4 {
		t.Fatalf("README.md has %d Go blocks, want one for the verifier and each adapter", len(blocks))
	}
	compiled := flattened(source)
	for _, block := range blocks {
		if !strings.Contains(compiled, flattened(block[1])) {
			t.Errorf("this block of README.md is not in example_test.go:\n%s", block[1])
		}
	}
}

// flattened takes indentation away.
func flattened(code []byte) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(code)), "\n") {
		lines = append(lines, strings.TrimSpace(line))
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}
