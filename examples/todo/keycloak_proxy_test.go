//go:build keycloak

package main

import (
	"encoding/json/v2"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// countingProxy stands between the todo server and Keycloak's keys, and notes
// each fetch.
type countingProxy struct {
	url     string
	forward http.Handler

	mu      sync.Mutex // guards what follows
	delay   time.Duration
	fetches []*fetched
}

// fetched is one fetch.
type fetched struct {
	at     time.Time
	path   string
	status int           // 0: not answered yet
	took   time.Duration // until the answer
	kids   []string      // ids of the keys in the answer
}

func newCountingProxy(t *testing.T, target string) *countingProxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &countingProxy{forward: &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorLog: log.New(io.Discard, "", 0), // its 502 is in our own log
	}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// ServeHTTP implements http.Handler.
func (p *countingProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := &fetched{at: time.Now(), path: r.URL.Path}
	delay := p.begin(f)
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
	}
	answer := httptest.NewRecorder()
	p.forward.ServeHTTP(answer, r)
	p.end(f, answer)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the server's time may be up
}

func (p *countingProxy) begin(f *fetched) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetches = append(p.fetches, f)
	return p.delay
}

func (p *countingProxy) end(f *fetched, answer *httptest.ResponseRecorder) {
	var set struct {
		Keys []struct {
			Kid string `json:"kid"`
		} `json:"keys"`
	}
	_ = json.Unmarshal(answer.Body.Bytes(), &set) // an error of Keycloak's is no key set
	p.mu.Lock()
	defer p.mu.Unlock()
	f.status, f.took = answer.Code, time.Since(f.at)
	for _, key := range set.Keys {
		f.kids = append(f.kids, key.Kid)
	}
}

// slow makes each fetch last longer.
func (p *countingProxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// count returns how many fetches have begun.
func (p *countingProxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.fetches)
}

// answered returns how many fetches were answered with the status.
func (p *countingProxy) answered(status int) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.fetches {
		if f.status == status {
			n++
		}
	}
	return n
}

// gave reports whether any answer had the key.
func (p *countingProxy) gave(kid string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.fetches, func(f *fetched) bool { return slices.Contains(f.kids, kid) })
}

// String is the proxy's log.
func (p *countingProxy) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for i, f := range p.fetches {
		fmt.Fprintf(&b, "fetch %d  %s  %s  %d  %4d ms  keys:", i+1, f.at.Format("15:04:05.000"), f.path, f.status, f.took.Milliseconds())
		for _, kid := range f.kids {
			fmt.Fprintf(&b, " %.8s", kid)
		}
		b.WriteString("\n")
	}
	return b.String()
}
