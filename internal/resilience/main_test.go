package resilience

import (
	"bytes"
	"fmt"
	"os"
	"runtime/pprof"
	"testing"
)

// TestMain makes sure that no goroutine is left that can never end, but for that of
// TestObserveSurvivesGoroutinesThatCannotBeEnded.
func TestMain(m *testing.M) {
	code := m.Run()
	if leaks := leaked(); leaks != "" && code == 0 {
		fmt.Fprintln(os.Stderr, leaks)
		code = 1
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines that wait for what nobody can give them.
func leaked() string {
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		return "there is no profile of leaked goroutines"
	}
	var stacks bytes.Buffer
	if err := profile.WriteTo(&stacks, 1); err != nil {
		return err.Error()
	}
	const meant = 1
	if profile.Count() <= meant {
		return ""
	}
	return stacks.String()
}
