package issuertest

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	loopback = "127.0.0.1"

	readHeaderTimeout = time.Minute

	// Resume waits this long for its port, and looks this often.
	resumeTimeout  = time.Second
	resumeInterval = 10 * time.Millisecond
)

// TLS is how a server presents itself to the clients of [Listen].
type TLS int

const (
	// PlainHTTP is a server without TLS, which package jwks accepts on this machine.
	PlainHTTP TLS = iota
	// TrustedTLS is a server with a certificate that [Issuer.Client] accepts.
	TrustedTLS
	// UntrustedTLS is a server with a certificate of an authority that is known to
	// nobody.
	UntrustedTLS
	// ExpiredTLS is a server with a certificate that has expired.
	ExpiredTLS
	// WrongHostTLS is a server with a certificate for another name.
	WrongHostTLS
)

// ListenOptions are the options of [Listen].
type ListenOptions struct {
	// TLS is how the server presents itself. The zero value is [PlainHTTP]. Listen
	// panics if it is none of the constants.
	TLS TLS
}

// Listen is [Start] on a real socket: a free port of 127.0.0.1, until the test ends.
// The URL is "http://127.0.0.1:port", or https with TLS; without options, it is http.
// The server speaks HTTP/1.1 only. It is for what memory does not have: resets,
// handshakes and real time. In a bubble of testing/synctest, use Start.
//
// The certificates are of one authority, but for those of [UntrustedTLS], and each
// [Issuer.Client] after Listen trusts it: a source of keys can have several issuers, or
// an issuer and its mirror. The client's connections end with the test. A client of
// one's own takes RootCAs from the TLSClientConfig of Client's http.Transport.
func Listen(tb testing.TB, o *ListenOptions) *Issuer {
	tb.Helper()
	if o == nil {
		o = &ListenOptions{}
	}
	config := o.TLS.config()
	listener, err := listen(tb.Context(), net.JoinHostPort(loopback, "0"))
	if err != nil {
		tb.Fatalf("issuertest: %v", err)
	}
	scheme := "https://"
	if config == nil {
		scheme = "http://"
	}
	i := New(scheme + listener.Addr().String())
	s := &socket{tb: tb, address: listener.Addr().String(), tls: config, handler: i}
	i.server = s
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted().pool(), MinVersion: tls.VersionTLS12}}
	i.client = &http.Client{Transport: transport}
	s.serve(listener)
	// Cleanups run last in, first out: nobody uses the keys once the server has ended.
	tb.Cleanup(i.retire)
	tb.Cleanup(s.end)
	tb.Cleanup(transport.CloseIdleConnections) // Those to others.
	return i
}

// socket is the server of [Listen].
type socket struct {
	tb      testing.TB   // set once
	address string       // set once
	tls     *tls.Config  // set once; nil: plain HTTP
	handler http.Handler // set once

	conns sync.WaitGroup // one for each connection that the server holds

	mu      sync.Mutex    // guards what follows
	running *http.Server  // nil: stopped
	ended   chan struct{} // closed when running accepts no more
}

// serve needs s.mu, or to be alone with s.
func (s *socket) serve(listener net.Listener) {
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ConnState:         s.count,
	}
	logTo(s.tb, server)
	ended := make(chan struct{})
	s.running, s.ended = server, ended
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.tb.Errorf("issuertest: %v", err)
		}
	}()
}

// count is called by the server when the state of a connection changes.
func (s *socket) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	default:
	}
}

// stop does not wait for handlers, so that a fault may call it.
func (s *socket) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return
	}
	_ = s.running.Close() // What cannot be closed is closed already.
	<-s.ended
	_ = s.running.Close() // The first call misses a connection that was accepted meanwhile.
	s.running = nil
}

func (s *socket) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return
	}
	listener, err := listenAgain(s.address)
	if err != nil {
		s.tb.Errorf("issuertest: %v", err)
		return
	}
	s.serve(listener)
}

// end stops the server for good, and waits for its connections.
func (s *socket) end() {
	s.stop()
	s.conns.Wait()
}

// listenAgain tries for a while, since the port may have been lent to an outgoing
// connection.
func listenAgain(address string) (net.Listener, error) {
	ctx, stop := context.WithTimeout(context.Background(), resumeTimeout)
	defer stop()
	for {
		listener, err := listen(context.Background(), address)
		if err == nil || ctx.Err() != nil {
			return listener, err
		}
		select {
		case <-time.After(resumeInterval):
		case <-ctx.Done():
		}
	}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp4", address)
}

// logTo lets a server write to the test's log, which is read when the test fails;
// handshakes that a client gave up would clutter the standard error of all others.
func logTo(tb testing.TB, server *http.Server) {
	server.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(tb.Output(), nil), slog.LevelWarn)
}
