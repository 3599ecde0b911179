package issuertest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// errRepaired is why the context of a broken fetch ends while its client is there.
var errRepaired = errors.New("issuertest: repaired")

// Document is something that an [Issuer] serves. It is safe for concurrent use.
type Document struct {
	url    string        // set once
	path   string        // set once
	render func() []byte // set once

	mu      sync.Mutex // guards what follows
	content []byte     // nil: what render returns
	header  http.Header
	passing []Fault // each for one fetch, ahead of fault
	fault   Fault   // nil: none
	broken  map[*http.Request]context.CancelCauseFunc
	fetches int
	last    http.Header
}

func newDocument(url string, render func() []byte) *Document {
	_, path := split(url)
	return &Document{
		url:    url,
		path:   path,
		render: render,
		header: http.Header{"Content-Type": {"application/json"}},
		broken: map[*http.Request]context.CancelCauseFunc{},
	}
}

// URL returns the place of the document.
func (d *Document) URL() string { return d.url }

// Content returns the document as it is served while nothing is broken.
func (d *Document) Content() []byte {
	d.mu.Lock()
	content := slices.Clone(d.content)
	d.mu.Unlock()
	if content != nil {
		return content
	}
	return d.render()
}

// SetContent serves other content from now on; nil brings the issuer's own back.
func (d *Document) SetContent(content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.content = slices.Clone(content)
}

// SetHeader sets a header field of every answer from now on, those of faults
// included; the empty value removes it. "Content-Type" is "application/json" by
// default. Under an "ETag" or "Last-Modified", a fetch with a matching validator is
// answered with 304, whether or not the content has changed since.
func (d *Document) SetHeader(name, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.header.Set(name, value)
	if value == "" {
		d.header.Del(name)
	}
}

// Break lets every fetch from now on meet the fault, until Repair. It replaces an
// earlier Break; fetches that hang already go on hanging.
func (d *Document) Break(fault Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// BreakNext lets the next n fetches meet the fault; after them, the document is as
// it was. Calls add up: their faults come in the order of the calls.
func (d *Document) BreakNext(n int, fault Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passing = append(d.passing, slices.Repeat([]Fault{fault}, n)...)
}

// Repair ends Break and BreakNext, and lets go of fetches that hang: each is answered
// with the document as it was when the fetch arrived.
func (d *Document) Repair() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.passing = nil, nil
	for _, end := range d.broken {
		end(errRepaired)
	}
}

// Fetches returns the number of requests that arrived, broken ones included. Only
// GET and HEAD count.
func (d *Document) Fetches() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fetches
}

// LastRequest returns the header of the fetch that arrived last, or nil.
func (d *Document) LastRequest() http.Header {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last.Clone()
}

func (d *Document) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	content := d.Content()
	healthy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serveContent(w, r, content)
	})
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	fault := d.arrive(r, w.Header(), end)
	if fault == nil {
		healthy(w, r)
		return
	}
	defer d.leave(r)
	fault(w, r.WithContext(ctx), healthy)
}

// arrive counts a fetch and returns its fault, or nil. A fetch with a fault is known
// to Repair from the same moment on, until it leaves.
func (d *Document) arrive(r *http.Request, header http.Header, end context.CancelCauseFunc) Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fetches++
	d.last = r.Header.Clone()
	maps.Copy(header, d.header.Clone())
	fault := d.fault
	if len(d.passing) > 0 {
		fault, d.passing = d.passing[0], d.passing[1:]
	}
	if fault != nil {
		d.broken[r] = end
	}
	return fault
}

func (d *Document) leave(r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.broken, r)
}

// serveContent answers validators by the header that w has already.
func serveContent(w http.ResponseWriter, r *http.Request, content []byte) {
	// Without a date, modified is the zero time, which stands for none.
	modified, _ := http.ParseTime(w.Header().Get("Last-Modified"))
	http.ServeContent(w, r, "", modified, bytes.NewReader(content))
}
