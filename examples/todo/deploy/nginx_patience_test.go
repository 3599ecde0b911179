package deploy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A worker has neither the places nor the files for so many by itself, and would wait
// for each a minute.
func TestNginxAnswersWhileOthersDoNotFinish(t *testing.T) {
	t.Parallel()
	n := startNginx(t, "worker_processes auto;", "worker_processes 1;")
	const halfOpen, wait = 2600, 5 * time.Second
	begin := time.Now()
	var conns []net.Conn
	for len(conns) < halfOpen {
		conns = append(conns, n.send(t, "GET /todos HTTP/1.1\r\nHost: x\r\nX"))
		if len(conns)%100 != 0 {
			continue
		}
		if status := n.get(t); status != http.StatusOK {
			t.Fatalf("beside %d requests that do not end, GET gives %d", len(conns), status)
		}
	}
	if took := time.Since(begin); took >= wait {
		t.Fatalf("the first of them were gone before the last one came, after %v", took)
	}
	for i, c := range conns {
		if got := leftOver(t, c); got != "" {
			t.Errorf("a request that does not end is answered: %.100q", got)
		}
		if took := time.Since(begin); i == 0 && took < wait-time.Second || took > 3*wait {
			t.Fatalf("number %d is gone after %v, want %v", i, took, wait)
		}
	}
	if log := n.read(t, "error.log"); strings.Contains(log, "not enough") || strings.Contains(log, "RLIMIT_NOFILE") {
		t.Errorf("nginx says:\n%.1000s", log)
	}
}

func TestNginxDoesNotWaitForABody(t *testing.T) {
	t.Parallel()
	n := startNginx(t, "client_body_timeout 15s;", "client_body_timeout 1s;")
	c := n.send(t, "POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
	if got := leftOver(t, c); got != "" {
		t.Errorf("a request that does not end is answered: %.100q", got)
	}
}

func TestNginxDoesNotWaitForAReader(t *testing.T) {
	t.Parallel()
	n := startNginx(t, "send_timeout 15s;", "send_timeout 1s;")
	n.send(t, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n") // and nothing of the answer is read
	n.awaitLine(t, " GET /long 200 ")
}

// The limits for those who stand still are not for a stream that has nothing to say.
func TestNginxLetsAQuietStreamLive(t *testing.T) {
	t.Parallel()
	n := startNginx(t,
		"client_header_timeout 5s;", "client_header_timeout 1s;",
		"client_body_timeout 15s;", "client_body_timeout 1s;",
		"send_timeout 15s;", "send_timeout 1s;",
		"proxy_read_timeout 35s;", "proxy_read_timeout 1s;", // not the stream's own
	)
	got, body := n.ask(t, "GET /todos/events HTTP/1.1\r\nHost: x\r\n\r\n")
	if want := "event: ready\n\n: keep-alive\n\n"; got.StatusCode != http.StatusOK || body != want {
		t.Errorf("%d %q, want %q", got.StatusCode, body, want)
	}
}

// leftOver returns what comes until nginx closes the connection.
func leftOver(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(nginxLimit)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	return string(got)
}
