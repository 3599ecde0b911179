package verifier

import (
	"context"
	"log/slog"
	"time"
)

// Observer is told how each call of Verify ended, for metrics and logs. Set
// Config.Observer.
type Observer interface {
	// Verified is called once for each call of [Verifier.Verify] that returns, just
	// before it returns, on the same goroutine and while no lock is held. It is called
	// from several goroutines at once and must not block. The context is the caller's,
	// and may have ended.
	Verified(ctx context.Context, o Outcome)
}

// Outcome is what an [Observer] is told. It contains nothing of the token, so that
// strangers choose no label of a metric. Fields may be added.
type Outcome struct {
	// Kind is [KindOf] of the error that Verify returns; 0 means that the token was
	// accepted. A refusal by Config.Check counts too; one by an adapter's Require is
	// made later and does not.
	Kind Kind
	// Issuer is the Config.Issuer of the verifier that decided, never the token's "iss".
	// It is empty where none was chosen, see [ByIssuer] and [ByIssuerFunc].
	Issuer string
	// Duration is the time that the call took, waiting for keys included. It is measured
	// on the machine's monotonic clock, not by Config.Now.
	Duration time.Duration
}

// NewLogObserver returns an [Observer] that writes refusals to a log, at the level
// Debug: anybody can cause them. It writes the kind, the configured issuer and the
// duration, nothing of the token, and nothing about accepted tokens. A nil log stands
// for slog.Default(), as it is at the time of each call.
func NewLogObserver(log *slog.Logger) Observer { return logObserver{log} }

type logObserver struct{ log *slog.Logger }

// Verified implements [Observer].
func (l logObserver) Verified(ctx context.Context, o Outcome) {
	if o.Kind == 0 {
		return
	}
	log := l.log
	if log == nil {
		log = slog.Default()
	}
	log.LogAttrs(ctx, slog.LevelDebug, "a token was refused",
		slog.String("kind", o.Kind.String()),
		slog.String("issuer", o.Issuer),
		slog.Duration("duration", o.Duration))
}

// tell tells the observer, if there is one, how a call of Verify ended.
func (v *Verifier) tell(ctx context.Context, err error, took time.Duration) {
	if v == nil || v.observer == nil {
		return
	}
	v.observer.Verified(ctx, Outcome{Kind: KindOf(err), Issuer: v.issuer, Duration: took})
}
