package process

import (
	"strings"
	"testing"
)

func TestOutputQuotesAProgramThatFails(t *testing.T) {
	if got, err := Output(t.Context(), "", []string{"WORD=hello"}, "/bin/sh", "-c", "echo; echo $WORD"); err != nil || got != "hello" {
		t.Errorf("Output() = %q, %v", got, err)
	}
	_, err := Output(t.Context(), "", nil, "/bin/sh", "-c", "echo one; echo two >&2; exit 3")
	for _, want := range []string{"exit status 3", "one", "two"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
