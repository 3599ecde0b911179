package jwks_test

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
)

// metadata is a discovery document.
func metadata(t testing.TB, issuer, keys string) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]string{"issuer": issuer, "jwks_uri": keys}, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestR69DiscoveryFindsTheKeysOfThisVeryIssuer(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		if n := s.idp.Discovery().Fetches(); n != 0 {
			s.Errorf("Discover made %d fetches", n)
		}
		s.expect(s.kid(), found, 1, 0)
		if s.keys.Issuer() != s.idp.URL() || s.keys.Status().URL != s.idp.KeySet().URL() {
			s.Errorf("status %+v", s.keys.Status())
		}
		if d, m := s.idp.Discovery().Fetches(), s.idp.Metadata().Fetches(); d != 1 || m != 0 {
			s.Errorf("%d and %d fetches of metadata, want one of OpenID's", d, m)
		}
	})
}

func TestR69MetadataOfAnotherIssuerIsUnusable(t *testing.T) {
	for name, change := range map[string]func(url string) string{
		"another":           func(string) string { return "https://evil.example.com" },
		"a slash more":      func(url string) string { return url + "/" },
		"another case":      strings.ToUpper,
		"another scheme":    func(url string) string { return "http" + strings.TrimPrefix(url, "https") },
		"a port that is it": func(url string) string { return url + ":443" },
		"a prefix":          func(url string) string { return url[:len(url)-1] },
		"empty":             func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			discovering(t, jwks.Options{}, func(s *source) {
				s.idp.Discovery().SetContent(metadata(s, change(s.idp.URL()), s.idp.KeySet().URL()))
				s.expect(s.kid(), unavailable, 0, 0)
				if got := s.keys.Status().LastError; !strings.Contains(got, "discovery: ") {
					s.Errorf("last error %q", got)
				}
				if n := s.idp.Metadata().Fetches(); n != 0 {
					s.Error("RFC 8414's place was tried without a 404")
				}
			})
		})
	}
}

func TestR73BadMetadataIsUnusableAndTellsNothingOfItself(t *testing.T) {
	long := strings.Repeat("x", mib)
	for name, content := range map[string]func(issuer, keys string) string{
		"empty":       func(string, string) string { return "" },
		"HTML":        func(string, string) string { return "<html>" + marker },
		"a list":      func(string, string) string { return `["` + marker + `"]` },
		"null":        func(string, string) string { return "null" },
		"no issuer":   func(_, k string) string { return `{"jwks_uri":"` + k + `"}` },
		"no jwks_uri": func(i, _ string) string { return `{"issuer":"` + i + `"}` },
		"jwks_uri twice": func(i, k string) string {
			return `{"issuer":"` + i + `","jwks_uri":"` + k + `","jwks_uri":"` + k + `"}`
		},
		"jwks_uri in capitals":  func(i, k string) string { return `{"issuer":"` + i + `","JWKS_URI":"` + k + `"}` },
		"a jwks_uri as a list":  func(i, k string) string { return `{"issuer":"` + i + `","jwks_uri":["` + k + `"]}` },
		"a relative jwks_uri":   func(i, _ string) string { return `{"issuer":"` + i + `","jwks_uri":"/` + marker + `"}` },
		"a file":                func(i, _ string) string { return `{"issuer":"` + i + `","jwks_uri":"file:///` + marker + `"}` },
		"a password":            func(i, _ string) string { return `{"issuer":"` + i + `","jwks_uri":"https://a:` + marker + `@b/"}` },
		"trailing data":         func(i, k string) string { return `{"issuer":"` + i + `","jwks_uri":"` + k + `"}` + marker },
		"over 1 MiB":            func(i, k string) string { return `{"issuer":"` + i + `","jwks_uri":"` + k + `","x":"` + long + `"}` },
		"R71 http to a host":    func(i, _ string) string { return `{"issuer":"` + i + `","jwks_uri":"http://` + marker + `/"}` },
		"R71 http to ourselves": func(i, _ string) string { return `{"issuer":"` + i + `","jwks_uri":"http://127.0.0.1/` + marker + `"}` },
	} {
		t.Run(name, func(t *testing.T) {
			discovering(t, jwks.Options{}, func(s *source) {
				s.idp.Discovery().SetContent([]byte(content(s.idp.URL(), s.idp.KeySet().URL())))
				s.expect(s.kid(), unavailable, 0, 0)
				if told := s.log.String() + s.keys.Status().LastError + s.keys.Ready().Error(); strings.Contains(told, marker) {
					s.Errorf("told: %s", told)
				}
				s.idp.Discovery().SetContent(nil)
				s.after(5 * time.Second)
				s.expect(s.kid(), found, 1, 0)
			})
		})
	}
}

func TestR69IssuerThatIsToldIsQuotedAndCut(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.idp.Discovery().SetContent(metadata(s, "\n"+strings.Repeat("x", 10_000), s.idp.KeySet().URL()))
		s.expect(s.kid(), unavailable, 0, 0)
		if got := s.keys.Status().LastError; len(got) > 200 || strings.Contains(got, "\n") {
			s.Errorf("last error %q", got)
		}
	})
}

// place records where metadata is asked for.
type place struct{ asked []string }

func (p *place) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked = append(p.asked, r.URL.String())
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Request: r}, nil
}

func TestR70MetadataIsAskedForAfterThePathAndThenBeforeIt(t *testing.T) {
	for issuer, want := range map[string][2]string{
		"https://a.example": {
			"https://a.example/.well-known/openid-configuration",
			"https://a.example/.well-known/oauth-authorization-server",
		},
		"https://a.example/": {
			"https://a.example/.well-known/openid-configuration",
			"https://a.example/.well-known/oauth-authorization-server",
		},
		"https://a.example:8443/realms/b": {
			"https://a.example:8443/realms/b/.well-known/openid-configuration",
			"https://a.example:8443/.well-known/oauth-authorization-server/realms/b",
		},
		"https://a.example/realms/b/": {
			"https://a.example/realms/b/.well-known/openid-configuration",
			"https://a.example/.well-known/oauth-authorization-server/realms/b",
		},
		"https://a.example/realms/my%20realm": {
			"https://a.example/realms/my%20realm/.well-known/openid-configuration",
			"https://a.example/.well-known/oauth-authorization-server/realms/my%20realm",
		},
		"https://a.example/realms/b%2Fc": {
			"https://a.example/realms/b%2Fc/.well-known/openid-configuration",
			"https://a.example/.well-known/oauth-authorization-server/realms/b%2Fc",
		},
		"https://a.example/b%2F": {
			"https://a.example/b%2F/.well-known/openid-configuration",
			"https://a.example/.well-known/oauth-authorization-server/b%2F",
		},
	} {
		p := &place{}
		keys, err := jwks.Discover(issuer, &jwks.Options{Client: &http.Client{Transport: p}, Logger: discard()})
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Warm(t.Context()); err == nil {
			t.Error("an issuer without metadata is warm")
		}
		if len(p.asked) != 2 || p.asked[0] != want[0] || p.asked[1] != want[1] {
			t.Errorf("issuer %s: asked for %q, want %q", issuer, p.asked, want)
		}
	}
}

func TestR70SecondPlaceIsTriedAfterA404Alone(t *testing.T) {
	for code, want := range map[int]answer{404: found, 400: unavailable, 401: unavailable, 403: unavailable, 410: unavailable, 500: unavailable, 204: unavailable} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			discovering(t, jwks.Options{}, func(s *source) {
				s.idp.Discovery().Break(issuertest.Status(code))
				if got := s.ask(s.kid()); got != want {
					s.Errorf("got %s, want %s", got, want)
				}
				if tried := s.idp.Metadata().Fetches() == 1; tried != (code == 404) {
					s.Errorf("second place tried: %v", tried)
				}
			})
		})
	}
}

func TestR69SecondPlaceMustNameTheIssuerToo(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.idp.Discovery().Break(issuertest.Status(404))
		s.idp.Metadata().SetContent(metadata(s, "https://evil.example.com", s.idp.KeySet().URL()))
		s.expect(s.kid(), unavailable, 0, 0)
	})
}

func TestMetadataIsReadAgainHourly(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		start := time.Now()
		s.warm()
		for time.Since(start) < 2*time.Hour+4*time.Minute {
			s.after(time.Minute)
			s.ask(s.kid())
		}
		synctest.Wait()
		if n := s.idp.Discovery().Fetches(); n != 3 {
			s.Errorf("%d fetches of metadata in two hours, want 3", n)
		}
		if n := s.fetches(); n < 24 {
			s.Errorf("%d fetches of keys in two hours", n)
		}
	})
}

func TestMetadataIsReadAgainAfterAFailureAndForAnUnknownKid(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		metadata := func() int { return s.idp.Discovery().Fetches() }
		s.warm()
		s.after(5 * time.Minute)
		s.expect(s.kid(), found, 1, 0)
		if metadata() != 1 {
			s.Fatal("a scheduled refresh read it")
		}
		s.after(5 * time.Minute)
		s.idp.KeySet().BreakNext(1, issuertest.Status(500))
		s.expect(s.kid(), found, 1, 0) // fails
		s.after(time.Second)
		s.expect(s.kid(), found, 1, 0)
		if metadata() != 2 {
			s.Errorf("%d fetches, want one more after the failure", metadata())
		}
		s.expect("a", unknown, 1, 0)
		if metadata() != 3 {
			s.Errorf("%d fetches, want one more for the unknown kid", metadata())
		}
	})
}

func TestKeysThatMovedAreFoundForAnUnknownKid(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.warm()
		next := s.idp.Rotate()
		// The old place goes on with the old keys; the new one has the new.
		moved := s.idp.Metadata()
		moved.SetContent(s.idp.KeySet().Content())
		s.idp.Withdraw(next)
		s.idp.Discovery().SetContent(metadata(s, s.idp.URL(), moved.URL()))
		s.expect(next.ID(), found, 0, 0)
		if got := s.keys.Status().URL; got != moved.URL() {
			s.Errorf("URL %s, want %s", got, moved.URL())
		}
	})
}

func TestFailedDiscoveryKeepsTheLastURL(t *testing.T) {
	for name, fault := range map[string]issuertest.Fault{
		"failing": issuertest.Status(500),
		"gone":    issuertest.Status(404),
		"garbage": issuertest.Body("text/html", marker),
		"foreign": issuertest.Body("application/json", `{"issuer":"https://evil.example.com","jwks_uri":"https://evil.example.com/keys"}`),
	} {
		t.Run(name, func(t *testing.T) {
			discovering(t, jwks.Options{}, func(s *source) {
				s.warm()
				s.idp.Discovery().Break(fault)
				s.idp.Metadata().Break(fault)
				s.expect(s.idp.Rotate().ID(), found, 1, 0)
				lines := s.log.lines("discovery failed, the last address is used")
				if len(lines) != 1 || strings.Contains(lines[0], marker) {
					s.Errorf("logged %q", lines)
				}
				if s.keys.Status().Failures != 0 {
					s.Error("the fetch counts as failed")
				}
			})
		})
	}
}

func TestHangingDiscoveryLeavesTimeForTheKeys(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.Discovery().Break(issuertest.Hang())
		s.expect(s.idp.Rotate().ID(), found, 1, 2500*time.Millisecond)
	})
}

func TestTimeoutIncludesDiscovery(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.idp.Discovery().Break(slow(3 * time.Second))
		s.idp.KeySet().Break(slow(3 * time.Second))
		s.expect(s.kid(), unavailable, 1, 5*time.Second)
	})
}

func TestProvidersRetryAfterCountsForDiscoveryToo(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		s.idp.Discovery().SetHeader("Retry-After", "4")
		s.idp.Discovery().Break(issuertest.Status(503))
		if got := s.retryAfter(s.kid()); got != 4*time.Second {
			s.Errorf("Retry-After %v", got)
		}
	})
}

func TestIssuersURLIsCheckedAtTheStart(t *testing.T) {
	for _, issuer := range []string{"", "a", "https://", "http://id.example.com", "https://a.example/?q=1", "https://a.example?", "https://a.example/#f", "ftp://a.example"} {
		if _, err := jwks.Discover(issuer, nil); err == nil || !strings.HasPrefix(err.Error(), "jwks: ") {
			t.Errorf("Discover(%q): %v", issuer, err)
		}
	}
}

func TestLoopbackIssuerMayHaveItsKeysInPlainHTTP(t *testing.T) {
	if _, err := jwks.ReadMetadata("http://127.0.0.1:1", metadata(t, "http://127.0.0.1:1", "http://localhost:1/keys")); err != nil {
		t.Error(err)
	}
	if _, err := jwks.ReadMetadata("http://127.0.0.1:1", metadata(t, "http://127.0.0.1:1", "http://id.example.com/keys")); err == nil {
		t.Error("plain http to another host is accepted")
	}
}
