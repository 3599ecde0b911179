package issuertest

import (
	"crypto/tls"
	"net"
	"net/http"
)

// Truncate announces the length of the whole document, sends the first half of it
// and ends the connection. A document that is empty arrives whole.
func Truncate() Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		body := whole(r, healthy)
		announce(w, body)
		_, _ = w.Write(body[:len(body)/2]) // The client may have gone.
		// A server closes the connection of a handler that wrote less than it announced.
	}
}

// Reset is Truncate by force: the header and the first half of the document, and then
// a TCP reset, so that the client's read of the body fails with ECONNRESET. In memory,
// the connection just ends. Something is sent first because Go's client asks again on
// its own where a connection that it kept from an earlier request breaks before the
// answer: a fetch would count twice, and succeed after a [Document.BreakNext] for one.
//
// Where the connection cannot be had from the server (HTTP/2 is such a case), the
// fault panics with [http.ErrAbortHandler], for which servers reset the stream.
func Reset() Fault {
	return func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		body := whole(r, healthy)
		announce(w, body)
		_, _ = w.Write(body[:len(body)/2]) // The client may have gone.
		flush(w)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		reset(conn)
	}
}

// reset closes a connection without a farewell: neither TLS's close_notify nor TCP's
// FIN.
func reset(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // Close then discards what is unsent and sends RST.
	}
	_ = conn.Close() // It is gone either way.
}
