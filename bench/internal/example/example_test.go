package example

import (
	"strings"
	"testing"
)

// The example is found by the module in which the command runs.
func TestBuildKnowsItsPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Build(t.Context(), "todo"); err == nil || !strings.Contains(err.Error(), "GOWORK=off go -C bench run") {
		t.Errorf("error %v, want one with the command", err)
	}
}
