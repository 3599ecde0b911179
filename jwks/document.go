package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxRedirects is how many redirects within one origin are followed.
const maxRedirects = 3

// maxHeaderBytes bounds the header of an answer.
const maxHeaderBytes = 64 << 10

// newClient returns the client that is used where the caller brings none.
func newClient() *http.Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		// A connection that waits five minutes for the next fetch is of no use, and its
		// goroutines would be there while the source is idle.
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return &http.Client{Transport: transport}
}

// documents gets JSON documents over HTTP. It is immutable.
type documents struct {
	client       *http.Client
	insecureHTTP bool
}

func newDocuments(o Options) documents {
	client := *o.Client
	client.CheckRedirect = sameOrigin
	return documents{client: &client, insecureHTTP: o.InsecureAllowHTTP}
}

// statusError is an answer with another status than 200.
type statusError struct {
	status     int
	retryAfter time.Duration // what the answer asks for, or 0
}

func (e statusError) Error() string { return fmt.Sprintf("the answer has status %d", e.status) }

// answer is a good answer.
type answer struct {
	header    http.Header
	body      []byte // of a 200
	unchanged bool   // a 304 to a request with validators
}

// get returns a 200, or a 304 if it asks with validators. Its errors repeat nothing
// of an answer but the status.
func (d documents) get(ctx context.Context, from *url.URL, marks validators) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return answer{}, errors.New("the address is no URL")
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	request.Header.Set("Cache-Control", "no-cache") // a cache on the way must ask too (RFC 9111 §5.2.1.4)
	marks.ask(request.Header)
	response, err := d.do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read, or is given up
	if response.StatusCode == http.StatusNotModified && marks != (validators{}) {
		return answer{header: response.Header, unchanged: true}, nil
	}
	if response.StatusCode != http.StatusOK {
		return answer{}, statusError{response.StatusCode, retryAfter(response.Header, time.Now())}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxSetBytes+1))
	if err != nil {
		return answer{}, fmt.Errorf("the answer broke off: %w", withoutWords(err))
	}
	if len(body) > maxSetBytes {
		return answer{}, fmt.Errorf("the answer is longer than %d bytes", maxSetBytes)
	}
	return answer{header: response.Header, body: body}, nil
}

// do makes a request. Its errors say why there is no connection, and repeat nothing
// of what comes over one.
func (d documents) do(request *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	ctx := httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	response, err := d.client.Do(request.WithContext(ctx))
	switch {
	case err == nil:
		return response, nil
	case connected.Load():
		return nil, withoutWords(err)
	}
	return nil, unconnectedError{withoutURL(err)}
}

// address reads a URL that may be fetched from: https, or http on this machine.
func (d documents) address(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return nil, errors.New("is not an absolute URL")
	}
	if u.User != nil || u.Fragment != "" {
		return nil, errors.New("has a user or a fragment, which a key set's address has not")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && (d.insecureHTTP || isLoopback(u.Hostname())):
	default:
		return nil, errors.New("is not https (http is for this machine, or for InsecureAllowHTTP)")
	}
	return u, nil
}

// isLoopback reports whether a host is this machine (RFC 6761 §6.3 for the name).
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// redacted is a URL as an error may tell it: without a password.
func redacted(raw string) string {
	if !strings.Contains(raw, "@") {
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "…"
	}
	return u.Redacted()
}

// sameOrigin allows a few redirects to where the request went in the first place.
func sameOrigin(request *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errRedirects
	}
	if origin(request.URL) != origin(via[0].URL) {
		return errOtherOrigin
	}
	return nil
}

// origin is the scheme, host and port of a URL (RFC 6454 §4).
func origin(u *url.URL) [3]string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return [3]string{u.Scheme, strings.ToLower(u.Hostname()), port}
}

// What is wrong with an answer that cannot be read.
var (
	errRedirects   = fmt.Errorf("redirects more than %d times", maxRedirects)
	errOtherOrigin = errors.New("redirects to another origin")
	errNotHTTP     = errors.New("the answer is not proper HTTP")
)

// withoutWords takes the words of the peer, which net/http quotes where they are not
// proper HTTP, out of an error that came up after the connection was there.
func withoutWords(err error) error {
	if own, ok := errors.AsType[net.Error](withoutURL(err)); ok {
		return own // a timeout, a reset
	}
	for _, own := range [...]error{errRedirects, errOtherOrigin, io.ErrUnexpectedEOF, io.EOF, context.Canceled} {
		if errors.Is(err, own) {
			return own
		}
	}
	return errNotHTTP
}

// withoutURL takes the URL, which a redirect may have chosen, out of an error.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// maxUnconnectedBytes is the longest text of an unconnectedError, but for an ellipsis.
const maxUnconnectedBytes = 256

// unconnectedError is why there is no connection. Its text is short and printable,
// because a peer without a trusted certificate has a part in it: the names in the
// certificate are quoted.
type unconnectedError struct{ err error }

func (e unconnectedError) Error() string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, e.err.Error())
	if len(text) <= maxUnconnectedBytes {
		return text
	}
	end := maxUnconnectedBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

func (e unconnectedError) Unwrap() error { return e.err }

// retryAfter reads Retry-After (RFC 9110 §10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
