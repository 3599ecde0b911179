// Package limit bounds how long a program may take.
package limit

import (
	"context"
	"fmt"
	"time"
)

// Within does work whose context ends after a time. If it failed, and the context had
// ended, the error says first why that was: the flag -limit, or a signal.
func Within(ctx context.Context, limit time.Duration, work func(context.Context) error) error {
	ctx, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %v, see -limit", limit))
	defer stop()
	err := work(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}
