//go:build keycloak

package main

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/examples/todo/todov1"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/keycloak"
	"github.com/bearerproof/bearerproof/verifier"
)

// quiet is an interval so long that no key set is refreshed during a test.
const quiet = 5 * time.Minute

// TestKeycloak runs the built todo server against a real Keycloak, which is
// started once. Each of its parts starts servers of its own and also works alone;
// the last one stops Keycloak and starts it again.
func TestKeycloak(t *testing.T) {
	k := bootKeycloak(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *realKeycloak)
	}{
		{"users see their own todos", keycloakUsers},
		{"what is no access token for us is refused", keycloakRefusals},
		{"a token that may not write", keycloakReadOnly},
		{"an expired token is refused", keycloakExpiry},
		{"a refresh token causes no fetch", keycloakRefreshToken},
		{"keys are discovered", keycloakDiscovery},
		{"roles", keycloakRoles},
		{"a new key is followed with one fetch", keycloakNewKey},
		{"a disabled key is given up", keycloakDisabledKey},
		{"an outage", keycloakOutage},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, k) })
	}
}

func keycloakUsers(t *testing.T, k *realKeycloak) {
	s := k.serve(t, "users", quiet)
	alice, bob := k.login(t, "todo-cli", "alice").Access, k.login(t, "todo-cli", "bob").Access
	robot := k.token(t, "myrealm", form{"grant_type": "client_credentials", "client_id": "todo-service", "client_secret": "todo-service-secret"}).Access

	// One is made over each transport; all are asked for over both.
	hers := s.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"hers"}`})
	if hers.status != 201 {
		t.Fatalf("POST by alice gave %d %s", hers.status, hers.body)
	}
	ctx, cancel := s.call(t.Context(), bob)
	defer cancel()
	if _, err := s.todos.CreateTodo(ctx, &todov1.CreateTodoRequest{Title: "his"}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		who, token, username, client string
		titles                       []string
	}{
		{"alice", alice, "alice", "todo-cli", []string{"hers"}},
		{"bob", bob, "bob", "todo-cli", []string{"his"}},
		{"the other service", robot, "", "todo-service", nil},
	} {
		if got := s.titles(t, row.token); !slices.Equal(got, row.titles) {
			t.Errorf("%s lists %q over HTTP, want %q", row.who, got, row.titles)
		}
		if got := s.titlesRPC(t, row.token); !slices.Equal(got, row.titles) {
			t.Errorf("%s lists %q over gRPC, want %q", row.who, got, row.titles)
		}
		me := fromJSON[identity](t, s.do(t, request{method: "GET", path: "/me", token: row.token}).body)
		if sub := claimsOf(t, row.token)["sub"]; me.Subject != sub || me.Issuer != k.issuer() || me.Client != row.client {
			t.Errorf("%s is %+v, want the subject %v", row.who, me, sub)
		}
		if row.username != "" && me.Username != row.username {
			t.Errorf("%s is called %q", row.who, me.Username)
		}
	}

	path, id := hers.header.Get("Location"), fromJSON[todoJSON](t, hers.body).ID
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		in := request{method: method, path: path, token: bob}
		if method == "PATCH" {
			in.body = `{"title":"his now"}`
		}
		if got := s.do(t, in); got.status != 404 {
			t.Errorf("%s of alice's todo by bob gave %d %s", method, got.status, got.body)
		}
	}
	_, got := s.todos.GetTodo(ctx, &todov1.GetTodoRequest{Id: id})
	_, updated := s.todos.UpdateTodo(ctx, &todov1.UpdateTodoRequest{Id: id, Title: new("his now")})
	_, deleted := s.todos.DeleteTodo(ctx, &todov1.DeleteTodoRequest{Id: id})
	for _, err := range []error{got, updated, deleted} {
		if status.Code(err) != codes.NotFound {
			t.Errorf("alice's todo over gRPC by bob gave %v", err)
		}
	}
	if got := s.do(t, request{method: "GET", path: path, token: alice}); got.status != 200 || got.body != hers.body {
		t.Errorf("after all that, alice's todo is %d %s", got.status, got.body)
	}
	if n := s.proxy.count(); n != 1 {
		t.Errorf("%d fetches, want 1: the keys of the start serve all users", n)
	}
}

// titles lists the todos over HTTP.
func (s *todoServer) titles(t *testing.T, token string) (titles []string) {
	t.Helper()
	got := s.do(t, request{method: "GET", path: "/todos", token: token})
	if got.status != 200 {
		t.Fatalf("GET /todos gave %d %s", got.status, got.body)
	}
	for _, todo := range fromJSON[[]todoJSON](t, got.body) {
		titles = append(titles, todo.Title)
	}
	return titles
}

// titlesRPC lists the todos over gRPC.
func (s *todoServer) titlesRPC(t *testing.T, token string) (titles []string) {
	t.Helper()
	ctx, cancel := s.call(t.Context(), token)
	defer cancel()
	got, err := s.todos.ListTodos(ctx, &todov1.ListTodosRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, todo := range got.GetTodos() {
		titles = append(titles, todo.GetTitle())
	}
	return titles
}

func keycloakRefusals(t *testing.T, k *realKeycloak) {
	s := k.serve(t, "refusals", quiet)
	alice, bob := k.login(t, "todo-cli", "alice"), k.login(t, "todo-cli", "bob")
	other := k.login(t, "other-cli", "alice").Access
	ours := k.login(t, "todo-cli-idaud", "alice")
	if aud, _ := claimsOf(t, ours.ID)["aud"].([]any); !slices.Contains(aud, any("todo-api")) {
		t.Fatalf("the ID token of todo-cli-idaud is for %v, and proves nothing", aud)
	}
	s.serves(t, alice.Access)
	s.serves(t, ours.Access)

	for _, row := range []struct {
		what, token string
		want        refusal
	}{
		{"no token", "", noCredentials},
		{"a token with another subject", k.forge(t, alice.Access, 1, members{"sub": claimsOf(t, bob.Access)["sub"]}), badSignature},
		{"a token that lasts longer", k.forge(t, alice.Access, 1, members{"exp": time.Now().Add(time.Hour).Unix()}), badSignature},
		{"a token with the signature of another", alice.Access[:strings.LastIndex(alice.Access, ".")] + bob.Access[strings.LastIndex(bob.Access, "."):], badSignature},
		{"a token without a signature", k.unsigned(t, alice.Access), invalidToken("ALGORITHM", "the access token is signed with an algorithm that is not accepted here")},
		{"an ID token", alice.ID, badType},
		{"an ID token for our audience", ours.ID, badType},
		{"a refresh token", alice.Refresh, invalidToken("ALGORITHM", "the access token is signed with an algorithm that is not accepted here")},
		{"a token for another service", other, invalidToken("AUDIENCE", "the access token is not meant for this service")},
		{"a token of another realm", k.token(t, "master", form{"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"}).Access, unknownKey},
	} {
		t.Run(row.what, func(t *testing.T) { s.refuses(t, row.token, row.want) })
	}

	s.serves(t, alice.Access)
	if got := s.titles(t, alice.Access); len(got) != 0 {
		t.Errorf("what was refused is there: %q", got)
	}
}

// unsigned returns a token that claims to need no signature (RFC 8725 §2.1).
func (k *realKeycloak) unsigned(t *testing.T, token string) string {
	t.Helper()
	_, claims, _ := strings.Cut(token, ".")
	claims, _, _ = strings.Cut(claims, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + claims + "."
}

func keycloakReadOnly(t *testing.T, k *realKeycloak) {
	s := k.serve(t, "read-only", quiet)
	token := k.login(t, "todo-cli-readonly", "alice").Access
	s.serves(t, token)
	want := refusal{403, `Bearer realm="todo", error="insufficient_scope", scope="todos:write"`, codes.PermissionDenied, "FORBIDDEN"}
	s.refusesHTTP(t, request{method: "POST", path: "/todos", token: token, body: `{"title":"not to be"}`}, want)
	ctx, cancel := s.call(t.Context(), token)
	defer cancel()
	_, err := s.todos.CreateTodo(ctx, &todov1.CreateTodoRequest{Title: "not to be"})
	s.refusesRPC(t, "CreateTodo", err, want)
	if _, scope, _ := detailsOf(err); scope != "todos:write" {
		t.Errorf("CreateTodo asks for the scope %q", scope)
	}
	if got := s.titles(t, token); len(got) != 0 {
		t.Errorf("what was refused is there: %q", got)
	}
}

func keycloakExpiry(t *testing.T, k *realKeycloak) {
	s := k.serve(t, "expiry", quiet)
	token := k.login(t, "todo-cli-short", "alice").Access
	exp, ok := claimsOf(t, token)["exp"].(float64)
	if !ok {
		t.Fatal("the token has no exp")
	}
	s.serves(t, token)
	end := time.Unix(int64(exp), 0).Add(time.Second) // TODO_LEEWAY
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		asked := time.Now()
		status := s.do(t, request{method: "GET", path: "/todos", token: token}).status
		answered := time.Now()
		if status == 200 && asked.After(end) {
			t.Fatalf("the token is accepted %v after exp and the leeway", asked.Sub(end))
		}
		if status != 200 {
			if answered.Before(end) {
				t.Errorf("the token is refused with %d, %v before exp and the leeway", status, end.Sub(answered))
			}
			break
		}
		<-tick.C
	}
	s.refuses(t, token, invalidToken("EXPIRED", "the access token has expired"))
	if n := s.proxy.count(); n != 1 {
		t.Errorf("%d fetches, want 1: an expired token asks for none", n)
	}
}

func keycloakRefreshToken(t *testing.T, k *realKeycloak) {
	s := k.serve(t, "refresh-token", quiet)
	tokens := k.login(t, "todo-cli", "alice")
	if n := s.proxy.count(); n != 1 {
		t.Fatalf("%d fetches at the start, want 1", n)
	}
	if kid := kidOf(t, tokens.Refresh); s.proxy.gave(kid) {
		t.Fatalf("the refresh token's key %s is in the key set, which proves nothing", kid)
	}
	for range 5 {
		s.refuses(t, tokens.Refresh, invalidToken("ALGORITHM", "the access token is signed with an algorithm that is not accepted here"))
	}
	if n := s.proxy.count(); n != 1 {
		t.Errorf("%d fetches after refresh tokens, want 1", n)
	}
	// With an accepted algorithm, an unknown kid does cause one. Were another
	// still under way, there would be two.
	s.refuses(t, k.forge(t, tokens.Access, 0, members{"kid": "nobody's"}), unknownKey)
	if n := s.proxy.count(); n != 2 {
		t.Errorf("%d fetches after an unknown kid, want 2", n)
	}
}

func keycloakDiscovery(t *testing.T, k *realKeycloak) {
	s := k.serveDiscovering(t, "discovery")
	tokens := k.login(t, "todo-cli", "alice")
	s.serves(t, tokens.Access)
	s.refuses(t, tokens.ID, badType)
	if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != http.StatusOK {
		t.Errorf("/readyz gave %d", got.status)
	}
}

// keycloakRoles reads the roles of real tokens, which the todo server does not
// ask for.
func keycloakRoles(t *testing.T, k *realKeycloak) {
	keys, err := jwks.Discover(k.issuer(), &jwks.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{Issuer: k.issuer(), Audience: verifier.AnyOf("todo-api"), Algorithms: []verifier.Algorithm{verifier.RS256}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		user string
		want error
	}{{"alice", nil}, {"bob", verifier.ErrForbidden}} {
		token, err := v.Verify(t.Context(), k.login(t, "todo-cli", row.user).Access)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Authorize(t.Context(), token, keycloak.RealmRole("todo-admin")); !errors.Is(err, row.want) {
			t.Errorf("the realm role todo-admin of %s: %v, want %v", row.user, err, row.want)
		}
		if err := verifier.Authorize(t.Context(), token, keycloak.ClientRole("account", "view-profile")); err != nil {
			t.Errorf("the role view-profile of %s: %v", row.user, err)
		}
	}
}
