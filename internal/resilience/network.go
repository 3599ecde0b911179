package resilience

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// network is the way to an issuer: it can be slow or broken, and counts what passes. It
// is an http.RoundTripper.
type network struct {
	transport *http.Transport // to the issuer; set once
	elsewhere http.Handler    // every other origin; set once
	issuer    *url.URL        // set once
	keySet    string          // its path; set once

	mu      sync.Mutex // guards what follows
	delay   time.Duration
	surplus int64 // octets of white space after each document of the issuer
	dialing dial  // nil: as usual
	traffic traffic
}

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// traffic is what a library asked for.
type traffic struct {
	keySet    int   // requests for the key set
	metadata  int   // and for other documents of the issuer
	elsewhere int   // and to another origin
	largest   int64 // octets of the longest body, as far as it was read
}

// fetches is the number of fetches. One that reads the metadata too is one.
func (t traffic) fetches() int { return max(t.keySet, t.metadata) }

// newNetwork makes a network over the issuer's own transport. In memory, https goes
// without TLS, which takes more time than all the rest. On sockets, connections are not
// kept: a bubble's time stands still while one waits for the next request.
func newNetwork(issuer *url.URL, keySet string, own *http.Transport, elsewhere http.Handler) *network {
	n := &network{transport: own.Clone(), elsewhere: elsewhere, issuer: issuer, keySet: keySet}
	usual := n.transport.DialContext
	if usual == nil {
		usual = new(net.Dialer).DialContext
		n.transport.DisableKeepAlives = true
	}
	n.transport.DialContext = n.dialer(usual)
	if n.transport.DialTLSContext != nil {
		n.transport.DialTLSContext = n.transport.DialContext
	}
	return n
}

func (n *network) dialer(usual dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		n.mu.Lock()
		dialing := n.dialing
		n.mu.Unlock()
		if dialing == nil {
			dialing = usual
		}
		return dialing(ctx, network, address)
	}
}

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	home := r.URL.Scheme == n.issuer.Scheme && r.URL.Host == n.issuer.Host
	delay := n.count(r, home)
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if !home {
		answer := httptest.NewRecorder()
		n.elsewhere.ServeHTTP(answer, r)
		response := answer.Result()
		response.Request = r
		return response, nil
	}
	response, err := n.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	n.swell(response)
	response.Body = &meter{ReadCloser: response.Body, network: n}
	return response, nil
}

// swell lengthens an answer. The network of a bubble takes whatever is written to it,
// and a server would fill memory.
func (n *network) swell(response *http.Response) {
	n.mu.Lock()
	surplus := n.surplus
	n.mu.Unlock()
	if surplus == 0 {
		return
	}
	response.ContentLength = -1
	response.Header.Del("Content-Length")
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(response.Body, io.LimitReader(blank{}, surplus)), response.Body}
}

// blank is white space without end.
type blank struct{}

func (blank) Read(p []byte) (int, error) {
	const spaces = "                                                                "
	n := copy(p, spaces)
	for n < len(p) {
		n += copy(p[n:], p[:n])
	}
	return n, nil
}

// count notes a request, and returns the delay in force.
func (n *network) count(r *http.Request, home bool) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case !home:
		n.traffic.elsewhere++
	case r.URL.Path == n.keySet:
		n.traffic.keySet++
	default:
		n.traffic.metadata++
	}
	return n.delay
}

// meter counts the octets of a body.
type meter struct {
	io.ReadCloser
	network *network
	read    int64 // by the one who reads the body
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.read += int64(n)
	m.network.mu.Lock()
	defer m.network.mu.Unlock()
	m.network.traffic.largest = max(m.network.traffic.largest, m.read)
	return n, err
}

// setDelay holds every request from now on back.
func (n *network) setDelay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}

// setSurplus lengthens every answer of the issuer from now on.
func (n *network) setSurplus(octets int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.surplus = octets
}

// setDial dials in another way from now on; nil is the usual one. No connection from
// before is used any more.
func (n *network) setDial(d dial) {
	n.mu.Lock()
	n.dialing = d
	n.mu.Unlock()
	n.transport.CloseIdleConnections()
}

// seen returns what passed so far.
func (n *network) seen() traffic {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.traffic
}

// unreachable is a network without a way.
func unreachable(_ context.Context, network, _ string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ENETUNREACH}
}

// unresolved is a resolver that does not know the host.
func unresolved(_ context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
}

// to is a way that leads to another server, whatever was asked for.
func to(server string) dial {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}
}
