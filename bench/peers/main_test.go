package peers_test

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"
)

// Every subject is closed by its test: what still runs afterwards is a leak of ours or
// of a peer. What the peers log of outages would stand between the results.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}
