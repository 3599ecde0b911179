package main

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func listenLimited(t *testing.T, most int) (*connLimit, func() net.Conn) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := limitConns(l, most)
	t.Cleanup(func() { _ = limited.Close() })
	return limited, func() net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

// accepted is what the next Accept gives, once it returns.
func accepted(l net.Listener) <-chan error {
	got := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		got <- err
	}()
	return got
}

func mustCome(t *testing.T, got <-chan error) error {
	t.Helper()
	select {
	case err := <-got:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("Accept still waits")
		return nil
	}
}

func TestConnectionsWaitForAPlace(t *testing.T) {
	l, dial := listenLimited(t, 2)
	dial()
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	dial()
	if err := mustCome(t, accepted(l)); err != nil {
		t.Fatal(err)
	}
	dial()
	third := accepted(l)
	select {
	case err := <-third:
		t.Fatalf("a third connection has a place: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	for range 2 { // the second time gives back no place of another
		_ = first.Close()
	}
	if err := mustCome(t, third); err != nil {
		t.Fatal(err)
	}
	dial()
	waiting := accepted(l)
	_ = l.Close()
	if err := mustCome(t, waiting); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener says %v", err)
	}
	if err := mustCome(t, accepted(l)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener says %v", err)
	}
}

// Whoever sends far too much reads why it is refused, and not that the connection was
// reset.
func TestTooMuchIsAnsweredBeforeTheEnd(t *testing.T) {
	host := strings.TrimPrefix(startProcess(t).url(t), "http://")
	request := "GET /todos HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + strings.Repeat("a", 256<<10) + "\r\n\r\n"
	for range 5 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(c, request); err != nil { // the kernel takes it
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		_ = c.Close()
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
			t.Fatalf("the answer is %q, %v", answer, err)
		}
	}
}
