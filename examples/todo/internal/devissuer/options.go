package devissuer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Options configures an [Issuer]. Only Issuer is required.
type Options struct {
	// Issuer is the issuer's URL, for example http://127.0.0.1:8080/dev-issuer. It appears byte for byte as iss in
	// every token. Its scheme is http or https and its host is localhost or a loopback address. It has no query, no
	// fragment and no trailing slash.
	Issuer string

	// Audience is the API that access tokens are for. Empty means "todo-api".
	Audience string

	// WebClientID names the client of the web page, a public client that must use PKCE with S256. Empty means "todo-web".
	WebClientID string

	// WebRedirects are the redirect URIs of the web client, compared byte for byte. They are http or https URLs on the
	// loopback interface without a fragment. Scripts of their origins may call the issuer (CORS), and after logging
	// out the browser may return to them or to the root of their origins. Empty means that nobody can log in.
	WebRedirects []string

	// TokenLifetime is how long access and ID tokens are valid: at least 1 s, at most 24 h. Zero means 5 min.
	TokenLifetime time.Duration

	// KeyRetention is how long a key stays published after a rotation. Zero means twice TokenLifetime.
	KeyRetention time.Duration

	// Logger receives logins and rotations; never a token, a code or a secret. Nil discards them. What the provider
	// library itself has to say goes to slog.Default.
	Logger *slog.Logger
}

// withDefaults returns o complete, or an error that names the field at fault.
func (o Options) withDefaults() (Options, error) {
	if _, err := parseIssuer(o.Issuer); err != nil {
		return Options{}, fmt.Errorf("devissuer: Options.Issuer: %w", err)
	}
	for _, redirect := range o.WebRedirects {
		if _, err := parseRedirect(redirect); err != nil {
			return Options{}, fmt.Errorf("devissuer: Options.WebRedirects: %w", err)
		}
	}
	if o.Audience == "" {
		o.Audience = "todo-api"
	}
	if o.WebClientID == "" {
		o.WebClientID = "todo-web"
	}
	if _, taken := userNamed(o.WebClientID); taken {
		return Options{}, fmt.Errorf("devissuer: Options.WebClientID: %q is another client", o.WebClientID)
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = 5 * time.Minute
	}
	if o.TokenLifetime < time.Second || o.TokenLifetime > 24*time.Hour {
		return Options{}, errors.New("devissuer: Options.TokenLifetime: not between 1s and 24h")
	}
	if o.KeyRetention == 0 {
		o.KeyRetention = 2 * o.TokenLifetime
	}
	if o.KeyRetention < 0 {
		return Options{}, errors.New("devissuer: Options.KeyRetention: negative")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.WebRedirects = slices.Clone(o.WebRedirects)
	return o, nil
}

func parseIssuer(raw string) (*url.URL, error) {
	u, err := parseLoopback(raw)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(raw, "?#") {
		return nil, errors.New("has a query or a fragment")
	}
	if u.Path != "" && (u.EscapedPath() != u.Path || path.Clean(u.Path) != u.Path || u.Path == "/") {
		return nil, errors.New("has a trailing slash or an unusual path")
	}
	return u, nil
}

func parseRedirect(raw string) (*url.URL, error) {
	u, err := parseLoopback(raw)
	if err != nil {
		return nil, err
	}
	if strings.Contains(raw, "#") {
		return nil, errors.New("has a fragment")
	}
	return u, nil
}

func parseLoopback(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL") // the parser's error repeats its input, which may hold a password
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("neither http nor https")
	}
	if u.User != nil {
		return nil, errors.New("has user information")
	}
	if !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("host %q is not on the loopback interface; the development issuer asks for no passwords", u.Hostname())
	}
	return u, nil
}

// isLoopback takes names for what they say and asks no resolver: a name may resolve to anything tomorrow.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }
