package jwks

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// locator knows where an issuer's key set is. Only one fetch at a time uses it, and
// the fetches of a Remote follow one another, so it needs no lock.
type locator struct {
	documents documents
	issuer    string        // "" if the address was given
	metadata  *url.URL      // the issuer as a URL, or nil
	again     time.Duration // how often the metadata is read again

	address *url.URL // the key set, or nil if not found yet
	found   time.Time
	doubt   bool // the last fetch failed
}

// newLocator returns a locator that discovers.
func newLocator(d documents, issuer string) (*locator, error) {
	u, err := d.address(issuer)
	if err != nil {
		return nil, fmt.Errorf("jwks: issuer %q %w", redacted(issuer), err)
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, fmt.Errorf("jwks: issuer %q has a query (RFC 8414 §2)", issuer)
	}
	if strings.Contains(issuer, "#") { // an empty fragment, too
		return nil, fmt.Errorf("jwks: issuer %q has a fragment (RFC 8414 §2)", issuer)
	}
	return &locator{documents: d, issuer: issuer, metadata: u}, nil
}

// locate returns the key set's address for a fetch. It reads the metadata where the
// address is unknown, old or in doubt, and for the sake of an unknown kid. Where
// that fails, the last address stays.
func (l *locator) locate(ctx context.Context, f *flight) (*url.URL, error) {
	if l.issuer == "" || l.address != nil && !f.anew && !l.doubt && f.began.Sub(l.found) < l.again {
		return l.address, nil
	}
	address, err := l.discover(ctx)
	if err == nil {
		l.address, l.found = address, f.began
		return address, nil
	}
	if l.address == nil {
		return nil, err
	}
	f.undiscovered = err
	return l.address, nil
}

// discover reads the issuer's metadata: OpenID Connect Discovery §4, and after a
// 404 there RFC 8414 §3.
func (l *locator) discover(ctx context.Context) (*url.URL, error) {
	if deadline, ok := ctx.Deadline(); ok && l.address != nil {
		// A metadata document that hangs must leave time for the keys, whose last address
		// is known.
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer stop()
	}
	found, err := l.documents.get(ctx, l.openIDPlace(), validators{})
	if status, ok := errors.AsType[statusError](err); ok && status.status == http.StatusNotFound {
		found, err = l.documents.get(ctx, l.oauthPlace(), validators{})
	}
	if err != nil {
		return nil, fmt.Errorf("jwks: discovery: the metadata cannot be had: %w", err)
	}
	return l.readMetadata(found.body)
}

// openIDPlace appends to the issuer's path (OpenID Connect Discovery §4.1).
func (l *locator) openIDPlace() *url.URL {
	return l.place(l.path() + "/.well-known/openid-configuration")
}

// oauthPlace inserts between the host and the issuer's path (RFC 8414 §3.1).
func (l *locator) oauthPlace() *url.URL {
	return l.place("/.well-known/oauth-authorization-server" + l.path())
}

// path is the issuer's, escaped as the issuer writes it and without a slash at its
// end.
func (l *locator) path() string { return strings.TrimSuffix(l.metadata.EscapedPath(), "/") }

func (l *locator) place(path string) *url.URL {
	place := *l.metadata
	place.RawPath = path
	place.Path, _ = url.PathUnescape(path) // it was parsed before
	return &place
}

// readMetadata reads the two members that matter.
func (l *locator) readMetadata(body []byte) (*url.URL, error) {
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &metadata); err != nil {
		return nil, errors.New("jwks: discovery: the metadata is not the JSON of an issuer")
	}
	if metadata.Issuer != l.issuer { // RFC 8414 §3.3
		return nil, otherIssuerError{metadata.Issuer}
	}
	address, err := l.documents.address(metadata.JWKSURI)
	if err != nil {
		return nil, fmt.Errorf("jwks: discovery: jwks_uri %w", err)
	}
	if l.metadata.Scheme == "https" && address.Scheme != "https" {
		return nil, errors.New("jwks: discovery: jwks_uri is http though the issuer is https")
	}
	return address, nil
}

// otherIssuerError is what metadata with another issuer's name fails with.
type otherIssuerError struct{ issuer string }

func (e otherIssuerError) Error() string {
	return "jwks: discovery: the metadata is of issuer " + quoted(e.issuer)
}
