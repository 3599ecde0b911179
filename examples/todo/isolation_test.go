package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/examples/todo/todov1"
)

// nobodysID is an id that no todo has.
const nobodysID = "01890000-0000-7000-8000-000000000000"

// trespasses has, for each route, what bob tries there with the id of a todo of
// alice. A route without one fails the test.
func trespasses() map[string]func(t *testing.T, s *service, hers store.Todo) {
	return map[string]func(t *testing.T, s *service, hers store.Todo){
		"GET /healthz":      nothingOfHers("/healthz"),
		"GET /readyz":       nothingOfHers("/readyz"),
		"GET /openapi.json": nothingOfHers("/openapi.json"),
		"GET /me":           nothingOfHers("/me"),
		"GET /todos": func(t *testing.T, s *service, hers store.Todo) {
			for _, query := range []string{"", "?limit=1000", "?after=" + nobodysID, "?after=" + hers.ID, "?owner=alice", "?sub=alice"} {
				nothingOfHers("/todos"+query)(t, s, hers)
			}
		},
		"GET /todos/events": func(t *testing.T, s *service, hers store.Todo) {
			events := openStream(t, limited(), s.url, s.full("bob"))
			title := "edited"
			edited, err := s.store.Update(t.Context(), "alice", hers.ID, store.Patch{Title: &title})
			if err == nil {
				_, err = s.store.Update(t.Context(), "alice", hers.ID, store.Patch{Title: &hers.Title}, store.At(edited.Version))
			}
			if err != nil {
				t.Fatal(err)
			}
			his := s.do(t, request{method: "POST", path: "/todos", token: s.full("bob"), body: `{"title":"his"}`})
			events.want(t, fmt.Sprintf("event: created\ndata: {\"todo\":%s,\"etag\":\"\\\"1\\\"\"}\n", strings.TrimSpace(his.body)))
		},
		"POST /todos": func(t *testing.T, s *service, hers store.Todo) {
			for _, member := range []string{`"id":"` + hers.ID + `"`, `"owner":"alice"`, `"sub":"alice"`} {
				if got := s.do(t, request{method: "POST", path: "/todos", token: s.full("bob"), body: `{"title":"his",` + member + `}`}); got.status != 400 {
					t.Errorf("%s gave %d %s, want 400", member, got.status, got.body)
				}
			}
		},
		"GET /todos/{id}":    asIfNotThere("GET", ""),
		"PATCH /todos/{id}":  asIfNotThere("PATCH", `{"title":"his"}`),
		"DELETE /todos/{id}": asIfNotThere("DELETE", ""),
	}
}

// nothingOfHers asks for a path and finds nothing that is of alice.
func nothingOfHers(path string) func(t *testing.T, s *service, hers store.Todo) {
	return func(t *testing.T, s *service, hers store.Todo) {
		got := s.do(t, request{method: "GET", path: path, token: s.full("bob")})
		if got.status != 200 || strings.Contains(got.body, hers.ID) || strings.Contains(got.body, hers.Title) || strings.Contains(got.body, `"alice"`) {
			t.Errorf("%s gave %d %s", path, got.status, got.body)
		}
	}
}

// asIfNotThere sends a request about a todo of alice, with and without conditions,
// and about one that is not there: the answers are the same.
func asIfNotThere(method, body string) func(t *testing.T, s *service, hers store.Todo) {
	return func(t *testing.T, s *service, hers store.Todo) {
		methods := []string{method}
		if method == "GET" {
			methods = append(methods, "HEAD")
		}
		for _, method := range methods {
			for _, header := range []http.Header{nil, {"If-Match": {"*"}}, {"If-Match": {`"1"`}}, {"If-Match": {`"999"`}}, {"If-None-Match": {"*"}}, {"If-None-Match": {`"1"`}}} {
				ask := func(id string) answer {
					got := s.do(t, request{method: method, path: "/todos/" + id, token: s.full("bob"), body: body, header: header})
					got.header.Del("Date")
					got.header.Del(requestIDHeader)
					return got
				}
				got, want := ask(hers.ID), ask(nobodysID)
				if got.status != 404 || got.body != want.body || !maps.EqualFunc(got.header, want.header, slices.Equal) {
					t.Errorf("%s %v of hers gave %+v, of nobody's %+v", method, header, got, want)
				}
			}
		}
	}
}

// withoutTodos reports whether a route has nothing to do with todos: the page's files
// and the development issuer.
func withoutTodos(route string) bool {
	switch route {
	case "GET /", "GET /config.json", "GET /icon.svg", "GET /licenses.md":
		return true
	}
	return strings.HasPrefix(route, "GET /assets/") || strings.HasSuffix(route, " /dev-issuer/*")
}

// routesOf lists the routes of a router.
func routesOf(t *testing.T, r chi.Router) []string {
	t.Helper()
	var routes []string
	if err := chi.Walk(r, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes = append(routes, method+" "+route)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return routes
}

// at returns s as it is asked at another server, which answers with h.
func (s *service) at(t *testing.T, h http.Handler) *service {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(s.store.EndWatches) // the server waits for them
	other := *s
	other.url = server.URL
	return &other
}

// Two users' todos never mix, whatever bob does with what he should not know.
func TestNoRouteMixesUsers(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *service) {
		hers, err := s.store.Create(t.Context(), "alice", "alice's own")
		if err != nil {
			t.Fatal(err)
		}
		d := s.assembled(t, "TODO_ISSUER="+s.issuer.URL())
		if err := d.auth.keys.Warm(t.Context()); err != nil { // for /readyz
			t.Fatal(err)
		}
		api, tries := s.at(t, d.api), trespasses()
		for _, route := range routesOf(t, d.api) {
			try, known := tries[route]
			if !known {
				if !withoutTodos(route) {
					t.Errorf("nobody has tried what somebody else can do at %s", route)
				}
				continue
			}
			t.Run(route, func(t *testing.T) { try(t, api, hers) })
			delete(tries, route)
		}
		if len(tries) > 0 {
			t.Errorf("these are no routes: %v", slices.Collect(maps.Keys(tries)))
		}
		admin := s.at(t, d.admin)
		for _, route := range routesOf(t, d.admin) {
			method, path, _ := strings.Cut(route, " ")
			if method != "GET" {
				t.Errorf("nobody has tried what somebody else can do at %s of the admin address", route)
			}
			nothingOfHers(path)(t, admin, hers)
		}
		for _, route := range routesOf(t, s.assembled(t).api) { // with the development issuer
			if _, known := trespasses()[route]; !known && !withoutTodos(route) {
				t.Errorf("nobody has tried what somebody else can do at %s, where there is a development issuer", route)
			}
		}
		wantOnly(t, s, "alice", hers.ID)
	})
}

// wantOnly wants the owner to have this one todo, as alice made it.
func wantOnly(t *testing.T, s *service, owner, id string) {
	t.Helper()
	todos, _, err := s.store.List(t.Context(), owner, "", 10)
	if err != nil || len(todos) != 1 || todos[0].ID != id || todos[0].Title != "alice's own" || todos[0].Done {
		t.Errorf("%s has %+v, %v", owner, todos, err)
	}
}

// rpcTrespasses is trespasses for gRPC.
func rpcTrespasses(hers store.Todo) map[string]func(t *testing.T, s *service, client todov1.TodoServiceClient) {
	const notFound = codes.NotFound
	return map[string]func(t *testing.T, s *service, client todov1.TodoServiceClient){
		"ListTodos": func(t *testing.T, s *service, client todov1.TodoServiceClient) {
			for _, token := range []string{"", nobodysID, hers.ID} {
				list, err := client.ListTodos(with(t, s.full("bob")), &todov1.ListTodosRequest{PageToken: token})
				if err != nil || len(list.GetTodos()) != 0 {
					t.Errorf("after %q, bob lists %v, %v", token, list, err)
				}
			}
		},
		"CreateTodo": func(t *testing.T, s *service, client todov1.TodoServiceClient) {
			// There is no field that says whose.
			in := &todov1.CreateTodoRequest{Title: "of carol"}
			in.ProtoReflect().SetUnknown([]byte("\x12\x05alice"))
			if _, err := client.CreateTodo(with(t, s.full("carol")), in); err != nil {
				t.Error(err)
			}
		},
		"GetTodo": func(t *testing.T, s *service, client todov1.TodoServiceClient) {
			_, err := client.GetTodo(with(t, s.full("bob")), &todov1.GetTodoRequest{Id: hers.ID})
			wantCode(t, err, notFound)
		},
		"UpdateTodo": func(t *testing.T, s *service, client todov1.TodoServiceClient) {
			for _, in := range []*todov1.UpdateTodoRequest{{}, {Title: new("his")}, {Done: new(true), IfVersion: new(int64(1))}, {IfVersion: new(int64(99))}} {
				in.Id = hers.ID
				_, err := client.UpdateTodo(with(t, s.full("bob")), in)
				wantCode(t, err, notFound)
			}
		},
		"DeleteTodo": func(t *testing.T, s *service, client todov1.TodoServiceClient) {
			for _, in := range []*todov1.DeleteTodoRequest{{}, {IfVersion: new(int64(1))}, {IfVersion: new(int64(99))}} {
				in.Id = hers.ID
				_, err := client.DeleteTodo(with(t, s.full("bob")), in)
				wantCode(t, err, notFound)
			}
		},
		"WatchTodos": func(t *testing.T, s *service, client todov1.TodoServiceClient) {
			stream := openWatch(t, client, s.full("bob"))
			if _, err := s.store.Update(t.Context(), "alice", hers.ID, store.Patch{}); err != nil {
				t.Fatal(err)
			}
			his, err := client.CreateTodo(with(t, s.full("bob")), &todov1.CreateTodoRequest{Title: "his"})
			if err != nil {
				t.Fatal(err)
			}
			wantReceived(t, stream, &todov1.WatchTodosResponse{Kind: todov1.WatchTodosResponse_KIND_CREATED, Todo: his})
			if _, err := client.DeleteTodo(with(t, s.full("bob")), &todov1.DeleteTodoRequest{Id: his.GetId()}); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// wantCode wants the answer to an id that nobody has, word for word.
func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want || status.Convert(err).Message() != "there is no such todo" {
		t.Errorf("%v, want %v", err, want)
	}
}

func TestNoMethodMixesUsers(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *service) {
		hers, err := s.store.Create(t.Context(), "alice", "alice's own")
		if err != nil {
			t.Fatal(err)
		}
		client := todov1.NewTodoServiceClient(s.dial(t))
		tries := rpcTrespasses(hers)
		for service, info := range s.assembled(t).rpc.GetServiceInfo() {
			for _, method := range info.Methods {
				try, known := tries[method.Name]
				switch {
				case service == grpc_health_v1.Health_ServiceDesc.ServiceName: // it has nothing to do with todos
				case service != todov1.TodoService_ServiceDesc.ServiceName || !known:
					t.Errorf("nobody has tried what somebody else can do with %s of %s", method.Name, service)
				default:
					t.Run(method.Name, func(t *testing.T) { try(t, s, client) })
				}
				delete(tries, method.Name)
			}
		}
		if len(tries) > 0 {
			t.Errorf("these are no methods: %v", slices.Collect(maps.Keys(tries)))
		}
		wantOnly(t, s, "alice", hers.ID)
	})
}

// What the claim sub and a title contain is never SQL, a pattern or a header.
func TestSubjectsAndTitlesAreData(t *testing.T) {
	texts := []string{
		`'; DROP TABLE todos; --`, `alice' OR '1'='1`, `" OR ""="`, `alice'/*`, `*/`, `%`, `_`, `alice%`, `$1`, `?1`, `:owner`, `\`, `\'`,
		"alice", "Alice", "alice ", " alice", "alic\u00e9", "alice\u0301", "😀", "\u202e", "alice\r\nX-Evil: 1", "{{.}}", "%s%n", "<script>", "../alice", "alice/bob",
	}
	onEachDatabase(t, func(t *testing.T, s *service) {
		client := todov1.NewTodoServiceClient(s.dial(t))
		ids := map[string]string{}
		for _, text := range texts {
			todo, err := client.CreateTodo(with(t, s.full(text)), &todov1.CreateTodoRequest{Title: text})
			if err != nil || todo.GetTitle() != text {
				t.Fatalf("CreateTodo of %q gave %v, %v", text, todo, err)
			}
			ids[text] = todo.GetId()
		}
		for _, text := range texts {
			got := fromJSON[[]todoJSON](t, s.do(t, request{method: "GET", path: "/todos", token: s.full(text)}).body)
			if len(got) != 1 || got[0].ID != ids[text] || got[0].Title != text {
				t.Errorf("%q lists %+v, want the one todo", text, got)
			}
			if me := fromJSON[identity](t, s.do(t, request{method: "GET", path: "/me", token: s.full(text)}).body); me.Subject != text {
				t.Errorf("%q is %+v", text, me)
			}
		}
		for _, text := range texts {
			if _, err := client.DeleteTodo(with(t, s.full(text)), &todov1.DeleteTodoRequest{Id: ids[text]}); err != nil {
				t.Errorf("DeleteTodo by %q gave %v", text, err)
			}
		}
	})
}
