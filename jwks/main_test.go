package jwks_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
)

// TestMain makes sure that no goroutine is left, least of all one that can never end.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // which leaves a goroutine of its own
	if after := left(before); after > before && code == 0 && !fuzzing {
		fmt.Fprintf(os.Stderr, "%d goroutines are left, of %d before the tests\n", after, before)
		code = 1
	}
	if leaks := leaked(); leaks != "" && code == 0 {
		fmt.Fprintln(os.Stderr, leaks)
		code = 1
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines that wait for what nobody can give them.
func leaked() string {
	var stacks bytes.Buffer
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		return "there is no profile of leaked goroutines"
	}
	if err := profile.WriteTo(&stacks, 1); err != nil {
		return err.Error()
	}
	if profile.Count() == 0 {
		return ""
	}
	return stacks.String()
}
