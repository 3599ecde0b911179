package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// operation is what these tests read of an operation in openapi.json. Schemathesis
// reads the whole document.
type operation struct {
	Security  *[]map[string][]string `json:"security"` // nil: a token, of no scope
	Responses map[string]any         `json:"responses"`
}

// scopes returns what a token needs, and whether one is needed.
func (o operation) scopes() (scopes []string, closed bool) {
	if o.Security == nil {
		return nil, true
	}
	for _, demand := range *o.Security {
		return demand["accessToken"], true
	}
	return nil, false
}

// operations returns each operation of the document by its method and path.
func operations(t *testing.T) map[string]operation {
	t.Helper()
	document := fromJSON[struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]struct {
			Get    *operation `json:"get"`
			Post   *operation `json:"post"`
			Patch  *operation `json:"patch"`
			Delete *operation `json:"delete"`
		} `json:"paths"`
	}](t, string(openAPIDocument))
	if !strings.HasPrefix(document.OpenAPI, "3.1.") {
		t.Fatalf("the document is of OpenAPI %q", document.OpenAPI)
	}
	all := make(map[string]operation)
	for path, item := range document.Paths {
		for method, o := range map[string]*operation{"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete} {
			if o != nil {
				all[method+" "+path] = *o
			}
		}
	}
	return all
}

func TestOpenAPIHasEachRoute(t *testing.T) {
	var routes, described []string
	err := chi.Walk(newService(t).api.routes(mountOpenAPI), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes = append(routes, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range operations(t) {
		described = append(described, name)
	}
	slices.Sort(routes)
	slices.Sort(described)
	if !slices.Equal(routes, described) {
		t.Errorf("the document has %q, the service %q", described, routes)
	}
}

// What the document says of tokens and scopes is what the service does.
func TestOpenAPIKnowsWhoMayDoWhat(t *testing.T) {
	s := newService(t)
	for name, o := range operations(t) {
		method, path, _ := strings.Cut(name, " ")
		path = strings.Replace(path, "{id}", "00000000-0000-4000-8000-000000000000", 1)
		scopes, closed := o.scopes()
		if !closed {
			continue // TestWhatIsOpen says which answer
		}
		lacking := 403
		if len(scopes) == 0 {
			lacking = 200
		}
		for token, status := range map[string]int{"": 401, s.token("alice", "openid"): lacking} {
			got := s.do(t, request{method: method, path: path, token: token})
			if got.status != status {
				t.Errorf("%s with the token %t gave %d, want %d", name, token != "", got.status, status)
			}
			if o.Responses[strconv.Itoa(got.status)] == nil {
				t.Errorf("%s: the document does not have the answer %d", name, got.status)
			}
			if challenge := got.header.Get("WWW-Authenticate"); got.status == 403 && !strings.Contains(challenge, `scope="`+strings.Join(scopes, " ")+`"`) {
				t.Errorf("%s asks for %q, the document says %q", name, challenge, scopes)
			}
		}
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	s := newService(t)
	got := newRecorder(t, s.api.routes(mountOpenAPI), "GET", "/openapi.json")
	if got.Code != 200 || got.Header().Get("Content-Type") != "application/json" || got.Header().Get("Cache-Control") != "no-cache" || got.Body.String() != string(openAPIDocument) {
		t.Errorf("%d %s", got.Code, got.Header())
	}
}
