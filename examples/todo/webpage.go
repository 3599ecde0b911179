package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json/v2"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// built is the page as web/ builds it. It is committed, so that the server needs
// Go alone.
//
//go:embed web/dist/index.html web/dist/icon.svg web/dist/assets
var built embed.FS

// webPage serves the web page. Nothing of it is secret, so it needs no token.
type webPage struct {
	files  map[string]webFile // by path
	config []byte             // what the page must know of the issuer, as JSON
	issuer *url.URL
}

type webFile struct {
	content     []byte
	contentType string
	cache       string // Cache-Control
	tag         string // ETag
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
		file := webFile{
			content:     content,
			contentType: contentTypeOf(name),
			cache:       "no-cache",
			tag:         `"` + hex.EncodeToString(sum[:16]) + `"`,
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
	default:
		return "application/octet-stream"
	}
}

// routes adds the page's files, and nothing for paths that are none of them.
func (p *webPage) routes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(p.protect, middleware.Compress(5, "text/html", "text/css", "text/javascript", "image/svg+xml"))
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

func (f webFile) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("Cache-Control", f.cache)
	w.Header().Set("ETag", f.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

// protect sets what keeps a browser from being turned against the page. The
// address of the page has a code in it after a sign-in, so no request tells
// where it came from.
func (p *webPage) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", p.policy(r.Host))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		next.ServeHTTP(w, r)
	})
}
