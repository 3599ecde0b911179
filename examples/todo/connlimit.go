package main

import (
	"net"
	"sync"
)

// connLimit is a listener with a bound on its connections. netutil.LimitListener of
// golang.org/x/net is one too, but hides CloseWrite, without which net/http resets the
// connection of a request that it refuses before all of it came: the client would see
// no 413 and no 431.
type connLimit struct {
	net.Listener

	places chan struct{} // one is taken for each connection
	closed chan struct{}
	close  func() // of closed, once
}

func limitConns(l net.Listener, most int) *connLimit {
	closed := make(chan struct{})
	return &connLimit{l, make(chan struct{}, most), closed, sync.OnceFunc(func() { close(closed) })}
}

// Accept waits for a place, and then for a connection.
func (l *connLimit) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{c, sync.OnceFunc(func() { <-l.places })}, nil
}

// Close ends an Accept that waits for a place, too.
func (l *connLimit) Close() error {
	l.close()
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn

	leave func()
}

// Close gives the place back.
func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite is what net/http looks for.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
