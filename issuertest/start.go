package issuertest

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
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
	m := &memory{server: httptest.NewTestServer(tb, i)}
	logTo(tb, m.server.Config)
	m.server.Config.ConnState = m.refuse
	i.server = m
	i.client = m.client()
	tb.Cleanup(i.Repair)
	return i
}

// memory is the server of [Start].
type memory struct {
	server  *httptest.Server // set once
	stopped atomic.Bool
}

// client returns the client of the server, which cannot dial while that is stopped.
func (m *memory) client() *http.Client {
	client := m.server.Client()
	if transport, ok := client.Transport.(*http.Transport); ok { // It always is.
		transport.DialContext = m.dial(transport.DialContext)
		transport.DialTLSContext = m.dial(transport.DialTLSContext)
	}
	return client
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func (m *memory) dial(next dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if m.stopped.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		return next(ctx, network, address)
	}
}

// refuse closes a connection that was dialed before the server stopped, and that the
// server accepts after it.
func (m *memory) refuse(conn net.Conn, state http.ConnState) {
	if state == http.StateNew && m.stopped.Load() {
		_ = conn.Close() // The client may have gone.
	}
}

func (m *memory) stop() {
	m.stopped.Store(true)
	m.server.CloseClientConnections()
}

func (m *memory) resume() { m.stopped.Store(false) }
