package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxDocument bounds what is kept of an answer, in bytes. Package jwks reads no more.
const maxDocument = 1 << 20

// recorder makes requests and keeps the documents that came, so that what is shown is
// what package jwks has seen.
type recorder struct {
	transport http.RoundTripper // set once

	mu        sync.Mutex // guards what follows
	documents []*document
	missing   bool // the last answer was 404
}

// document is an answer of status 200.
type document struct {
	url string

	mu   sync.Mutex // guards what follows
	body bytes.Buffer
}

// newRecorder is for one program's few requests, and keeps no connection.
func newRecorder() *recorder {
	return &recorder{transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}}
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.transport.RoundTrip(request)
	r.mu.Lock()
	r.missing = err == nil && response.StatusCode == http.StatusNotFound
	r.mu.Unlock()
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	d := &document{url: request.URL.String()}
	r.mu.Lock()
	r.documents = append(r.documents, d)
	r.mu.Unlock()
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(response.Body, d), response.Body}
	return response, nil
}

// Write keeps what is read of the body.
func (d *document) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.body.Write(p[:min(len(p), maxDocument-d.body.Len())])
	return len(p), nil
}

// text is what was read.
func (d *document) text() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.body.Bytes())
}

// isMetadata goes by the places of OpenID Connect Discovery §4 and RFC 8414 §3. Key sets
// may be below /.well-known/ too.
func (d *document) isMetadata() bool {
	return strings.Contains(d.url, "/.well-known/openid-configuration") || strings.Contains(d.url, "/.well-known/oauth-authorization-server")
}

// isMissing reports whether the last answer said that there is nothing.
func (r *recorder) isMissing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missing
}

// metadata returns the last metadata document, or nil.
func (r *recorder) metadata() *document {
	return r.last((*document).isMetadata)
}

// keySet returns the last document that is no metadata, or nil.
func (r *recorder) keySet() *document {
	return r.last(func(d *document) bool { return !d.isMetadata() })
}

func (r *recorder) last(wanted func(*document) bool) *document {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.documents) - 1; i >= 0; i-- {
		if wanted(r.documents[i]) {
			return r.documents[i]
		}
	}
	return nil
}
