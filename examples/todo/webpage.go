package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json/v2"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

// built is the page as web/ builds it. It is committed, so that the server needs
// Go alone.
//
//go:embed web/dist/index.html web/dist/icon.svg web/dist/licenses.md web/dist/assets
var built embed.FS

// webPage serves the web page. Nothing of it is secret, so it needs no token.
type webPage struct {
	files  map[string]webFile // by path
	config []byte             // what the page must know of the issuer, as JSON
	issuer *url.URL
}

type webFile struct {
	plain, packed representation
	contentType   string
	cache         string // Cache-Control
}

// representation is a file in one content coding. Each has a tag of its own (RFC 9110
// §8.8.3.3).
type representation struct {
	content []byte
	coding  string // Content-Encoding; "" is none
	tag     string // ETag
}

// webScopes are what the page asks every issuer for. Keycloak gives a refresh token
// without being asked; offline_access would make it one that outlives the session.
func webScopes() []string { return []string{"openid", "profile", "email", scopeRead, scopeWrite} }

// newWebPage makes the page for the issuer of the settings, which it asks for the
// scopes.
func newWebPage(s settings, scopes []string) (*webPage, error) {
	issuer, err := url.Parse(s.issuer)
	if err != nil {
		return nil, err
	}
	type config struct {
		Issuer   string `json:"issuer"`
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	text, err := json.Marshal(config{s.issuer, s.webClientID, strings.Join(scopes, " ")})
	if err != nil {
		return nil, err
	}
	p := &webPage{
		files:  make(map[string]webFile),
		config: text,
		issuer: issuer,
	}
	return p, p.read()
}

// invitation says where the page is. It is empty if programs read the log, and if the
// page is at no loopback address: there, browsers let nobody sign in without TLS, which
// a proxy has to add, under a name that is not known here.
func invitation(s settings, base string) string {
	if host, _, _ := net.SplitHostPort(s.addr); s.logFormat == "json" || !isLoopback(host) {
		return ""
	}
	return "Open " + base + "/ in a browser, and sign in at the issuer, " + s.issuer + ".\n"
}

// policy returns the Content-Security-Policy of the page where it is opened at host.
// The page loads what is its own and talks to its own server and to the issuer. It
// is never in a frame and has none: see web/src/session.ts. The development issuer
// is the page's own server, and then not named: a browser that does not take its
// address for a source would complain.
func (p *webPage) policy(host string) string {
	servers := "'self'"
	if host != p.issuer.Host {
		servers += " " + p.issuer.Scheme + "://" + p.issuer.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
		"connect-src " + servers + "; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
}

// read takes the files. The name of an asset has a hash of what is in it, so it
// may be kept for good; everything else is asked for each time.
func (p *webPage) read() error {
	dist, err := fs.Sub(built, "web/dist")
	if err != nil {
		return err
	}
	return fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		hash := hex.EncodeToString(sum[:16])
		file := webFile{
			plain:       representation{content, "", `"` + hash + `"`},
			packed:      representation{pack(content), "gzip", `"` + hash + `-gzip"`},
			contentType: contentTypeOf(name),
			cache:       "no-cache",
		}
		at := "/" + name
		switch {
		case name == "index.html":
			at = "/"
		case path.Dir(name) == "assets":
			file.cache = "public, max-age=31536000, immutable"
		}
		p.files[at] = file
		return nil
	})
}

// pack compresses what is compressed once and sent often.
func pack(content []byte) []byte {
	var to bytes.Buffer
	w, _ := gzip.NewWriterLevel(&to, gzip.BestCompression) // the level is one
	_, _ = w.Write(content)                                // a buffer takes all
	_ = w.Close()
	return to.Bytes()
}

// contentTypeOf knows the kinds of file that the page has. The system's own table
// differs from machine to machine.
func contentTypeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".md":
		return "text/markdown; charset=utf-8"
	default:
		return "application/octet-stream"
	}
}

// routes adds the page's files, and nothing for paths that are none of them.
func (p *webPage) routes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(p.protect)
		r.Get("/config.json", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(p.config) // the client is gone if this fails
		})
		for at, file := range p.files {
			r.Get(at, file.serve)
		}
	})
}

// serve sends the file, always the whole of it: a part of a compressed file, kept under
// the tag of the whole, would break the page.
func (f webFile) serve(w http.ResponseWriter, r *http.Request) {
	file, h := f.plain, w.Header()
	if takesGzip(r.Header) {
		file = f.packed
	}
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", file.tag)
	h.Set("Vary", "Accept-Encoding")
	if known, _ := entityTags(r.Header, "If-None-Match"); slices.ContainsFunc(known, file.is) { // one that cannot be read has nothing
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if file.coding != "" {
		h.Set("Content-Encoding", file.coding)
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(file.content)))
	_, _ = w.Write(file.content) // the client is gone if this fails
}

// is reports whether the tag is one of the representation, compared weakly (RFC 9110
// §13.1.2), because proxies weaken tags.
func (r representation) is(tag string) bool {
	return tag == anyTag || strings.TrimPrefix(tag, "W/") == r.tag
}

// takesGzip reports whether the client names the content coding gzip, and not with the
// weight 0 (RFC 9110 §12.5.3).
func takesGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, weight, weighed := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		_, value, _ := strings.Cut(weight, "=")
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return !weighed || err == nil && q > 0
	}
	return false
}

// protect sets what keeps a browser from being turned against the page. The
// address of the page has a code in it after a sign-in, so no request tells
// where it came from.
func (p *webPage) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", p.policy(r.Host))
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		next.ServeHTTP(w, r)
	})
}
