package main

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// servePage serves the whole API with the page, for the issuer of the URL.
func servePage(t *testing.T, issuer string) *service {
	t.Helper()
	s := newService(t)
	settings, err := readSettings([]string{"TODO_ISSUER=" + issuer, "TODO_WEB_CLIENT_ID=a-client"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := newWebPage(settings, webScopes())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.api.routes(page.routes))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

var (
	reference = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	inline    = regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|\son[a-z]+=|\sstyle=|javascript:|data:`)
)

func TestThePageIsServedWithWhatItNeeds(t *testing.T) {
	s := servePage(t, "https://id.example.com/realms/x")
	index := s.do(t, request{method: "GET", path: "/"})
	if index.status != 200 || index.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", index.status, index.header)
	}
	if found := inline.FindString(index.body); found != "" {
		t.Errorf("the page has %q in it, which the policy refuses", found)
	}
	kinds := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	found := reference.FindAllStringSubmatch(index.body, -1)
	if len(found) != 3 {
		t.Fatalf("the page refers to %q, want a script, a style sheet and an icon", found)
	}
	for _, match := range found {
		file := s.do(t, request{method: "GET", path: match[1]})
		kind := match[1][strings.LastIndex(match[1], "."):]
		if file.status != 200 || len(file.body) == 0 || file.header.Get("Content-Type") != kinds[kind] {
			t.Errorf("%s: %d %v", match[1], file.status, file.header)
		}
		hashed := strings.HasPrefix(match[1], "/assets/")
		if got := file.header.Get("Cache-Control") == "public, max-age=31536000, immutable"; got != hashed {
			t.Errorf("%s: Cache-Control %q", match[1], file.header.Get("Cache-Control"))
		}
	}
}

func TestTheHeadersOfThePage(t *testing.T) {
	s := servePage(t, "https://id.example.com:8443/realms/x")
	for _, path := range []string{"/", "/config.json", "/icon.svg"} {
		got := s.do(t, request{method: "GET", path: path}).header
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
			"Cache-Control":                "no-cache",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
				"connect-src 'self' https://id.example.com:8443; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
				"require-trusted-types-for 'script'; trusted-types 'none'",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got.Get(name), want)
			}
		}
	}
}

// Chromium takes no address in brackets for a source, and complains about each.
func TestThePolicyDoesNotNameThePagesOwnOrigin(t *testing.T) {
	settings, err := readSettings([]string{"TODO_ISSUER=http://[::1]:8080/dev-issuer"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := newWebPage(settings, webScopes())
	if err != nil {
		t.Fatal(err)
	}
	routes := chi.NewRouter()
	page.routes(routes)
	for host, want := range map[string]string{
		"[::1]:8080":     "connect-src 'self';",
		"localhost:8080": "connect-src 'self' http://[::1]:8080;",
		"[::1]:8081":     "connect-src 'self' http://[::1]:8080;",
	} {
		r := httptest.NewRequest("GET", "http://"+host+"/", nil)
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, r)
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("at %s the policy is %q, want %q in it", host, policy, want)
		}
	}
}

// script returns the path of the page's script.
func script(t *testing.T, s *service) string {
	t.Helper()
	index := s.do(t, request{method: "GET", path: "/", header: http.Header{"Accept-Encoding": {"identity"}}})
	return regexp.MustCompile(`/assets/[^"]*\.js`).FindString(index.body)
}

func TestAPageThatIsKnownIsNotSentAgain(t *testing.T) {
	s := servePage(t, "https://id.example.com")
	for _, coding := range []string{"identity", "gzip"} {
		ask := func(known ...string) answer {
			return s.do(t, request{method: "GET", path: "/", header: http.Header{"Accept-Encoding": {coding}, "If-None-Match": known}})
		}
		tag := ask().header.Get("ETag")
		for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			again := ask(known)
			if again.status != 304 || again.body != "" || again.header.Get("Content-Security-Policy") == "" || again.header.Get("ETag") != tag || again.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s with %s known: %d %v", coding, known, again.status, again.header)
			}
		}
		for _, known := range []string{`"x"`, strings.Trim(tag, `"`), `"`} {
			if again := ask(known); again.status != 200 || again.body == "" {
				t.Errorf("%s with %s known: %d %v", coding, known, again.status, again.header)
			}
		}
	}
}

func TestThePageIsCompressed(t *testing.T) {
	s := servePage(t, "https://id.example.com")
	path := script(t, s)
	plain := s.do(t, request{method: "GET", path: path, header: http.Header{"Accept-Encoding": {"identity"}}})
	packed := s.do(t, request{method: "GET", path: path, header: http.Header{"Accept-Encoding": {"gzip"}}})
	if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body)*2 > len(plain.body) {
		t.Errorf("%s: %d bytes of %d, %v", path, len(packed.body), len(plain.body), packed.header)
	}
	r, err := gzip.NewReader(strings.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(r); err != nil || string(unpacked) != plain.body {
		t.Errorf("it unpacks to %d bytes, %v, want the %d of the other", len(unpacked), err, len(plain.body))
	}
	if plain.header.Get("ETag") == packed.header.Get("ETag") || plain.header.Get("Vary") != "Accept-Encoding" || packed.header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("a cache takes the one for the other: %v, %v", plain.header, packed.header)
	}
	for accepted, want := range map[string]string{
		"": "", "br": "", "gzip;q=0": "", "GZIP": "gzip", "br, gzip": "gzip", "gzip;q=0.5, br": "gzip", "x-gzip": "", "*": "", "gzip; q=0.0": "", "gzip;x": "",
	} {
		got := s.do(t, request{method: "GET", path: path, header: http.Header{"Accept-Encoding": {accepted}}})
		if got.header.Get("Content-Encoding") != want {
			t.Errorf("with Accept-Encoding %q the coding is %q, want %q", accepted, got.header.Get("Content-Encoding"), want)
		}
	}
}

// A part of a compressed file, under the tag of the whole, would stay in caches for good.
func TestThePageComesWhole(t *testing.T) {
	s := servePage(t, "https://id.example.com")
	path := script(t, s)
	for _, coding := range []string{"identity", "gzip"} {
		whole := s.do(t, request{method: "GET", path: path, header: http.Header{"Accept-Encoding": {coding}}})
		part := s.do(t, request{method: "GET", path: path, header: http.Header{"Accept-Encoding": {coding}, "Range": {"bytes=0-9"}, "If-Range": {whole.header.Get("ETag")}}})
		if part.status != 200 || part.body != whole.body || whole.header.Get("Accept-Ranges") != "" {
			t.Errorf("%s: a range of it is %d, %d bytes of %d, %v", coding, part.status, len(part.body), len(whole.body), part.header)
		}
		head := s.do(t, request{method: "HEAD", path: path, header: http.Header{"Accept-Encoding": {coding}}})
		head.header.Del("Date")
		whole.header.Del("Date")
		head.header.Del(requestIDHeader)
		whole.header.Del(requestIDHeader)
		if head.status != 200 || head.body != "" || !maps.EqualFunc(head.header, whole.header, slices.Equal) || whole.header.Get("Content-Length") != strconv.Itoa(len(whole.body)) {
			t.Errorf("%s: HEAD says %d %v, GET %v with %d bytes", coding, head.status, head.header, whole.header, len(whole.body))
		}
	}
}

func TestThePageShipsTheLicensesOfItsParts(t *testing.T) {
	s := servePage(t, "https://id.example.com")
	got := s.do(t, request{method: "GET", path: "/licenses.md"})
	if got.status != 200 || got.header.Get("Content-Type") != "text/markdown; charset=utf-8" || !strings.Contains(got.body, "Permission is hereby granted") {
		t.Errorf("%d %v %.200s", got.status, got.header, got.body)
	}
}

func TestWhatThePageIsToldOfTheIssuer(t *testing.T) {
	s := servePage(t, "https://id.example.com/realms/x")
	got := s.do(t, request{method: "GET", path: "/config.json"})
	want := map[string]string{"issuer": "https://id.example.com/realms/x", "client_id": "a-client", "scope": "openid profile email todos:read todos:write"}
	if config := fromJSON[map[string]string](t, got.body); got.status != 200 || !maps.Equal(config, want) {
		t.Errorf("%d %s, want %v", got.status, got.body, want)
	}
}

func TestThePageHasNoOtherPaths(t *testing.T) {
	s := servePage(t, "https://id.example.com")
	for _, path := range []string{"/index.html", "/assets", "/assets/", "/assets/index.js", "/assets/../index.html", "/web/dist/index.html", "/login", "/assets/licenses.md"} {
		if got := s.do(t, request{method: "GET", path: path}); got.status != 404 || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
	if got := s.do(t, request{method: "POST", path: "/", body: "{}"}); got.status != 405 || !slices.Equal(got.header.Values("Allow"), []string{"GET", "HEAD"}) {
		t.Errorf("POST /: %d %v", got.status, got.header)
	}
}

func TestThePageOfTheDevelopmentIssuer(t *testing.T) {
	p := startProcess(t, "TODO_DEV_TOKEN_LIFETIME=90s")
	s := &service{url: p.url(t)}
	config := fromJSON[map[string]string](t, s.do(t, request{method: "GET", path: "/config.json"}).body)
	if config["issuer"] != s.url+"/dev-issuer" || config["client_id"] != "todo-web" || !strings.HasSuffix(config["scope"], " offline_access") {
		t.Errorf("config.json says %v", config)
	}
	if index := s.do(t, request{method: "GET", path: "/"}); index.status != 200 || !strings.Contains(index.body, "<title>Todos</title>") {
		t.Errorf("%d %s", index.status, index.body)
	}
	form := "client_id=alice&client_secret=alice&grant_type=client_credentials"
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	got := s.do(t, request{method: "POST", path: "/dev-issuer/oauth/token", body: form, header: header})
	if !strings.Contains(got.body, `"expires_in":90`) && !strings.Contains(got.body, `"expires_in":89`) {
		t.Errorf("a token for 90 s: %d, %d bytes", got.status, len(got.body))
	}
}

func TestThePageIsSaidToBeThereFirst(t *testing.T) {
	if first, _, _ := strings.Cut(tour("http://127.0.0.1:8080"), "\n"); !strings.Contains(first, "http://127.0.0.1:8080/ ") {
		t.Errorf("the first line is %q", first)
	}
}

func TestThePageOfAnotherIssuerIsSaidToBeThere(t *testing.T) {
	p := startProcess(t, "TODO_ISSUER=http://127.0.0.1:1/realms/x")
	url := p.url(t)
	line, err := p.lines.ReadString('\n')
	if want := "Open " + url + "/ in a browser, and sign in at the issuer, http://127.0.0.1:1/realms/x.\n"; err != nil || line != want {
		t.Errorf("it prints %q, %v, want %q", line, err, want)
	}
	p.terminate(t)
	if rest, err := io.ReadAll(p.lines); err != nil || len(rest) > 0 {
		t.Errorf("it also prints %q, %v", rest, err)
	}
	p.stopped(t)
}

func TestNoPageIsSaidToBeWhereNobodyCouldSignIn(t *testing.T) {
	for addr, there := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:8080": true, "[::1]:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.0.2.1:8080": false, "todo.example.com:8080": false,
	} {
		s := settings{addr: addr, issuer: "https://id.example.com", logFormat: "text"}
		if said := invitation(s, "http://"+addr); strings.HasPrefix(said, "Open http://"+addr+"/ in a browser") != there || !there && said != "" {
			t.Errorf("at %s it says %q", addr, said)
		}
		s.logFormat = "json" // whoever collects the lines could not read one that is for people
		if said := invitation(s, "http://"+addr); said != "" {
			t.Errorf("with a log for programs it says %q", said)
		}
	}
}

func TestWhereThePageMayBeOpened(t *testing.T) {
	for base, want := range map[string][]string{
		"http://127.0.0.1:8080": {"http://127.0.0.1:8080/", "http://localhost:8080/"},
		"http://localhost:8080": {"http://localhost:8080/", "http://127.0.0.1:8080/"},
		"http://[::1]:8080":     {"http://[::1]:8080/"},
	} {
		if got := pagesOf(base); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", base, got, want)
		}
	}
}
