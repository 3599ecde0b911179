package chiauth_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/bearerproof/bearerproof/adapters/chiauth"
	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

func wantOpen(t *testing.T, r chi.Router, want ...string) {
	t.Helper()
	open, err := chiauth.OpenRoutes(r)
	if err != nil {
		t.Error(err)
	}
	if !slices.Equal(open, want) {
		t.Errorf("open routes\n%s\nwant\n%s", strings.Join(open, "\n"), strings.Join(want, "\n"))
	}
}

// Each row mounts routes with auth.Require in some way; what it leaves out is open.
func TestOpenRoutesFindsWhatIsOutside(t *testing.T) {
	for _, tt := range []struct {
		name  string
		mount func(r chi.Router, auth *httpauth.Auth)
		want  []string
	}{
		{"nothing mounted", func(chi.Router, *httpauth.Auth) {}, nil},
		{"all in a group", func(r chi.Router, auth *httpauth.Auth) {
			chiauth.Group(r, auth, func(r chi.Router) { r.Get("/a", ok); r.Post("/a", ok); r.Get("/b/{id}", ok) })
		}, nil},
		{"beside the group", func(r chi.Router, auth *httpauth.Auth) {
			r.Get("/z", ok)
			chiauth.Group(r, auth, func(r chi.Router) { r.Get("/a", ok) })
			r.Get("/b", ok)
		}, []string{"GET /b", "GET /z"}},
		{"one method of two", func(r chi.Router, auth *httpauth.Auth) {
			r.With(auth.Require()).Get("/a", ok)
			r.Post("/a", ok)
		}, []string{"POST /a"}},
		{"Use", func(r chi.Router, auth *httpauth.Auth) { r.Use(auth.Require()); r.Get("/a", ok) }, nil},
		{"HandlerFunc", func(r chi.Router, auth *httpauth.Auth) {
			r.Method(http.MethodGet, "/a", auth.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *verifier.Token) { ok(w, r) }))
		}, nil},
		{"Optional", func(r chi.Router, auth *httpauth.Auth) {
			r.With(auth.Optional).Get("/a", ok)
		}, []string{"GET /a"}},
		{"every method", func(r chi.Router, _ *httpauth.Auth) {
			r.HandleFunc("/a", ok)
		}, []string{"CONNECT /a", "DELETE /a", "GET /a", "HEAD /a", "OPTIONS /a", "PATCH /a", "POST /a", "PUT /a", "QUERY /a", "TRACE /a"}},
		{"parameters", func(r chi.Router, _ *httpauth.Auth) {
			r.Get("/a/{id}", ok)
			r.Get("/a/{id}/b/{name}.json", ok)
			r.Get("/a/{from}-{to}/c", ok)
		}, []string{"GET /a/{from}-{to}/c", "GET /a/{id}", "GET /a/{id}/b/{name}.json"}},
		{"expressions", func(r chi.Router, _ *httpauth.Auth) {
			r.Get("/n/{id:[0-9]+}", ok)
			r.Get(`/d/{day:\d{4}-\d{2}-\d{2}}`, ok)
			r.Get("/u/{id:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}}/x", ok)
			r.Get("/o/{kind:(red|green|blue)}", ok)
			r.Get("/i/{kind:(?i)abc}", ok)
			r.Get("/s/{slug:^[a-z0-9]+(?:-[a-z0-9]+)*$}", ok)
			r.Get("/w/{w:.+}", ok)
			r.Get(`/e/{w:[^a-zA-Z0-9]\S{2,}}`, ok)
			r.Get("/t/{w:[ก-ฮ]+}", ok)
		}, []string{
			`GET /d/{day:\d{4}-\d{2}-\d{2}}`, `GET /e/{w:[^a-zA-Z0-9]\S{2,}}`, "GET /i/{kind:(?i)abc}", "GET /n/{id:[0-9]+}",
			"GET /o/{kind:(red|green|blue)}", "GET /s/{slug:^[a-z0-9]+(?:-[a-z0-9]+)*$}", "GET /t/{w:[ก-ฮ]+}",
			"GET /u/{id:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}}/x", "GET /w/{w:.+}",
		}},
		{"an open route behind a protected one of the same shape", func(r chi.Router, auth *httpauth.Auth) {
			chiauth.Group(r, auth, func(r chi.Router) { r.Get("/a/1", ok); r.Get("/a/{id:[0-9]+}", ok); r.Get("/a/{id:[b-z].*}", ok) })
			r.Get("/a/{name}", ok)
		}, []string{"GET /a/{name}"}},
		{"wildcards", func(r chi.Router, auth *httpauth.Auth) {
			r.Get("/files/*", ok)
			r.Get("/users/{id}/*", ok)
			chiauth.Group(r, auth, func(r chi.Router) { r.Get("/private/*", ok); r.Get("/files/1", ok) })
		}, []string{"GET /files/*", "GET /users/{id}/*"}},
		{"routers in routers", func(r chi.Router, auth *httpauth.Auth) {
			r.Route("/v1", func(r chi.Router) {
				r.Get("/", ok)
				r.Route("/{tenant}", func(r chi.Router) {
					chiauth.Group(r, auth, func(r chi.Router) { r.Get("/private", ok) })
					r.Get("/todos/{id}", ok)
				})
			})
		}, []string{"GET /v1/", "GET /v1/{tenant}/todos/{id}"}},
		{"routers at the root of routers", func(r chi.Router, auth *httpauth.Auth) {
			r.Route("/", func(r chi.Router) {
				r.Route("/", func(r chi.Router) {
					r.Get("/x", ok)
					chiauth.Group(r, auth, func(r chi.Router) { r.Get("/y", ok) })
				})
			})
		}, []string{"GET /x"}},
		{"a router mounted with a middleware", func(r chi.Router, auth *httpauth.Auth) {
			sub := chi.NewRouter()
			sub.Get("/x", ok)
			r.With(auth.Require()).Mount("/closed", sub)
			r.Mount("/open", sub)
		}, []string{"GET /open/x"}},
		{"a mounted handler that is not a router", func(r chi.Router, auth *httpauth.Auth) {
			r.Mount("/closed", auth.Require()(http.HandlerFunc(ok)))
			r.Method(http.MethodGet, "/open/*", http.FileServer(http.Dir(t.TempDir())))
		}, []string{"GET /open/*"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			auth, _ := authAndIssuer(t)
			r := chi.NewRouter()
			tt.mount(r, auth)
			wantOpen(t, r, tt.want...)
		})
	}
}

// Only 401 with a Bearer challenge is a demand for a token.
func TestOpenRoutesJudgesAnswers(t *testing.T) {
	refuse := func(status int, challenges ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, challenge := range challenges {
				w.Header().Add("WWW-Authenticate", challenge)
			}
			w.WriteHeader(status)
		}
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		open    bool
	}{
		{"401 with a challenge", refuse(401, `Bearer realm="api"`), false},
		{"401 with a bare challenge", refuse(401, "bearer"), false},
		{"401 with two challenges", refuse(401, "Basic", "Bearer"), false},
		{"103, then 401 with a challenge", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			refuse(401, "Bearer")(w, r)
		}, false},
		{"401 without a challenge", refuse(401), true},
		{"401 with another scheme", refuse(401, `Basic realm="Bearer"`), true},
		{"401 with a scheme that starts like ours", refuse(401, "Bearerish"), true},
		{"a challenge with 400", refuse(400, "Bearer"), true},
		{"a challenge with 403", refuse(403, "Bearer"), true},
		{"404", refuse(404), true},
		{"500", refuse(500), true},
		{"nothing at all", func(http.ResponseWriter, *http.Request) {}, true},
		{"a body and then 401", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "secret")
			refuse(401, "Bearer")(w, r)
		}, true},
		{"a flush and then 401", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			refuse(401, "Bearer")(w, r)
		}, true},
		{"a panic", func(http.ResponseWriter, *http.Request) { panic("no token in the context") }, true},
		{"401 and then a panic", func(w http.ResponseWriter, r *http.Request) {
			refuse(401, "Bearer")(w, r)
			panic(http.ErrAbortHandler)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := chi.NewRouter()
			r.Get("/x", tt.handler)
			if tt.open {
				wantOpen(t, r, "GET /x")
				return
			}
			wantOpen(t, r)
		})
	}
}

func TestOpenRoutesSendsNoCredentialsAndAnEmptyBody(t *testing.T) {
	r := chi.NewRouter()
	done := false
	r.Post("/todos/{id}", func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || len(body) > 0 {
			t.Errorf("body %q, %v", body, err)
		}
		if len(r.Header) > 0 || r.URL.RawQuery != "" {
			t.Errorf("header %v, query %q", r.Header, r.URL.RawQuery)
		}
		if r.Host == "" || r.RemoteAddr == "" || r.RequestURI != r.URL.Path || chi.URLParam(r, "id") == "" {
			t.Errorf("not a request of a server: %+v", r)
		}
		done = true
	})
	wantOpen(t, r, "POST /todos/{id}")
	if !done {
		t.Error("the handler panicked")
	}
}

func TestOpenRoutesEndsTheContextOfAnOpenHandler(t *testing.T) {
	r := chi.NewRouter()
	r.Get("/events", func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			t.Error("the context ended before the answer began")
		}
		w.WriteHeader(http.StatusOK)
		<-r.Context().Done()
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		wantOpen(t, r, "GET /events")
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v for a handler that had answered", took)
		}
	})
}

func TestOpenRoutesDoesNotHang(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait func(r *http.Request, end <-chan struct{})
		want time.Duration
	}{
		{"the handler heeds its context", func(r *http.Request, _ <-chan struct{}) { <-r.Context().Done() }, time.Second},
		{"the handler heeds nothing", func(_ *http.Request, end <-chan struct{}) { <-end }, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				defer close(end)
				r := chi.NewRouter()
				r.Get("/hung", func(w http.ResponseWriter, r *http.Request) {
					tt.wait(r, end)
					w.Header().Set("WWW-Authenticate", "Basic")
				})
				start := time.Now()
				wantOpen(t, r, "GET /hung")
				if took := time.Since(start); took != tt.want {
					t.Errorf("took %v, want %v", took, tt.want)
				}
			})
		})
	}
}

// A handler that asks for a token and then hangs is not one of ours.
func TestOpenRoutesReportsA401ThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		r := chi.NewRouter()
		r.Get("/hung", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			<-end
		})
		wantOpen(t, r, "GET /hung")
	})
}

// What cannot be asked is an error, and does not hide what can.
func TestOpenRoutesNamesRoutesItCannotAsk(t *testing.T) {
	for _, tt := range []struct {
		name, fault string
		mount       func(r chi.Router)
	}{
		{"an expression that nothing matches", `GET /x/{id:a\bb}`, func(r chi.Router) { r.Get(`/x/{id:a\bb}`, ok) }},
		{"an expression with a slash", "GET /x/{id:a/b}", func(r chi.Router) { r.Get("/x/{id:a/b}", ok) }},
		{"a route that another one hides", "GET /x/{n:[0-9]+}", func(r chi.Router) {
			r.Get("/x/{n:[0-9]{1,}}", ok)
			r.Get("/x/{n:[0-9]+}", ok)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			auth, _ := authAndIssuer(t)
			r := chi.NewRouter()
			tt.mount(r)
			r.Get("/open", ok)
			r.With(auth.Require()).Get("/closed", ok)
			open, err := chiauth.OpenRoutes(r)
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("error %v, want one that names %s", err, tt.fault)
			}
			if !slices.Contains(open, "GET /open") || slices.Contains(open, "GET /closed") {
				t.Errorf("open routes %q", open)
			}
		})
	}
}

func TestOpenRoutesRefusesNoRouter(t *testing.T) {
	if _, err := chiauth.OpenRoutes(nil); err == nil {
		t.Error("no error")
	}
}

// A test that uses OpenRoutes must not change its mind, and its requests should be
// readable.
func TestOpenRoutesAsksTheSameEachTime(t *testing.T) {
	var asked []string
	note := func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.Path) }
	r := chi.NewRouter()
	r.Get("/a/{a:[a-z]{9}}", note)
	r.Get("/b/{b:[^/]{5,}}/{c}", note)
	r.Get("/c/{d:.+}/{e:[^a]+}", note)
	var first []string
	for round := range 3 {
		asked = nil
		wantOpen(t, r, "GET /a/{a:[a-z]{9}}", "GET /b/{b:[^/]{5,}}/{c}", "GET /c/{d:.+}/{e:[^a]+}")
		if round == 0 {
			first = asked
		}
		if !slices.Equal(asked, first) {
			t.Errorf("asked %q, and before %q", asked, first)
		}
	}
	plain := regexp.MustCompile("^[/a-zA-Z0-9]+$")
	for _, path := range first {
		if !plain.MatchString(path) {
			t.Errorf("asked %q although letters and digits would do", path)
		}
	}
}

// Whatever the pattern, an open route is either found or named in the error.
func FuzzOpenRoutes(f *testing.F) {
	for _, pattern := range []string{
		"/", "/a/{id}", "/a/{id:[0-9]+}/b", "/*", "/a/{x}-{y}/*", "/{x:a|b}", "/{x:[^/]*}", "/{x:(?:{})}", "//", "/a b", "/%41", "/{x:\\p{Greek}}",
	} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		r := chi.NewRouter()
		if !registers(r, pattern) {
			t.Skip("chi refuses the pattern")
		}
		open, err := chiauth.OpenRoutes(r)
		if len(open) == 0 && err == nil {
			t.Errorf("%q: neither open nor an error", pattern)
		}
	})
}

// registers reports whether chi takes a pattern.
func registers(r chi.Router, pattern string) (registered bool) {
	defer func() { registered = recover() == nil }()
	r.Method(http.MethodGet, pattern, http.HandlerFunc(ok))
	return
}
