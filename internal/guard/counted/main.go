// Command counted does each work of package guard between two marks, for a tool that
// counts instructions and writes down what it has at each mark. It prints the
// names of the works, a line for each round, in their order.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/bearerproof/bearerproof/internal/guard"
)

// before is the mark at which counting starts.
//
//go:noinline
func before() {}

// after is the mark at which it ends.
//
//go:noinline
func after() {}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	// What the collector and other threads do when is not the work's.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	works, err := guard.Works()
	if err != nil {
		return fmt.Errorf("counted: %w", err)
	}
	for _, w := range works {
		if err := count(w); err != nil {
			return fmt.Errorf("counted: %w", err)
		}
	}
	return nil
}

func count(w guard.Work) error {
	if err := w.Warm(); err != nil {
		return err
	}
	for round := range guard.Rounds {
		fmt.Fprintln(os.Stdout, w.Name)
		before()
		err := w.Round(round)
		after()
		if err != nil {
			return err
		}
	}
	return nil
}
