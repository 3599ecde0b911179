// Package example has the program of examples/todo, as it is in this repository.
package example

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/bearerproof/bearerproof/bench/internal/process"
)

// Build builds the example, in the repository that has this module.
func Build(ctx context.Context, program string) error {
	file, err := process.Output(ctx, "", nil, "go", "env", "GOMOD")
	if err != nil {
		return err
	}
	bench := filepath.Dir(file)
	if filepath.Base(bench) != "bench" {
		return errors.New("run it in the module bench, with GOWORK=off go -C bench run")
	}
	// The example's own versions, not those of this module.
	_, err = process.Output(ctx, filepath.Dir(bench), []string{"GOWORK="}, "go", "build", "-o", program, "./examples/todo")
	return err
}
