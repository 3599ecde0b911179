package main

import (
	"context"
	"log/slog"

	"golang.org/x/time/rate"

	"github.com/bearerproof/bearerproof/verifier"
)

// How often a refusal is explained in the log: anybody can cause one, and each
// explanation costs as much as a verification.
const (
	explainedPerSecond = 1
	explainedAtOnce    = 5
)

// refusals verifies tokens and says in the log why one is refused: the step, the
// kind and the likely cause, and no value of the token.
type refusals struct {
	*verifier.Verifier
	log   *slog.Logger
	limit *rate.Limiter
}

func newRefusals(v *verifier.Verifier, log *slog.Logger) refusals {
	return refusals{v, log, rate.NewLimiter(explainedPerSecond, explainedAtOnce)}
}

// Verify is that of the verifier.
func (r refusals) Verify(ctx context.Context, raw string) (*verifier.Token, error) {
	t, err := r.Verifier.Verify(ctx, raw)
	if err == nil || ctx.Err() != nil || !r.limit.Allow() {
		return t, err
	}
	// Between the two, keys may have come: then there is nothing to explain.
	if report := r.Explain(ctx, raw); !report.Accepted {
		r.log.InfoContext(ctx, "token "+report.Line())
	}
	return t, err
}
