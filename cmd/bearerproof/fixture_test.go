package main

import (
	"strings"
	"testing"
)

// result is what a run of the command came to.
type result struct {
	code           int
	stdout, stderr string
}

// command runs the command with a text on its standard input.
func command(stdin string, args ...string) result {
	var stdout, stderr strings.Builder
	code := run(args, strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// want fails unless the run ended with the exit code and printed the texts.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.stdout, text) {
			t.Errorf("%q is missing", text)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.stdout, r.stderr)
	}
}

// wantError fails unless the run was of no use, for a reason that contains the text,
// and printed nothing else.
func (r result) wantError(t *testing.T, text string) {
	t.Helper()
	if r.code != exitUnusable || r.stdout != "" || !strings.Contains(r.stderr, text) {
		t.Errorf("exit code %d, stdout %q, stderr %q, want %q", r.code, r.stdout, r.stderr, text)
	}
}
