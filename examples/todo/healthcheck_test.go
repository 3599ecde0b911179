package main

import (
	"net"
	"strings"
	"testing"
)

func TestHealthCheck(t *testing.T) {
	s := newService(t)
	check := func(url string) (code int, said string) {
		var out strings.Builder
		code = run(t.Context(), []string{"-healthcheck", url}, []string{"TODO_ADDR=wrong"}, &out, &out)
		return code, out.String()
	}
	if code, said := check(s.url + "/healthz"); code != 0 || said != "" {
		t.Errorf("a healthy service: exit code %d, %q", code, said)
	}
	if code, said := check(s.url + "/readyz"); code != 1 || !strings.Contains(said, "503") { // it has no keys yet
		t.Errorf("a service that is not ready: exit code %d, %q", code, said)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if code, said := check("http://" + l.Addr().String() + "/readyz"); code != 1 || said == "" {
		t.Errorf("nobody is there: exit code %d, %q", code, said)
	}
	if code, said := check("http://x:secret@" + strings.TrimPrefix(s.url, "http://") + "/readyz"); code != 1 || !strings.Contains(said, "503") || strings.Contains(said, "secret") {
		t.Errorf("a URL with a password: exit code %d, %q", code, said)
	}
	// None of these is a service that is not healthy, nor a wish to start one.
	for _, url := range []string{"", " ", "::", "file:///etc/passwd", "127.0.0.1:8080", "http://", "http://x:secret@:x"} {
		if code, said := check(url); code != 2 || !strings.Contains(said, "-healthcheck URL") || strings.Contains(said, "secret") {
			t.Errorf("%q: exit code %d, %q, want 2", url, code, said)
		}
	}
}
