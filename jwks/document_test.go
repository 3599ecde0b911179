package jwks_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
)

// badAnswers are faults that leave an answer without a usable set.
func badAnswers(t testing.TB) map[string]issuertest.Fault {
	faults := map[string]issuertest.Fault{}
	for name, set := range badSets(t) {
		faults[name] = issuertest.Body("application/json", set)
	}
	for _, code := range []int{201, 204, 206, 301, 304, 400, 401, 403, 404, 429, 500, 502, 503} {
		faults[fmt.Sprint("status ", code)] = func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
			w.Header().Set("X-Note", marker)
			w.WriteHeader(code)
			if code >= 300 && code != http.StatusNotModified {
				_, _ = io.WriteString(w, marker)
			}
		}
	}
	faults["oversize without a length"] = issuertest.Oversize(mib + 1)
	faults["a body that breaks off"] = func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, marker)
	}
	faults["a connection that is closed"] = func(http.ResponseWriter, *http.Request, http.Handler) {
		panic(http.ErrAbortHandler)
	}
	faults["a header of 1 MiB"] = func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		for i := range 300 {
			w.Header().Set(fmt.Sprint("X-", marker, "-", i), strings.Repeat("x", 40_000))
		}
		healthy.ServeHTTP(w, r)
	}
	return faults
}

func TestR73BadAnswerKeepsTheOldSetAndTellsNothingOfItself(t *testing.T) {
	for name, fault := range badAnswers(t) {
		t.Run(name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.warm()
				s.after(5 * time.Minute)
				old := s.kid()
				s.idp.KeySet().Break(fault)
				s.idp.Rotate()
				if name == "a connection that is closed" {
					s.ask(old) // net/http tries a connection that it used before twice
					synctest.Wait()
				} else {
					s.expect(old, found, 1, 0)
				}
				s.expect(old, found, 0, 0)
				s.after(time.Second)
				s.expect("a", unavailable, 1, 0)
				s.expect(s.kid(), unavailable, 0, 0)
				status := s.keys.Status()
				if status.Failures != 2 || status.LastError == "" || len(status.Keys) != 1 {
					s.Errorf("status %+v, want two failures, why, and the old key", status)
				}
				if told := s.log.String() + status.LastError; strings.Contains(told, marker) || len(told) > 2000 {
					s.Errorf("told: %.3000s", told)
				}
				s.idp.Repair()
				s.after(5 * time.Second)
				s.expect(s.kid(), found, 1, 0)
			})
		})
	}
}

func TestR73BadAnswerLeavesAColdSourceUnavailable(t *testing.T) {
	for name, fault := range badAnswers(t) {
		t.Run(name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.idp.KeySet().Break(fault)
				s.expect(s.kid(), unavailable, 1, 0)
				err := s.keys.Ready()
				if err == nil || strings.Contains(err.Error(), marker) {
					s.Errorf("Ready: %v", err)
				}
			})
		})
	}
}

func TestAnswerThatTricklesEndsWithTheTimeout(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
			panic(http.ErrAbortHandler) // to return would end the answer well, just as the client gives up
		})
		s.expect(s.kid(), unavailable, 1, 5*time.Second)
		if got := s.keys.Status().LastError; !strings.Contains(got, "broke off") {
			s.Errorf("last error %q", got)
		}
	})
}

func TestR77AnswerOfExactlyOneMiBIsAccepted(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(issuertest.Oversize(mib))
		s.expect(s.kid(), found, 1, 0)
	})
}

func TestContentTypeIsOfNoConcern(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("Content-Type", "text/html")
		s.expect(s.kid(), found, 1, 0)
	})
}

func TestFetchIsUnconditional(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.idp.KeySet().SetHeader("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		s.warm()
		s.expect("a", unknown, 1, 0)
		h := s.idp.KeySet().LastRequest()
		if h.Get("Cache-Control") != "no-cache" || h.Get("If-None-Match") != "" || h.Get("If-Modified-Since") != "" {
			s.Errorf("asked with %v", h)
		}
	})
}

func TestR77RedirectsWithinTheOriginAreFollowedThreeTimes(t *testing.T) {
	for count, want := range map[int]answer{1: found, 3: found, 4: unavailable, 50: unavailable} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.idp.KeySet().BreakNext(count, issuertest.RedirectTo(s.idp.KeySet().URL()))
				if got := s.ask(s.kid()); got != want {
					s.Errorf("got %s, want %s", got, want)
				}
				if n := s.fetches(); n > 4 {
					s.Errorf("%d requests, want at most 4", n)
				}
			})
		})
	}
}

func TestR77RedirectToAnotherOriginIsRefused(t *testing.T) {
	for name, target := range map[string]func(s *source) string{
		"another host":   func(s *source) string { return "https://" + marker + ".example.com/keys" },
		"another scheme": func(s *source) string { return strings.Replace(s.idp.KeySet().URL(), "https", "http", 1) },
		"another port":   func(s *source) string { return strings.Replace(s.idp.KeySet().URL(), ".com", ".com:8443", 1) },
		"another scheme at the port": func(s *source) string {
			return strings.Replace(strings.Replace(s.idp.KeySet().URL(), "https", "http", 1), ".com", ".com:443", 1)
		},
		"this machine": func(s *source) string { return "http://127.0.0.1/latest/" + marker },
		"a file":       func(s *source) string { return "file:///etc/" + marker },
		"no URL":       func(s *source) string { return "https://[" + marker },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.idp.KeySet().BreakNext(1, issuertest.RedirectTo(target(s)))
				s.expect(s.kid(), unavailable, 1, 0)
				if told := s.log.String() + s.keys.Status().LastError; strings.Contains(told, marker) || strings.Contains(told, strings.ToLower(marker)) {
					s.Errorf("told: %s", told)
				}
			})
		})
	}
}

func TestR77SameOriginMayBeSpelledOtherwise(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		url := strings.Replace(s.idp.KeySet().URL(), ".example.com", ".EXAMPLE.com:443", 1)
		s.idp.KeySet().BreakNext(1, issuertest.RedirectTo(url))
		s.expect(s.kid(), found, 2, 0)
	})
}

func TestR71CertificateMustBeGood(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(setOf(t, jwkOf(t, "p-256", nil)))
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	defer server.Close()
	keys, err := jwks.NewRemote(server.URL, &jwks.Options{Logger: discard()})
	if err != nil {
		t.Fatal(err)
	}
	err = keys.Warm(t.Context())
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want the certificate refused", err)
	}
}

// Whoever answers at the issuer's address, without a certificate that anybody trusts,
// must not choose what our errors say, nor how long they are.
func TestR73NamesInACertificateThatNobodyTrustsDoNotWriteOurErrors(t *testing.T) {
	for name, names := range map[string][]string{
		"a line":              {"x\nlevel=ERROR msg=forged"},
		"an escape":           {"x\x1b[2J"},
		"many bytes":          {strings.Repeat("a", 200_000)},
		"many bytes to mask":  {strings.Repeat("\x01", 200_000)},
		"bytes that shift":    {"a", strings.Repeat("\x01", 300)},
		"bytes that shift on": {"aa", strings.Repeat("\x01", 300)},
	} {
		t.Run(name, func(t *testing.T) {
			log := &logbook{}
			keys, err := jwks.NewRemote(impostor(t, names...), &jwks.Options{Logger: log.logger()})
			if err != nil {
				t.Fatal(err)
			}
			err = keys.Warm(t.Context())
			if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("got %v, want the certificate refused", err)
			}
			for where, text := range map[string]string{
				"the error": err.Error(), "Status": keys.Status().LastError, "Ready": keys.Ready().Error(), "the log": strings.TrimSuffix(log.String(), "\n"),
			} {
				if len(text) > 512 {
					t.Errorf("%s has %d bytes", where, len(text))
				}
				if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(text) {
					t.Errorf("%s is %q", where, text)
				}
			}
		})
	}
}

// impostor is a server on this machine whose certificate nobody signed, and has the
// names. It returns its URL.
func impostor(t *testing.T, names ...string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

func TestR77CompressedAnswerIsMeasuredUnpacked(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Error("the client does not unpack by itself")
			}
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			_, _ = packed.Write(s.idp.KeySet().Content())
			_, _ = packed.Write(bytes.Repeat([]byte(" "), mib))
			_ = packed.Close()
		})
		s.expect(s.kid(), unavailable, 1, 0)
		if got := s.keys.Status().LastError; !strings.Contains(got, "longer than 1048576") {
			s.Errorf("last error %q", got)
		}
	})
}

func TestR77ClientsOwnRedirectPolicyIsNotUsed(t *testing.T) {
	asked := 0
	client := func(s *source) *http.Client {
		c := *s.idp.Client()
		c.CheckRedirect = func(*http.Request, []*http.Request) error {
			asked++
			return nil
		}
		return &c
	}
	bubble(t, jwks.Options{}, func(s *source) {
		c := client(s)
		keys, err := jwks.NewRemote(s.idp.KeySet().URL(), &jwks.Options{Client: c, Logger: discard()})
		s.use(keys, err)
		s.idp.KeySet().BreakNext(1, issuertest.RedirectTo("https://other.example.com/keys"))
		s.expect(s.kid(), unavailable, 1, 0)
		if asked != 0 || c.CheckRedirect == nil {
			s.Error("the client's policy was asked, or the client was changed")
		}
	})
}

// A peer that speaks no HTTP must not find its words in our log.
func TestR73WordsOfAPeerThatSpeaksNoHTTPAreNotTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	answers := []string{
		marker + "\r\n",
		"HTTP/1.1 " + marker + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + marker + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + marker + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + marker + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + marker + "\r\n",
		"HTTP/" + marker + " 200 OK\r\n\r\n",
	}
	go func() {
		for _, answer := range answers {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadAtLeast(connection, make([]byte, 4096), 16)
			_, _ = io.WriteString(connection, answer)
			connection.Close()
		}
	}()
	for _, answer := range answers {
		log := &logbook{}
		keys, err := jwks.NewRemote("http://"+listener.Addr().String(), &jwks.Options{Logger: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		if err = keys.Warm(t.Context()); err == nil || strings.Contains(err.Error()+log.String(), marker) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestR77DefaultClientRefusesALongHeader(t *testing.T) {
	size := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", size))
		_, _ = w.Write(setOf(t, jwkOf(t, "p-256", nil)))
	}))
	defer server.Close()
	for _, size = range []int{32 << 10, 65 << 10} {
		keys, err := jwks.NewRemote(server.URL, &jwks.Options{Logger: discard()})
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Warm(t.Context()); (err == nil) != (size == 32<<10) {
			t.Errorf("with a header of %d bytes: %v", size, err)
		}
	}
}

func TestR71AddressMustBeHTTPSOrThisMachine(t *testing.T) {
	for url, want := range map[string]bool{
		"https://id.example.com/keys":            true,
		"https://id.example.com":                 true,
		"https://id.example.com:8443/keys?a=b":   true,
		"HTTPS://id.example.com/keys":            true,
		"http://127.0.0.1:8080/keys":             true,
		"http://127.9.9.9/keys":                  true,
		"http://[::1]:8080/keys":                 true,
		"http://localhost/keys":                  true,
		"http://LOCALHOST:8080/keys":             true,
		"http://id.example.com/keys":             false,
		"http://10.0.0.1/keys":                   false,
		"http://0.0.0.0/keys":                    false,
		"http://localhost.example.com/keys":      false,
		"http://127.0.0.1.example.com/keys":      false,
		"http://127.1/keys":                      false,
		"http://2130706433/keys":                 false,
		"http:///keys":                           false,
		"http://:8080/keys":                      false,
		"https://":                               false,
		"https:///keys":                          false,
		"https://:443/keys":                      false,
		"https:id.example.com/keys":              false,
		"":                                       false,
		"/keys":                                  false,
		"//id.example.com/keys":                  false,
		"id.example.com/keys":                    false,
		"ftp://id.example.com/keys":              false,
		"file:///etc/passwd":                     false,
		"https://user:secret@id.example.com/":    false,
		"https://id.example.com/keys#fragment":   false,
		"https://id.example.com/%zz":             false,
		"https://id.example.com/\x00":            false,
		"http://user@localhost/keys":             false,
		"https://id.example.com:notaport/keys":   false,
		"https://id.example.com\\@evil.com/keys": false,
	} {
		if _, err := jwks.NewRemote(url, nil); (err == nil) != want {
			t.Errorf("NewRemote(%q): %v", url, err)
		}
	}
}

func TestR71PlainHTTPElsewhereNeedsALoudOption(t *testing.T) {
	loud := &jwks.Options{InsecureAllowHTTP: true}
	for url, want := range map[string]bool{
		"http://keycloak:8080/keys": true, "http://10.0.0.1/keys": true, "ftp://keycloak/keys": false, "http://user@keycloak/": false,
	} {
		if _, err := jwks.NewRemote(url, loud); (err == nil) != want {
			t.Errorf("NewRemote(%q) with InsecureAllowHTTP: %v", url, err)
		}
		if _, err := jwks.NewRemote(url, nil); err == nil {
			t.Errorf("NewRemote(%q) without it is accepted", url)
		}
	}
	if _, err := jwks.Discover("http://keycloak:8080/realms/a", nil); err == nil {
		t.Error("Discover accepts http without it")
	}
	if _, err := jwks.Discover("http://keycloak:8080/realms/a", loud); err != nil {
		t.Errorf("Discover with it: %v", err)
	}
}

func TestErrorOfAURLDoesNotTellItsPassword(t *testing.T) {
	_, err := jwks.NewRemote("https://user:"+marker+"@id.example.com/", nil)
	if err == nil || strings.Contains(err.Error(), marker) {
		t.Errorf("got %v", err)
	}
	_, err = jwks.Discover("https://user:"+marker+"@id.example.com/", nil)
	if err == nil || strings.Contains(err.Error(), marker) {
		t.Errorf("got %v", err)
	}
}

func TestWhyThereIsNoConnectionIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	keys, err := jwks.NewRemote("http://"+listener.Addr().String(), &jwks.Options{Logger: discard()})
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Warm(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}
