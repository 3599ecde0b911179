package main

import (
	"strings"
	"testing"
)

// The example is found by the module in which the command runs.
func TestBuildTodoKnowsItsPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := buildTodo(t.Context(), "todo"); err == nil || !strings.Contains(err.Error(), "go -C bench run ./seed") {
		t.Errorf("error %v, want one with the command", err)
	}
}

func TestOutputQuotesAProgramThatFails(t *testing.T) {
	if got, err := output(t.Context(), "", []string{"WORD=hello"}, "/bin/sh", "-c", "echo; echo $WORD"); err != nil || got != "hello" {
		t.Errorf("output() = %q, %v", got, err)
	}
	_, err := output(t.Context(), "", nil, "/bin/sh", "-c", "echo one; echo two >&2; exit 3")
	for _, want := range []string{"exit status 3", "one", "two"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
