package issuertest

import (
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
)

// Start returns an issuer that is served in memory until the test ends. Its URL has
// the scheme https and a host of its own, below example.com; only [Issuer.Client]
// reaches it: where a source of keys finds no such host, its Options.Client was
// forgotten. Called inside a bubble of testing/synctest it belongs to the bubble,
// and tb must be the bubble's. When the test ends, hung fetches end too.
func Start(tb testing.TB) *Issuer {
	tb.Helper()
	i := New("https://id-" + strings.ToLower(rand.Text()[:8]) + ".example.com")
	// Cleanups run last in, first out: hung fetches end, the server waits for its
	// requests, and then nobody uses the keys any more.
	tb.Cleanup(i.retire)
	server := httptest.NewTestServer(tb, i)
	// The test's log is read when the test fails; handshakes that a client gave up
	// would clutter the standard error of all others.
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(tb.Output(), nil), slog.LevelWarn)
	i.client = server.Client()
	tb.Cleanup(i.Repair)
	return i
}
