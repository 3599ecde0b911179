package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/bearerproof/bearerproof/adapters/chiauth"
	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/examples/todo/todov1"
	"github.com/bearerproof/bearerproof/issuertest"
)

func TestALifeOfATodo(t *testing.T) {
	s := newService(t)
	alice := s.full("alice")

	created := s.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"buy milk"}`})
	todo := fromJSON[todoJSON](t, created.body)
	if created.status != 201 || todo.Title != "buy milk" || todo.Done {
		t.Fatalf("POST gave %d %s", created.status, created.body)
	}
	path := created.header.Get("Location")
	if path != "/todos/"+todo.ID {
		t.Errorf("Location is %q", path)
	}
	members := fromJSON[map[string]any](t, created.body)
	for _, name := range []string{"created_at", "updated_at"} {
		text, _ := members[name].(string)
		if at, err := time.Parse(time.RFC3339, text); err != nil || !strings.HasSuffix(text, "Z") || time.Since(at).Abs() > time.Minute {
			t.Errorf("%s is %q, want now, in RFC 3339 and UTC", name, text)
		}
		delete(members, name)
	}
	if len(members) != 3 {
		t.Errorf("a todo has the members %v besides its times, want id, title and done", members)
	}

	got := s.do(t, request{method: "GET", path: path, token: alice})
	if got.status != 200 || got.body != created.body || got.header.Get("ETag") != `"1"` {
		t.Errorf("GET gave %d %s, ETag %s", got.status, got.body, got.header.Get("ETag"))
	}
	patched := s.do(t, request{method: "PATCH", path: path, token: alice, body: `{"done":true}`})
	if now := fromJSON[todoJSON](t, patched.body); patched.status != 200 || !now.Done || now.Title != "buy milk" || patched.header.Get("ETag") != `"2"` {
		t.Errorf("PATCH of done gave %d %s", patched.status, patched.body)
	}
	patched = s.do(t, request{method: "PATCH", path: path, token: alice, body: `{"title":"buy oat milk"}`})
	if now := fromJSON[todoJSON](t, patched.body); patched.status != 200 || !now.Done || now.Title != "buy oat milk" {
		t.Errorf("PATCH of title gave %d %s", patched.status, patched.body)
	}
	if gone := s.do(t, request{method: "DELETE", path: path, token: alice}); gone.status != 204 || gone.body != "" {
		t.Errorf("DELETE gave %d %q", gone.status, gone.body)
	}
	if gone := s.do(t, request{method: "GET", path: path, token: alice}); gone.status != 404 {
		t.Errorf("GET after DELETE gave %d", gone.status)
	}
}

func TestAnotherOnesTodoIsNotThere(t *testing.T) {
	s := newService(t)
	alice, bob := s.full("alice"), s.full("bob")
	path := s.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"hers"}`}).header.Get("Location")
	missing := s.do(t, request{method: "GET", path: "/todos/01890000-0000-7000-8000-000000000000", token: bob})
	for _, in := range []request{
		{method: "GET", path: path},
		{method: "PATCH", path: path, body: `{"title":"his"}`},
		{method: "DELETE", path: path},
		{method: "PATCH", path: path, body: `{"title":"his"}`, header: http.Header{"If-Match": {`"7"`}}},
		{method: "DELETE", path: path, header: http.Header{"If-Match": {`"1"`}}},
	} {
		in.token = bob
		got := s.do(t, in)
		if got.status != 404 || got.body != missing.body {
			t.Errorf("%s by bob gave %d %s, want the answer to an unknown id", in.method, got.status, got.body)
		}
	}
	if got := s.do(t, request{method: "GET", path: "/todos", token: bob}); got.body != "[]\n" {
		t.Errorf("bob lists %s", got.body)
	}
	if got := s.do(t, request{method: "GET", path: path, token: alice}); got.status != 200 || !strings.Contains(got.body, `"hers"`) {
		t.Errorf("alice's todo is now %d %s", got.status, got.body)
	}
}

func TestBadRequestsAreProblems(t *testing.T) {
	s := newService(t)
	alice := s.full("alice")
	todo := s.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"one"}`}).header.Get("Location")
	jsonType := func(value ...string) http.Header { return http.Header{"Content-Type": value} }
	title := func(s string) string { return `{"title":"` + s + `"}` }
	type row struct {
		what string
		in   request
		want int
	}
	rows := []row{
		{"no body", request{method: "POST", path: "/todos", header: jsonType("application/json")}, 400},
		{"not JSON", request{method: "POST", path: "/todos", body: "title"}, 400},
		{"half an object", request{method: "POST", path: "/todos", body: `{"title":"a"`}, 400},
		{"an array", request{method: "POST", path: "/todos", body: `[{"title":"a"}]`}, 400},
		{"null", request{method: "POST", path: "/todos", body: `null`}, 400},
		{"trailing data", request{method: "POST", path: "/todos", body: `{"title":"a"}{}`}, 400},
		{"a trailing NUL", request{method: "POST", path: "/todos", body: "{\"title\":\"a\"}\x00"}, 400},
		{"a byte order mark", request{method: "POST", path: "/todos", body: "\ufeff{\"title\":\"a\"}"}, 400},
		{"an unknown member", request{method: "POST", path: "/todos", body: `{"title":"a","owner":"bob"}`}, 400},
		{"done, which only PATCH takes", request{method: "POST", path: "/todos", body: `{"title":"a","done":true}`}, 400},
		{"a member in another case", request{method: "POST", path: "/todos", body: `{"Title":"a"}`}, 400},
		{"a member twice", request{method: "POST", path: "/todos", body: `{"title":"a","title":"b"}`}, 400},
		{"no title", request{method: "POST", path: "/todos", body: `{}`}, 400},
		{"a null title", request{method: "POST", path: "/todos", body: `{"title":null}`}, 400},
		{"a number as title", request{method: "POST", path: "/todos", body: `{"title":1}`}, 400},
		{"an empty title", request{method: "POST", path: "/todos", body: title("")}, 400},
		{"a blank title", request{method: "POST", path: "/todos", body: title(` \t`)}, 400},
		{"a title of 501 characters", request{method: "POST", path: "/todos", body: title(strings.Repeat("é", 501))}, 400},
		{"U+0000 in a title", request{method: "POST", path: "/todos", body: title(`a\u0000`)}, 400},
		{"invalid UTF-8", request{method: "POST", path: "/todos", body: title("a\xff")}, 400},
		{"half a surrogate pair", request{method: "POST", path: "/todos", body: title(`\ud800`)}, 400},
		{"deep nesting", request{method: "POST", path: "/todos", body: `{"title":` + strings.Repeat("[", 30000)}, 400},
		{"a body of more than 64 KiB", request{method: "POST", path: "/todos", body: title(strings.Repeat("a", 64<<10))}, 413},
		{"64 KiB of white space and more", request{method: "PATCH", path: todo, body: strings.Repeat(" ", 64<<10) + "{}"}, 413},
		{"a form", request{method: "POST", path: "/todos", body: "title=a", header: jsonType("application/x-www-form-urlencoded")}, 415},
		{"no content type", request{method: "POST", path: "/todos", body: title("a"), header: jsonType()}, 415},
		{"two content types", request{method: "POST", path: "/todos", body: title("a"), header: jsonType("application/json", "application/json")}, 415},
		{"a content type that cannot be parsed", request{method: "POST", path: "/todos", body: title("a"), header: jsonType("application/json; charset")}, 415},
		{"another charset", request{method: "POST", path: "/todos", body: title("a"), header: jsonType("application/json; charset=utf-16")}, 415},
		{"compression", request{method: "POST", path: "/todos", body: title("a"), header: http.Header{"Content-Encoding": {"gzip"}}}, 415},
		{"a null in a patch", request{method: "PATCH", path: todo, body: `{"title":null}`}, 400},
		{"a null as done", request{method: "PATCH", path: todo, body: `{"done":null}`}, 400},
		{"null as a patch", request{method: "PATCH", path: todo, body: `null`}, 400},
		{"a text as done", request{method: "PATCH", path: todo, body: `{"done":"true"}`}, 400},
		{"an empty title in a patch", request{method: "PATCH", path: todo, body: title("")}, 400},
		{"an id in a patch", request{method: "PATCH", path: todo, body: `{"id":"x"}`}, 400},
		{"a patch that is a form", request{method: "PATCH", path: todo, body: "done=1", header: jsonType("text/plain")}, 415},
		{"an edit of another version", request{method: "PATCH", path: todo, body: `{"done":true}`, header: http.Header{"If-Match": {`"2"`}}}, 412},
		{"an edit at a weak tag", request{method: "PATCH", path: todo, body: `{"done":true}`, header: http.Header{"If-Match": {`W/"1"`}}}, 412},
		{"an edit at somebody's tag", request{method: "PATCH", path: todo, body: `{"done":true}`, header: http.Header{"If-Match": {`"x,\"`}}}, 412},
		{"If-Match without quotes", request{method: "PATCH", path: todo, body: `{"done":true}`, header: http.Header{"If-Match": {`1`}}}, 400},
		{"an empty If-Match", request{method: "DELETE", path: todo, header: http.Header{"If-Match": {``}}}, 400},
		{"an If-Match with an open quote", request{method: "DELETE", path: todo, header: http.Header{"If-Match": {`"1", "`}}}, 400},
		{"a deletion of another version", request{method: "DELETE", path: todo, header: http.Header{"If-Match": {`"2"`}}}, 412},
		{"an unknown path", request{method: "GET", path: "/nothing"}, 404},
		{"a path below a todo", request{method: "GET", path: todo + "/x"}, 404},
		{"a method that a path lacks", request{method: "PUT", path: todo, body: `{}`}, 405},
		{"a method that nothing has", request{method: "BREW", path: "/todos"}, 405},
		{"a query that cannot be parsed", request{method: "GET", path: "/todos?limit=%zz"}, 400},
		{"two limits", request{method: "GET", path: "/todos?limit=1&limit=2"}, 400},
		{"two afters", request{method: "GET", path: "/todos?after=" + nobodysID + "&after=" + nobodysID}, 400},
		{"after nothing", request{method: "GET", path: "/todos?after="}, 400},
		{"after no id", request{method: "GET", path: "/todos?after=%00"}, 400},
	}
	for _, limit := range []string{"0", "-1", "1001", "1e2", "", "+1", "0x1", "99999999999999999999", "%F0"} {
		rows = append(rows, row{"the limit " + limit, request{method: "GET", path: "/todos?limit=" + limit}, 400})
	}
	for _, id := range []string{"x", "%00", "%ff", "%27%20OR%201=1", "..%2f", strings.Repeat("a", 2000), "01890000-0000-7000-8000-000000000000"} {
		for _, method := range []string{"GET", "DELETE", "PATCH"} {
			body := ""
			if method == "PATCH" {
				body = `{"done":true}`
			}
			rows = append(rows, row{fmt.Sprintf("%s of the id %.40s", method, id), request{method: method, path: "/todos/" + id, body: body}, 404})
		}
	}
	for _, row := range rows {
		row.in.token = alice
		got := s.do(t, row.in)
		if got.status != row.want {
			t.Errorf("%s: %d %s, want %d", row.what, got.status, got.body, row.want)
			continue
		}
		if p := fromJSON[problem](t, got.body); got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Cache-Control") != "no-store" || p.Status != row.want || p.Title == "" || p.Type == "" {
			t.Errorf("%s: %v %s, want a problem that nobody keeps", row.what, got.header, got.body)
		}
	}
	left := s.do(t, request{method: "GET", path: "/todos", token: alice})
	if todos := fromJSON[[]todoJSON](t, left.body); len(todos) != 1 || todos[0].Title != "one" || todos[0].Done {
		t.Errorf("after all that, alice has %s, want the one todo as it was", left.body)
	}
}

func TestWhatIsNotWrong(t *testing.T) {
	s := newService(t)
	alice := s.full("alice")
	longest := strings.Repeat("😀", 500)
	for what, in := range map[string]request{
		"a title of 500 characters": {method: "POST", path: "/todos", body: `{"title":"` + longest + `"}`},
		"a charset":                 {method: "POST", path: "/todos", body: `{"title":"a"}`, header: http.Header{"Content-Type": {`Application/JSON; charset="UTF-8"`}}},
		"white space around":        {method: "POST", path: "/todos", body: " \n{\"title\":\"a\"}\n "},
	} {
		in.token = alice
		if got := s.do(t, in); got.status != 201 {
			t.Errorf("%s: %d %s, want 201", what, got.status, got.body)
		}
	}
	todo := s.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":" <b>&'\";-- "}`})
	if got := fromJSON[todoJSON](t, todo.body); got.Title != ` <b>&'";-- ` {
		t.Errorf("the title came back as %q", got.Title)
	}
	for i, match := range [][]string{{"*"}, {`"9", "2"`}, {`"x"`, `W/"3" ,"3"`}, {`,"4",,`}} {
		got := s.do(t, request{method: "PATCH", path: todo.header.Get("Location"), token: alice, body: `{}`, header: http.Header{"If-Match": match}})
		if got.status != 200 || got.header.Get("ETag") != etag(int64(i+2)) {
			t.Errorf("If-Match %q gave %d, ETag %s", match, got.status, got.header.Get("ETag"))
		}
	}
}

func TestPagesOfTheList(t *testing.T) {
	s := newService(t)
	alice := s.full("alice")
	var want []string
	for i := range 101 {
		todo, err := s.store.Create(t.Context(), "alice", fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, todo.ID)
	}
	for query, pages := range map[string]int{"": 2, "?limit=100": 2, "?limit=101": 1, "?limit=1000": 1, "?limit=40": 3} {
		var got []string
		path := "/todos" + query
		n := 0
		for ; path != "" && n <= pages; n++ {
			answer := s.do(t, request{method: "GET", path: path, token: alice})
			for _, todo := range fromJSON[[]todoJSON](t, answer.body) {
				got = append(got, todo.ID)
			}
			path = ""
			if link := answer.header.Get("Link"); link != "" {
				target, isNext := strings.CutSuffix(link, `>; rel="next"`)
				if path = strings.TrimPrefix(target, "<"); !isNext {
					t.Errorf("Link is %q", link)
				}
			}
		}
		if n != pages || !slices.Equal(got, want) {
			t.Errorf("/todos%s: %d pages with %d todos, want %d pages with all 101, the newest last", query, n, len(got), pages)
		}
	}
}

// A page of long titles ends early, over HTTP and gRPC, and the list goes on.
func TestPagesOfLongTitles(t *testing.T) {
	s := newService(t)
	want := make([]string, 100)
	for i := range want {
		todo, err := s.store.Create(t.Context(), "alice", strings.Repeat("é", store.MaxTitle))
		if err != nil {
			t.Fatal(err)
		}
		want[i] = todo.ID
	}
	var overHTTP, overGRPC []string
	path, pages := "/todos?limit=1000", 0
	for ; path != "" && pages < 100; pages++ {
		page := s.do(t, request{method: "GET", path: path, token: s.full("alice")})
		for _, todo := range fromJSON[[]todoJSON](t, page.body) {
			overHTTP = append(overHTTP, todo.ID)
		}
		path = strings.TrimSuffix(strings.TrimPrefix(page.header.Get("Link"), "<"), `>; rel="next"`)
	}
	if pages == 1 || !slices.Equal(overHTTP, want) {
		t.Errorf("over HTTP %d pages have %d todos, want several with all 100", pages, len(overHTTP))
	}
	client, in := todov1.NewTodoServiceClient(s.dial(t)), &todov1.ListTodosRequest{PageSize: 1000}
	for pages = 0; pages == 0 || in.GetPageToken() != "" && pages < 100; pages++ {
		page, err := client.ListTodos(with(t, s.full("alice")), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, todo := range page.GetTodos() {
			overGRPC = append(overGRPC, todo.GetId())
		}
		in.PageToken = page.GetNextPageToken()
	}
	if pages == 1 || !slices.Equal(overGRPC, want) {
		t.Errorf("over gRPC %d pages have %d todos, want several with all 100", pages, len(overGRPC))
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	s := newService(t)
	read, write, none := s.token("alice", "todos:read"), s.token("alice", "todos:write"), s.token("alice", "profile")
	path := s.do(t, request{method: "POST", path: "/todos", token: write, body: `{"title":"a"}`}).header.Get("Location")
	for _, row := range []struct {
		method, path                           string
		withNone, withRead, withWrite, without int
	}{
		{"GET", "/todos", 403, 200, 403, 401},
		{"GET", path, 403, 200, 403, 401},
		{"HEAD", path, 403, 200, 403, 401},
		{"HEAD", "/todos/events", 403, 200, 403, 401}, // GET would not end
		{"POST", "/todos", 403, 403, 201, 401},
		{"PATCH", path, 403, 403, 200, 401},
		{"DELETE", path, 403, 403, 204, 401},
		{"GET", "/me", 200, 200, 200, 401},
		{"GET", "/healthz", 200, 200, 200, 200},
		{"GET", "/readyz", 200, 200, 200, 200},
	} {
		for _, c := range []struct {
			who, token string
			want       int
		}{{"nobody", "", row.without}, {"a caller without a scope", none, row.withNone}, {"a reader", read, row.withRead}, {"a writer", write, row.withWrite}} {
			in := request{method: row.method, path: row.path, token: c.token}
			if row.method == "POST" || row.method == "PATCH" {
				in.body = `{"title":"b"}`
			}
			got := s.do(t, in)
			if got.status != c.want {
				t.Errorf("%s %s by %s: %d, want %d", row.method, row.path, c.who, got.status, c.want)
			}
			if challenge := got.header.Get("WWW-Authenticate"); got.status == 401 && challenge != `Bearer realm="todo"` {
				t.Errorf("%s %s by %s: the challenge is %q", row.method, row.path, c.who, challenge)
			}
		}
	}
}

func TestTokensThatCannotOwnTodos(t *testing.T) {
	s := newService(t)
	for what, subject := range map[string]any{"no subject": nil, "an empty subject": "", "a long subject": strings.Repeat("a", 256), "U+0000 in the subject": "al\x00ice"} {
		token := s.issuer.Token(issuertest.Claims{"sub": subject, "aud": "todo-api", "scope": "todos:read todos:write"})
		if got := s.do(t, request{method: "GET", path: "/todos", token: token}); got.status != 401 {
			t.Errorf("%s: %d %s, want 401", what, got.status, got.body)
		}
	}
	if got := s.do(t, request{method: "GET", path: "/todos", token: s.full(strings.Repeat("a", 255))}); got.status != 200 {
		t.Errorf("the longest subject: %d, want 200", got.status)
	}
}

func TestMeIsTheVerifiedIdentity(t *testing.T) {
	s := newService(t)
	expiry := time.Now().Add(time.Minute).UTC().Truncate(time.Second)
	for what, row := range map[string]struct {
		claims issuertest.Claims
		want   string
	}{
		"a user":                      {issuertest.Claims{"sub": "alice", "aud": []string{"todo-api", "other"}, "scope": "a b", "azp": "web", "preferred_username": "al"}, `"subject":"alice","preferred_username":"al","client":"web","audience":["todo-api","other"],"scopes":["a","b"]`},
		"no more than there must be":  {issuertest.Claims{"sub": "alice", "aud": "todo-api"}, `"subject":"alice","audience":["todo-api"],"scopes":[]`},
		"a name that is not a string": {issuertest.Claims{"sub": "alice", "aud": "todo-api", "preferred_username": 7}, `"subject":"alice","audience":["todo-api"],"scopes":[]`},
	} {
		row.claims["exp"] = expiry.Unix()
		got := s.do(t, request{method: "GET", path: "/me", token: s.issuer.Token(row.claims)})
		want := fmt.Sprintf("{\"issuer\":%q,%s,\"expires_at\":%q}\n", s.issuer.URL(), row.want, expiry.Format(time.RFC3339))
		if got.status != 200 || got.body != want {
			t.Errorf("%s: %d %s, want %s", what, got.status, got.body, want)
		}
	}
}

func TestMethodsThatAPathHas(t *testing.T) {
	s := newService(t)
	for path, want := range map[string]string{"/todos": "GET,HEAD,POST", "/todos/x": "GET,HEAD,PATCH,DELETE", "/todos/a%2Fb": "GET,HEAD,PATCH,DELETE", "/healthz": "GET,HEAD"} {
		got := s.do(t, request{method: "PUT", path: path, body: "{}"})
		if allow := strings.Join(got.header.Values("Allow"), ","); got.status != 405 || allow != want {
			t.Errorf("PUT %s: %d, Allow %q, want 405 and %q", path, got.status, allow, want)
		}
	}
}

// What answers without a token: health, what the page needs to begin, and the
// development issuer, which gives tokens.
func TestWhatIsOpen(t *testing.T) {
	open, err := chiauth.OpenRoutes(newService(t).assembled(t).api)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{
		"GET /healthz": true, "GET /readyz": true, "GET /openapi.json": true,
		"GET /": true, "GET /config.json": true, "GET /icon.svg": true, "GET /licenses.md": true,
	}
	for _, route := range open {
		if !want[route] && !strings.HasPrefix(route, "GET /assets/") && !strings.HasSuffix(route, " /dev-issuer/*") {
			t.Errorf("%s answers without a token", route)
		}
		delete(want, route)
	}
	if len(want) > 0 {
		t.Errorf("without a token these do not answer: %v", want)
	}
}

func TestWhatIsOpenOverGRPC(t *testing.T) {
	s := newService(t)
	conn := s.dial(t)
	for service, info := range s.assembled(t).rpc.GetServiceInfo() {
		for _, method := range info.Methods {
			full := "/" + service + "/" + method.Name
			want := codes.Unauthenticated
			if full == grpc_health_v1.Health_Check_FullMethodName {
				want = codes.OK
			}
			stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, full)
			if err == nil {
				err = stream.SendMsg(&emptypb.Empty{})
			}
			if err == nil {
				err = stream.RecvMsg(&emptypb.Empty{})
			}
			if status.Code(err) != want {
				t.Errorf("without a token %s gave %v, want %v", full, err, want)
			}
		}
	}
}

// Browsers would guess what an answer is from what a user has written into it.
func TestNoAnswerIsForABrowserToGuess(t *testing.T) {
	s := newService(t)
	d := s.assembled(t, "TODO_ISSUER="+s.issuer.URL())
	for on, asked := range map[string]*service{"the API": s.at(t, d.api), "the admin address": s.at(t, d.admin)} {
		for _, token := range []string{"", s.full("alice")} {
			for _, path := range []string{"/", "/config.json", "/openapi.json", "/healthz", "/readyz", "/me", "/todos", "/todos?limit=x", "/todos/x", "/nothing", "/debug/keys", "/metrics"} {
				got := asked.do(t, request{method: "GET", path: path, token: token})
				if got.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("GET %s of %s: %d %v", path, on, got.status, got.header)
				}
			}
		}
	}
}

// A cache that answers a probe would keep a dead server in service.
func TestNobodyKeepsHealth(t *testing.T) {
	s := newService(t)
	if err := s.auth.keys.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := s.do(t, request{method: "GET", path: path}); got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
}

func TestARouteOutsideAGroupIsNobodys(t *testing.T) {
	s := newService(t)
	open := func(r chi.Router) { r.Get("/oops", s.api.handle(s.api.list)) }
	if _, err := s.api.store.Create(t.Context(), "", "nobody's"); err != nil {
		t.Fatal(err)
	}
	w := newRecorder(t, s.api.routes(open), "GET", "/oops")
	if w.Code != 500 || strings.Contains(w.Body.String(), "nobody's") {
		t.Errorf("%d %s, want 500", w.Code, w.Body)
	}
}

func TestAnIssuerThatIsAway(t *testing.T) {
	s := newService(t)
	s.down()
	if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != 503 || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("/readyz gave %d %s", got.status, got.body)
	}
	if got := s.do(t, request{method: "GET", path: "/todos", token: s.full("alice")}); got.status != 503 || got.header.Get("Retry-After") == "" || got.header.Get("WWW-Authenticate") != "" {
		t.Errorf("/todos gave %d %v", got.status, got.header)
	}
	if got := s.do(t, request{method: "GET", path: "/healthz"}); got.status != 200 {
		t.Errorf("/healthz gave %d", got.status)
	}
}

func TestAnIssuerThatComesBack(t *testing.T) {
	s := newService(t)
	s.issuer.Discovery().Break(issuertest.Status(http.StatusInternalServerError))
	if got := s.do(t, request{method: "GET", path: "/todos", token: s.full("alice")}); got.status != 503 {
		t.Fatalf("/todos gave %d, want 503", got.status)
	}
	s.issuer.Repair()
	again, limit := time.NewTicker(50*time.Millisecond), time.After(30*time.Second)
	defer again.Stop()
	for s.do(t, request{method: "GET", path: "/todos", token: s.full("alice")}).status != 200 {
		select {
		case <-again.C:
		case <-limit:
			t.Fatal("the service did not recover")
		}
	}
	if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != 200 {
		t.Errorf("/readyz gave %d", got.status)
	}
}

func TestADatabaseThatIsAway(t *testing.T) {
	s := newService(t)
	alice := s.full("alice")
	if got := s.do(t, request{method: "GET", path: "/todos", token: alice}); got.status != 200 {
		t.Fatalf("/todos gave %d", got.status)
	}
	s.store.Close()
	if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != 503 {
		t.Errorf("/readyz gave %d", got.status)
	}
	if got := s.do(t, request{method: "GET", path: "/todos", token: alice}); got.status != 503 || got.header.Get("Retry-After") == "" || strings.Contains(got.body, "sql") {
		t.Errorf("/todos gave %d %s", got.status, got.body)
	}
}
