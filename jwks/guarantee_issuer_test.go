package jwks_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// material is the public part of a signing key, whatever kid it is published under.
type material struct {
	point      string // the members "x" and "y" of its JWK
	thumbprint string
}

// materials returns n keys, which all histories share: what is secret about them plays
// no part.
var materials = sync.OnceValue(func() []material {
	var all []material
	for range 256 {
		all = append(all, newMaterial())
	}
	return all
})

func newMaterial() material {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	key, err := verifier.NewKey("", verifier.ES256, private.Public())
	if err != nil {
		panic(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	point, err := private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return material{
		point:      fmt.Sprintf(`"x":%q,"y":%q`, text(point[1:33]), text(point[33:])),
		thumbprint: key.Thumbprint(),
	}
}

// signer is what signs tokens: a key under a kid. Another key under the same kid is
// another signer.
type signer struct {
	kid string
	key int // of materials
}

// published is a JWK of the issuer's document.
type published struct {
	signer
	usable bool // "use" is "sig"
}

// document is what an issuer publishes. It is not changed, but replaced.
type document []published

// names reports whether there is a JWK with this kid.
func (d document) names(kid string) bool {
	return kid == "" || slices.ContainsFunc(d, func(p published) bool { return p.kid == kid })
}

// has reports whether tokens of the signer are good. One without a kid stands for all.
func (d document) has(s signer) bool {
	return slices.ContainsFunc(d, func(p published) bool { return p.usable && (s.kid == "" || p.signer == s) })
}

// usable lists the signers whose tokens are good.
func (d document) usable() []signer {
	var all []signer
	for _, p := range d {
		if p.usable {
			all = append(all, p.signer)
		}
	}
	return all
}

func (d document) json() []byte {
	var text bytes.Buffer
	text.WriteString(`{"keys":[`)
	for i, p := range d {
		if i > 0 {
			text.WriteByte(',')
		}
		use := "sig"
		if !p.usable {
			use = "enc"
		}
		fmt.Fprintf(&text, `{"kty":"EC","crv":"P-256","alg":"ES256","kid":%q,"use":%q,%s}`, p.kid, use, materials()[p.key].point)
	}
	text.WriteString(`]}`)
	return text.Bytes()
}

// disorder is what is wrong with an issuer.
type disorder string

const (
	none      disorder = ""
	hanging   disorder = "hanging" // until the client goes, also where the issuer is repaired meanwhile
	failing   disorder = "status 500"
	limiting  disorder = "status 429" // and asks for an hour's patience
	missing   disorder = "status 404"
	garbled   disorder = "garbage"
	empty     disorder = "no keys"
	cut       disorder = "cut short"
	elsewhere disorder = "a redirect to another host"
)

// disorders lists what can be wrong.
var disorders = [...]disorder{failing, hanging, garbled, empty, limiting, missing, cut, elsewhere}

// Addresses of the model's issuer, which no network has.
const (
	modelIssuer   = "https://model.example.com"
	modelKeys     = modelIssuer + "/keys"
	modelMetadata = modelIssuer + "/.well-known/openid-configuration"
)

// modelled is the issuer of a history, and the way to it. The world's mu guards it.
type modelled struct {
	published document
	changed   int // how often it changed, for its ETag

	wrong     disorder
	metadata  bool // the disorder afflicts the metadata too
	up, down  time.Duration
	flaps     time.Time // since when the disorder comes and goes, or zero
	latency   time.Duration
	stale     document // what every other answer has, if nodes disagree
	turn      int
	cache     string // Cache-Control
	validator validator

	agreed   time.Time // since when all answers have had the same document
	repaired time.Time // since when it has answered well
	slowest  time.Duration
	under    int // requests for keys at present
}

// validator is how an issuer uses ETag.
type validator int

const (
	noETag       validator = iota
	goodETag               // changes with the document
	stubbornETag           // never changes, so that every conditional fetch gets a 304
)

// ill reports whether a request at this time meets the disorder.
func (m *modelled) ill(now time.Time) bool {
	if m.wrong == none {
		return false
	}
	return m.flaps.IsZero() || now.Sub(m.flaps)%(m.up+m.down) >= m.up
}

// well reports whether the issuer has answered well for all of the time since. One that
// was repaired at that very time may have been asked before.
func (m *modelled) well(since time.Time) bool {
	return m.wrong == none && m.repaired.Before(since)
}

// current is the document that the next answer has.
func (m *modelled) current() document {
	if m.stale == nil {
		return m.published
	}
	m.turn++
	if m.turn%2 == 0 {
		return m.stale
	}
	return m.published
}

// delivery is what a fetch was answered with.
type delivery struct {
	document document
	fresh    bool // it is a 200
	cache    string
}

// RoundTrip answers as the issuer. It is the transport of the source's client.
func (w *world) RoundTrip(request *http.Request) (*http.Response, error) {
	switch request.URL.String() {
	case modelMetadata:
		return w.answerMetadata(request)
	case modelKeys:
		return w.answerKeys(request)
	}
	return nil, fmt.Errorf("a request to %s", request.URL)
}

func (w *world) answerMetadata(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	wrong := none
	if w.issuer.metadata && w.issuer.ill(time.Now()) {
		wrong = w.issuer.wrong
	}
	w.mu.Unlock()
	if wrong != none {
		return misbehave(request, wrong)
	}
	return reply(request, http.StatusOK, nil, fmt.Appendf(nil, `{"issuer":%q,"jwks_uri":%q}`, modelIssuer, modelKeys)), nil
}

func (w *world) answerKeys(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	m := &w.issuer
	if m.under++; m.under > 1 {
		w.violate("G7", "%d requests for keys at a time", m.under)
	}
	wrong, latency := none, m.latency
	if m.ill(time.Now()) {
		wrong = m.wrong
	}
	document, header, status := m.current(), m.header(), http.StatusOK
	if tag := header.Get("ETag"); tag != "" && request.Header.Get("If-None-Match") == tag {
		status = http.StatusNotModified
	}
	w.mu.Unlock()

	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.issuer.under--
	}()
	if wrong != none {
		return misbehave(request, wrong)
	}
	if err := pause(request.Context(), latency); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.deliver(&delivery{document: document, fresh: status == http.StatusOK, cache: header.Get("Cache-Control")})
	w.mu.Unlock()
	if status == http.StatusNotModified {
		return reply(request, status, header, nil), nil
	}
	return reply(request, status, header, document.json()), nil
}

func (m *modelled) header() http.Header {
	h := http.Header{}
	switch m.validator {
	case goodETag:
		h.Set("ETag", strconv.Quote(fmt.Sprint(m.changed)))
	case stubbornETag:
		h.Set("ETag", `"for ever"`)
	case noETag:
	}
	if m.cache != "" {
		h.Set("Cache-Control", m.cache)
	}
	return h
}

func misbehave(request *http.Request, wrong disorder) (*http.Response, error) {
	switch wrong {
	case hanging:
		<-request.Context().Done()
		return nil, request.Context().Err()
	case failing:
		return reply(request, http.StatusInternalServerError, nil, nil), nil
	case limiting:
		return reply(request, http.StatusTooManyRequests, http.Header{"Retry-After": {"3600"}}, nil), nil
	case missing:
		return reply(request, http.StatusNotFound, nil, nil), nil
	case garbled:
		return reply(request, http.StatusOK, nil, []byte("<html>")), nil
	case empty:
		return reply(request, http.StatusOK, nil, []byte(`{"keys":[]}`)), nil
	case cut:
		response := reply(request, http.StatusOK, nil, nil)
		response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"keys":[`), broken{}))
		return response, nil
	case elsewhere:
		return reply(request, http.StatusFound, http.Header{"Location": {"https://elsewhere.example.com/keys"}}, nil), nil
	case none:
	}
	return nil, errors.New("nothing is wrong")
}

// broken is the end of a connection that broke.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func reply(request *http.Request, status int, header http.Header, body []byte) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header, Request: request,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// pause waits, unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
