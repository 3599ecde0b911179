//go:build keycloak

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bearerproof/bearerproof/examples/todo/todov1"
)

// refusal is the same refusal over HTTP and over gRPC.
type refusal struct {
	status    int
	challenge string
	code      codes.Code
	reason    string // of the ErrorInfo
}

// invalidToken is the refusal of a token with a fault, which each transport
// names in its own words.
func invalidToken(reason, description string) refusal {
	return refusal{401, `Bearer realm="todo", error="invalid_token", error_description="` + description + `"`, codes.Unauthenticated, reason}
}

func (r refusal) String() string { return r.reason }

// The refusals that more than one test expects.
var (
	noCredentials = refusal{401, `Bearer realm="todo"`, codes.Unauthenticated, "NO_CREDENTIALS"}
	badSignature  = invalidToken("SIGNATURE", "the signature of the access token is not valid")
	badType       = invalidToken("TYPE", "this type of token is not accepted here")
	unknownKey    = invalidToken("UNKNOWN_KEY", "the access token is signed with an unknown key")
	noKeys        = refusal{503, "", codes.Unavailable, "KEYS_UNAVAILABLE"}
)

// list asks for the todos over HTTP. The error is an answer but 200.
func (s *todoServer) list(ctx context.Context, token string) error {
	r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/todos", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	code, text, err := fetchText(r)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("GET /todos gave %d %s", code, text)
	}
	return err
}

// listRPC is list over gRPC.
func (s *todoServer) listRPC(ctx context.Context, token string) error {
	ctx, cancel := s.call(ctx, token)
	defer cancel()
	if _, err := s.todos.ListTodos(ctx, &todov1.ListTodosRequest{}); err != nil {
		return fmt.Errorf("ListTodos gave %w", err)
	}
	return nil
}

// serves checks that the token is accepted over both.
func (s *todoServer) serves(t *testing.T, token string) {
	t.Helper()
	if err := errors.Join(s.list(t.Context(), token), s.listRPC(t.Context(), token)); err != nil {
		t.Errorf("server %s: %v", s.name, err)
	}
}

// refuses checks that the token is refused as wanted: reading and writing, over
// HTTP, and over gRPC with one answer and with a stream of them.
func (s *todoServer) refuses(t *testing.T, token string, want refusal) {
	t.Helper()
	s.refusesHTTP(t, request{method: "GET", path: "/todos", token: token}, want)
	s.refusesHTTP(t, request{method: "POST", path: "/todos", token: token, body: `{"title":"not to be"}`}, want)
	ctx, cancel := s.call(t.Context(), token)
	defer cancel()
	_, err := s.todos.ListTodos(ctx, &todov1.ListTodosRequest{})
	s.refusesRPC(t, "ListTodos", err, want)
	_, err = s.todos.CreateTodo(ctx, &todov1.CreateTodoRequest{Title: "not to be"})
	s.refusesRPC(t, "CreateTodo", err, want)
	s.refusesRPC(t, "WatchTodos", s.watch(ctx), want)
}

// watch returns the error with which a watch begins.
func (s *todoServer) watch(ctx context.Context) error {
	stream, err := s.todos.WatchTodos(ctx, &todov1.WatchTodosRequest{})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

func (s *todoServer) refusesHTTP(t *testing.T, in request, want refusal) {
	t.Helper()
	got := s.do(t, in)
	challenge := strings.Join(got.header.Values("WWW-Authenticate"), "; ")
	if got.status != want.status || challenge != want.challenge {
		t.Errorf("%s %s gave %d with the challenge %q, want %d with %q", in.method, in.path, got.status, challenge, want.status, want.challenge)
	}
	if got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s gave Content-Type %q and Cache-Control %q", in.method, in.path, got.header.Get("Content-Type"), got.header.Get("Cache-Control"))
	}
	if shown := fromJSON[problem](t, got.body); shown.Status != want.status || s.keycloak.leakedIn(got.body) != "" {
		t.Errorf("%s %s gave the problem %+v", in.method, in.path, shown)
	}
	after := got.header.Get("Retry-After")
	if n, err := strconv.Atoi(after); want.status == 503 && (err != nil || n < 1 || n > 60) || want.status != 503 && after != "" {
		t.Errorf("%s %s gave %d with Retry-After %q", in.method, in.path, got.status, after)
	}
}

func (s *todoServer) refusesRPC(t *testing.T, method string, err error, want refusal) {
	t.Helper()
	reason, _, retry := detailsOf(err)
	if status.Code(err) != want.code || reason != want.reason {
		t.Errorf("%s gave %v with the reason %q, want %v with %q", method, err, reason, want.code, want.reason)
	}
	if want.code == codes.Unavailable && (retry < time.Second || retry > time.Minute) || want.code != codes.Unavailable && retry != 0 {
		t.Errorf("%s gave %v with the delay %v", method, err, retry)
	}
}

// detailsOf returns what the ErrorInfo and the RetryInfo of an error say.
func detailsOf(err error) (reason, scope string, retry time.Duration) {
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case interface {
			GetReason() string
			GetMetadata() map[string]string
		}:
			reason, scope = d.GetReason(), d.GetMetadata()["scope"]
		case interface{ GetRetryDelay() *durationpb.Duration }:
			retry = d.GetRetryDelay().AsDuration()
		}
	}
	return reason, scope, retry
}
