package main

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// Between the signal and the end of listening a service is not ready, serves, and
// closes each connection after its answer.
func TestAStoppingServiceServesUntilTheDelayIsOver(t *testing.T) {
	p := startProcess(t, "TODO_STOP_DELAY=5m", "TODO_ADMIN_ADDR=127.0.0.1:0")
	s, operators := &service{url: p.url(t)}, &service{url: "http://" + p.await(t, p.stderr.admin)}
	token := devToken(t, s.url, "alice")
	await(t, "the service is ready", func() bool { return s.do(t, request{method: "GET", path: "/readyz"}).status == 200 })
	p.terminate(t)
	await(t, "the service begins to stop", func() bool { return strings.Contains(p.stderr.String(), "msg=stopping") })
	for _, s := range []*service{s, operators} {
		ready, alive := s.do(t, request{method: "GET", path: "/readyz"}), s.do(t, request{method: "GET", path: "/healthz"})
		if ready.status != 503 || !strings.Contains(ready.body, "stopping") || alive.status != 200 {
			t.Errorf("while it stops, %s gives %d %s and %d", s.url, ready.status, ready.body, alive.status)
		}
	}
	for _, in := range []request{{method: "GET", path: "/todos", token: token}, {method: "POST", path: "/todos", token: token, body: `{"title":"late"}`}} {
		r, err := http.NewRequestWithContext(t.Context(), in.method, s.url+in.path, strings.NewReader(in.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer " + in.token}, "Content-Type": {"application/json"}}
		resp, err := new(http.Client).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode > 201 || !resp.Close {
			t.Errorf("while it stops, %s gives %d and closes: %v", in.method, resp.StatusCode, resp.Close)
		}
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // a second signal does not wait
	p.exit(t)
	if end, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus); end.Signal() != syscall.SIGTERM {
		t.Errorf("after a second signal it ended with %v, want an end by that signal", p.cmd.ProcessState)
	}
}

func TestAStopEndsStreams(t *testing.T) {
	p := startProcess(t)
	url := p.tour(t)
	events := openStream(t, limited(), url, devToken(t, url, "alice"))
	p.terminate(t)
	events.want(t, "event: stopping\ndata: {}\n", io.EOF.Error())
	p.stopped(t)
}

func TestAServiceStopsWhenTheDelayIsOver(t *testing.T) {
	p := startProcess(t, "TODO_STOP_DELAY=10ms")
	p.url(t)
	p.stop(t)
}
