package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/verifier"
)

// settings is what the environment says, checked and with its defaults.
type settings struct {
	addr         string
	grpcAddr     string // empty: off
	adminAddr    string // empty: off
	issuer       string // empty: the embedded development issuer
	jwksURL      string // empty: discovered
	jwksFailover string // empty: none
	jwksSnapshot string // empty: off
	insecureHTTP bool
	audience     string
	algorithms   []verifier.Algorithm
	leeway       time.Duration
	databaseURL  string
	jwksRefresh  time.Duration
	jwksCooldown time.Duration
	jwksMaxStale time.Duration
	webClientID  string
	devLifetime  time.Duration // of the development issuer's tokens; 0: its default
	logFormat    string        // text or json
	stopDelay    time.Duration
}

// variable is one environment variable. README.md has the same table.
type variable struct {
	name     string
	fallback string // the value when it is unset; empty: none
	unset    string // what holds without a value
	meaning  string
	parse    func(s *settings, value string) error
}

func variables() []variable {
	return []variable{
		{"TODO_ADDR", "127.0.0.1:8080", "", "address of the API; a loopback address unless TODO_ISSUER is set", func(s *settings, v string) error { return parseAddr(v, &s.addr) }},
		{"TODO_GRPC_ADDR", "", "off", "address of the gRPC service", func(s *settings, v string) error { return parseAddr(v, &s.grpcAddr) }},
		{"TODO_ADMIN_ADDR", "", "off", "address for operators: /healthz, /readyz, /metrics and /debug/keys", func(s *settings, v string) error { return parseAddr(v, &s.adminAddr) }},
		{"TODO_ISSUER", "", "the development issuer", "URL of the issuer, as tokens write it in iss", func(s *settings, v string) error { return parseURL(v, &s.issuer) }},
		{"TODO_JWKS_URL", "", "discovered", "URL of the key set, where it is not the one that the issuer names", func(s *settings, v string) error { return parseURL(v, &s.jwksURL) }},
		{"TODO_JWKS_FAILOVER_URL", "", "none", "second URL of the same issuer's key set, asked when the first fails", func(s *settings, v string) error { return parseURL(v, &s.jwksFailover) }},
		{"TODO_JWKS_SNAPSHOT", "", "off", "file that keeps the keys for a start while the issuer is away; its directory must exist and be writable", func(s *settings, v string) error { return parseFile(v, &s.jwksSnapshot) }},
		{"TODO_INSECURE_HTTP", "0", "", "1 allows http to a host that is not loopback", func(s *settings, v string) error { return parseSwitch(v, &s.insecureHTTP) }},
		{"TODO_AUDIENCE", "todo-api", "", "audience that a token must name", func(s *settings, v string) error { return parseName(v, &s.audience) }},
		{"TODO_ALGORITHMS", "RS256", "", "accepted signature algorithms, separated by commas", func(s *settings, v string) error { return parseAlgorithms(v, &s.algorithms) }},
		{"TODO_LEEWAY", "30s", "", "forgiven clock difference, up to 5m", func(s *settings, v string) error { return parseDuration(v, 0, 5*time.Minute, &s.leeway) }},
		{"TODO_DATABASE_URL", "todo.db", "", "SQLite file, or a postgres:// URL", parseDatabase},
		{"TODO_JWKS_REFRESH", "5m", "", "how often the keys are refreshed", func(s *settings, v string) error { return parseDuration(v, 1, year, &s.jwksRefresh) }},
		{"TODO_JWKS_COOLDOWN", "10s", "", "time after which one more look-up of an unknown key is allowed", func(s *settings, v string) error { return parseDuration(v, 1, year, &s.jwksCooldown) }},
		{"TODO_JWKS_MAX_STALE", "24h", "", "how long keys are used while the issuer is away", func(s *settings, v string) error { return parseDuration(v, 1, year, &s.jwksMaxStale) }},
		{"TODO_WEB_CLIENT_ID", "todo-web", "", "OpenID Connect client for a login in the browser (authorization code, PKCE)", func(s *settings, v string) error { return parseName(v, &s.webClientID) }},
		{"TODO_DEV_TOKEN_LIFETIME", "", "5m", "how long tokens of the development issuer last, from 1s to 24h; not together with TODO_ISSUER", func(s *settings, v string) error { return parseDuration(v, time.Second, 24*time.Hour, &s.devLifetime) }},
		{"TODO_LOG_FORMAT", "text", "", "text, or json: one object a line", func(s *settings, v string) error { return parseLogFormat(v, &s.logFormat) }},
		{"TODO_STOP_DELAY", "0s", "", "how long to go on serving after SIGTERM while /readyz says 503, so that load balancers notice; up to 5m", func(s *settings, v string) error { return parseDuration(v, 0, 5*time.Minute, &s.stopDelay) }},
	}
}

// year is the longest duration that makes sense here, and far from an overflow.
const year = 365 * 24 * time.Hour

// readSettings reads the variables from environ, which has the form of
// os.Environ. The error names every variable that is wrong. A variable that is
// set to nothing is wrong: it would silently mean the default, and for
// TODO_ISSUER that is an issuer without passwords.
func readSettings(environ []string) (settings, error) {
	given, unknown := todoVariables(environ)
	errs := unknown
	var s settings
	for _, v := range variables() {
		value, set := given[v.name]
		if !set {
			value = v.fallback
		}
		if !set && value == "" {
			continue
		}
		if err := v.parse(&s, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", v.name, err))
		}
	}
	if len(errs) > 0 {
		return settings{}, errors.Join(errs...)
	}
	return s, s.contradiction()
}

// todoVariables returns the variables of ours in environ, and an error for each
// one that looks like ours and is none: a typing error must not silently leave
// a setting at its default. TODO_TEST_ is for tests.
func todoVariables(environ []string) (map[string]string, []error) {
	known := make(map[string]bool)
	for _, v := range variables() {
		known[v.name] = true
	}
	given := make(map[string]string)
	var unknown []error
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		if !strings.HasPrefix(upper, "TODO_") || strings.HasPrefix(upper, "TODO_TEST_") {
			continue
		}
		if !known[name] {
			unknown = append(unknown, fmt.Errorf("%.64q: no such setting; -help lists them", name))
			continue
		}
		given[name] = value
	}
	return given, unknown
}

// contradiction returns an error if settings that are each right do not go
// together.
func (s settings) contradiction() error {
	if s.issuer == "" {
		if host, _, _ := net.SplitHostPort(s.addr); !isLoopback(host) {
			return errors.New("TODO_ADDR: must be a loopback address unless TODO_ISSUER is set: the development issuer asks for no password")
		}
		if !slices.Contains(s.algorithms, verifier.RS256) {
			return errors.New("TODO_ALGORITHMS: must contain RS256 unless TODO_ISSUER is set: the development issuer signs with it")
		}
	}
	if s.issuer != "" && s.devLifetime != 0 {
		return errors.New("TODO_DEV_TOKEN_LIFETIME: is for the development issuer, and TODO_ISSUER names another")
	}
	if s.jwksMaxStale < s.jwksRefresh {
		return fmt.Errorf("TODO_JWKS_MAX_STALE: %v is shorter than TODO_JWKS_REFRESH, %v: keys would be given up before they are refreshed", s.jwksMaxStale, s.jwksRefresh)
	}
	return s.wrongAddress()
}

// wrongAddress returns an error if keys cannot be fetched from where the settings
// say.
func (s settings) wrongAddress() error {
	first, second := address{"TODO_ISSUER", s.issuer}, address{"TODO_JWKS_FAILOVER_URL", s.jwksFailover}
	if s.jwksURL != "" {
		first = address{"TODO_JWKS_URL", s.jwksURL}
	}
	for _, a := range []address{first, second} {
		if s.issuer == "" && a.url != "" {
			return fmt.Errorf("%s: is set, but TODO_ISSUER is not: keys are of no use without the issuer that tokens must name", a.name)
		}
		if a.tampered() && !s.insecureHTTP {
			return fmt.Errorf("%s: http to a host that is not loopback can be tampered with: use https, or set TODO_INSECURE_HTTP=1", a.name)
		}
	}
	if s.issuer == "" {
		return nil
	}
	// A source does no I/O, and knows what else is wrong with a URL. The snapshot is
	// for the one that will be used.
	both, log := s, slog.New(slog.DiscardHandler)
	both.jwksSnapshot = ""
	alone := both
	alone.jwksFailover = ""
	if _, err := newKeys(alone, log, nil); err != nil {
		return fmt.Errorf("%s: %w", first.name, err)
	}
	if _, err := newKeys(both, log, nil); err != nil {
		return fmt.Errorf("%s: %w", second.name, err)
	}
	return nil
}

// address is a URL and the variable that it is from.
type address struct{ name, url string }

// tampered reports whether somebody on the way could change what comes from there.
func (a address) tampered() bool {
	u, err := url.Parse(a.url)
	return err == nil && u.Scheme == "http" && !isLoopback(u.Hostname())
}

// isLoopback refuses an IPv6 zone, which no URL can be made of without escaping.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Zone() == "" && ip.Unmap().IsLoopback()
}

func parseAddr(value string, to *string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return fmt.Errorf("%.64q is not host:port", value)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("the port of %.64q is not a number from 0 to 65535", value)
	}
	*to = value
	return nil
}

// parseURL keeps the text as it is: an issuer is compared byte for byte. Its
// errors do not repeat it, for it may hold a password.
func parseURL(value string, to *string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("not an http or https URL")
	case u.User != nil:
		return errors.New("must not contain a user name or password")
	case strings.Contains(value, "#"):
		return errors.New("must not contain a fragment (#)")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("the port is not a number from 1 to 65535")
		}
	}
	*to = value
	return nil
}

// parseFile wants a file, there or not yet, in a directory that is there.
func parseFile(value string, to *string) error {
	if info, err := os.Stat(filepath.Dir(value)); err != nil || !info.IsDir() {
		return errors.New("the file's directory does not exist")
	}
	if info, err := os.Stat(value); value == "" || err == nil && !info.Mode().IsRegular() {
		return errors.New("not a file")
	}
	*to = value
	return nil
}

func parseSwitch(value string, to *bool) error {
	switch value {
	case "0":
		*to = false
	case "1":
		*to = true
	default:
		return fmt.Errorf("%.64q is neither 0 nor 1", value)
	}
	return nil
}

func parseLogFormat(value string, to *string) error {
	if value != "text" && value != "json" {
		return fmt.Errorf("%.64q is neither text nor json", value)
	}
	*to = value
	return nil
}

func parseName(value string, to *string) error {
	switch {
	case value == "":
		return errors.New("must not be empty")
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("%.64q contains white space or a character that cannot be printed", value)
	}
	*to = value
	return nil
}

func parseAlgorithms(value string, to *[]verifier.Algorithm) error {
	for name := range strings.SplitSeq(value, ",") {
		a, err := verifier.ParseAlgorithm(strings.TrimSpace(name))
		if err != nil {
			return fmt.Errorf("%.64q is not a supported algorithm; RS256, PS256, ES256 and EdDSA are some", strings.TrimSpace(name))
		}
		if slices.Contains(*to, a) {
			return fmt.Errorf("%v is listed twice", a)
		}
		*to = append(*to, a)
	}
	return nil
}

func parseDuration(value string, least, most time.Duration, to *time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("%.64q is not a duration such as 30s or 5m", value)
	}
	if d < least || d > most {
		return fmt.Errorf("%v is not between %v and %v", d, least, most)
	}
	*to = d
	return nil
}

func parseDatabase(s *settings, value string) error {
	s.databaseURL = value
	return store.CheckLocation(value)
}

// writeHelp writes what -help prints.
func writeHelp(w io.Writer) error {
	fmt.Fprint(w, "todo is a todo service that accepts bearer access tokens.\n\n"+
		"Usage: todo [-help | -healthcheck URL]\n\n-healthcheck asks for the URL, such as http://127.0.0.1:8080/readyz, and exits with 0 if the answer is 200.\n\nIt is configured by environment variables:\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range variables() {
		fmt.Fprintf(table, "  %s\t%s\t(%s)\n", v.name, v.meaning, cmp.Or(v.fallback, v.unset))
	}
	return table.Flush()
}
