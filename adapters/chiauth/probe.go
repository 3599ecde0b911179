package chiauth

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// patience is how long a route may take to answer. After it, the request's context
// ends, and the handler has as long again to notice.
const patience = time.Second

// asksForToken serves one request without credentials and reports whether the answer
// is a demand for a token.
func asksForToken(h http.Handler, method, path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := requestFor(ctx, method, path)
	w := &probe{header: make(http.Header), cancel: cancel}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if recover() != nil {
				w.fail()
			}
		}()
		h.ServeHTTP(w, r)
	}()
	leave := time.NewTimer(2 * patience)
	defer leave.Stop()
	select {
	case <-done:
	case <-leave.C:
		w.fail()
	}
	return w.challenged()
}

// requestFor returns a request as a server would have read it.
func requestFor(ctx context.Context, method, path string) *http.Request {
	target := &url.URL{Path: path}
	r := &http.Request{
		Method:     method,
		URL:        target,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     make(http.Header),
		Body:       http.NoBody,
		Host:       "localhost",
		RemoteAddr: "127.0.0.1:1",
		RequestURI: target.EscapedPath(),
	}
	return r.WithContext(ctx)
}

// probe is a response that keeps only whether it asks for a token.
type probe struct {
	header http.Header // the handler's
	cancel context.CancelFunc

	mu     sync.Mutex // guards what follows
	wrote  bool
	asks   bool
	failed bool
}

// Header implements [http.ResponseWriter].
func (p *probe) Header() http.Header { return p.header }

// WriteHeader implements [http.ResponseWriter].
func (p *probe) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		return // informational: the answer follows
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrote {
		return
	}
	p.wrote, p.asks = true, challenged(status, p.header)
	if !p.asks {
		p.cancel()
	}
}

// Write implements [http.ResponseWriter].
func (p *probe) Write(data []byte) (int, error) {
	p.finish()
	return len(data), nil
}

// Flush implements [http.Flusher].
func (p *probe) Flush() { p.finish() }

// finish is the status that net/http sends for a handler which sets none.
func (p *probe) finish() { p.WriteHeader(http.StatusOK) }

// fail makes the answer one that does not ask for a token.
func (p *probe) fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = true
}

func (p *probe) challenged() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asks && !p.failed
}
