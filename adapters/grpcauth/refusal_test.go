package grpcauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// answers is the table of the package comment, with each kind that there is.
var answers = []struct {
	kind    verifier.Kind
	code    codes.Code
	reason  string
	message string
}{
	{verifier.ErrInvalidToken, codes.Unauthenticated, "INVALID_TOKEN", "invalid_token: the access token is not valid"},
	{verifier.ErrNoCredentials, codes.Unauthenticated, "NO_CREDENTIALS", "a bearer token is required"},
	{verifier.ErrInvalidRequest, codes.Unauthenticated, "INVALID_REQUEST", "invalid_request: the authorization metadata must be one bearer credential"},
	{verifier.ErrMalformed, codes.Unauthenticated, "MALFORMED", "invalid_token: the access token is not valid"},
	{verifier.ErrAlgorithm, codes.Unauthenticated, "ALGORITHM", "invalid_token: the access token is not valid"},
	{verifier.ErrType, codes.Unauthenticated, "TYPE", "invalid_token: the access token is not valid"},
	{verifier.ErrBinding, codes.Unauthenticated, "BINDING", "invalid_token: the access token is not valid"},
	{verifier.ErrUnknownKey, codes.Unauthenticated, "UNKNOWN_KEY", "invalid_token: the access token is not valid"},
	{verifier.ErrSignature, codes.Unauthenticated, "SIGNATURE", "invalid_token: the access token is not valid"},
	{verifier.ErrExpired, codes.Unauthenticated, "EXPIRED", "invalid_token: the access token is not valid"},
	{verifier.ErrNotYetValid, codes.Unauthenticated, "NOT_YET_VALID", "invalid_token: the access token is not valid"},
	{verifier.ErrIssuer, codes.Unauthenticated, "ISSUER", "invalid_token: the access token is not valid"},
	{verifier.ErrAudience, codes.Unauthenticated, "AUDIENCE", "invalid_token: the access token is not valid"},
	{verifier.ErrClaim, codes.Unauthenticated, "CLAIM", "invalid_token: the access token is not valid"},
	{verifier.ErrForbidden, codes.PermissionDenied, "FORBIDDEN", "insufficient_scope: the access token is not sufficient for this call"},
	{verifier.ErrKeysUnavailable, codes.Unavailable, "KEYS_UNAVAILABLE", "access tokens cannot be verified at the moment"},
	{verifier.ErrUnavailable, codes.Unavailable, "UNAVAILABLE", "the call cannot be authorized at the moment"},
	// While the caller waits, it is a limit of the service's own that ran out.
	{verifier.ErrCanceled, codes.Unavailable, "CANCELED", "the call cannot be authorized at the moment"},
	{verifier.ErrMisconfigured, codes.Internal, "", "the call could not be authorized"},
}

func TestR101EveryKindHasItsAnswer(t *testing.T) {
	for i, tt := range answers {
		if want := verifier.Kind(i + 1); tt.kind != want {
			t.Fatalf("row %d is about %v, want %v", i, tt.kind, want)
		}
		conn := dial(t, grpcauth.New(refusing(&verifier.Error{Kind: tt.kind, Err: errDatabase}), options()), &service{})
		for _, c := range calls {
			t.Run(tt.kind.String()+"/"+c.name, func(t *testing.T) {
				err := c.call(authorized(t.Context(), "Bearer s3cr3t"), conn)
				wantRefusal(t, err, tt.code, tt.reason)
				if message := status.Convert(err).Message(); message != tt.message {
					t.Errorf("message %q, want %q", message, tt.message)
				}
				_, retry := details(err)
				if want := tt.code == codes.Unavailable; (retry != nil) != want {
					t.Errorf("RetryInfo %v, want one: %t", retry, want)
				}
				wire, failed := proto.Marshal(status.Convert(err).Proto())
				if failed != nil {
					t.Fatal(failed)
				}
				for _, secret := range []string{"s3cr3t", "hunter2"} {
					if strings.Contains(string(wire), secret) {
						t.Errorf("the answer contains %q", secret)
					}
				}
			})
		}
	}
	if next := verifier.Kind(len(answers) + 1).String(); !strings.HasPrefix(next, "kind_") {
		t.Errorf("there is a kind %q without a row", next)
	}
}

func TestR101RetryInfoSaysWhen(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want time.Duration
	}{
		{&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: 2100 * time.Millisecond}, 3 * time.Second},
		{&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: time.Hour}, time.Minute},
		{verifier.ErrUnavailable, time.Second},
		{context.DeadlineExceeded, time.Second},
		{fmt.Errorf("query: %w", context.Canceled), time.Second},
	} {
		conn := dial(t, grpcauth.New(refusing(tt.err), options()), &service{})
		_, retry := details(unary(authorized(t.Context(), "Bearer x"), conn))
		if got := retry.GetRetryDelay().AsDuration(); got != tt.want {
			t.Errorf("%v: retry after %v, want %v", tt.err, got, tt.want)
		}
	}
}

// A caller whom nobody has identified is never told that it may not do something.
func TestR101PermissionDeniedIsForKnownCallers(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	asked := 0
	o := options()
	refuse := func(context.Context, *verifier.Token) error {
		asked++
		return errors.New("not for you")
	}
	o.Require = map[string][]verifier.Check{emptyCall: {refuse}, duplexCall: {refuse}}
	conn := dial(t, grpcauth.New(v, o), &service{})
	for _, c := range calls {
		asked = 0
		for _, values := range [][]string{nil, {"Basic eDp5"}, {"Bearer x"}, {"Bearer x", "Bearer y"}, {"Bearer " + issuer.Token(issuertest.Claims{"aud": "other"})}} {
			if code := status.Code(c.call(authorized(t.Context(), values...), conn)); code != codes.Unauthenticated {
				t.Errorf("%s with %q: %v, want Unauthenticated", c.name, values, code)
			}
		}
		if asked != 0 {
			t.Errorf("%s: a check was asked about an unidentified caller", c.name)
		}
		wantRefusal(t, c.call(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn), codes.PermissionDenied, "FORBIDDEN")
	}
}

func TestChecksKeepTheirMeaning(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	for _, tt := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{errDatabase, codes.PermissionDenied, "FORBIDDEN"},
		{&verifier.Error{Kind: verifier.ErrUnavailable, Err: errDatabase}, codes.Unavailable, "UNAVAILABLE"},
		{context.DeadlineExceeded, codes.Unavailable, "CANCELED"},
		{verifier.ErrClaim, codes.Unauthenticated, "CLAIM"},
	} {
		o := options()
		o.Require = map[string][]verifier.Check{emptyCall: {func(context.Context, *verifier.Token) error { return tt.err }}}
		conn := dial(t, grpcauth.New(v, o), &service{})
		wantRefusal(t, unary(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn), tt.code, tt.reason)
	}
}

// A Check of the service's own may name a scope that protobuf cannot carry.
func TestScopeThatIsNotUTF8(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	o := options()
	o.Require = map[string][]verifier.Check{emptyCall: {func(context.Context, *verifier.Token) error {
		return &verifier.Error{Kind: verifier.ErrForbidden, Scope: "a\xffb"}
	}}}
	err := unary(authorized(t.Context(), "Bearer "+issuer.Token(nil)), dial(t, grpcauth.New(v, o), &service{}))
	wantRefusal(t, err, codes.PermissionDenied, "FORBIDDEN")
	if info, _ := details(err); info.GetMetadata()["scope"] != "a?b" {
		t.Errorf("metadata %v", info.GetMetadata())
	}
}

// A client that has gone does not see the answer, so it is read on the server.
func TestR101CallerGone(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &journal{}
				answered := make(chan error, 1)
				conn := dial(t, grpcauth.New(waiting, &grpcauth.Options{Logger: j.logger()}), &service{}, limited(time.Hour, answered)...)
				ctx, cancel := context.WithCancel(authorized(t.Context(), "Bearer x"))
				time.AfterFunc(time.Second, cancel)
				_ = c.call(ctx, conn)
				wantRefusal(t, <-answered, codes.Canceled, "")
				if line := j.line(t); line["level"] != "DEBUG" || line["kind"] != "canceled" {
					t.Errorf("logged %v", line)
				}
			})
		})
	}
}

func TestR101DeadlinePassed(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &journal{}
				conn := dial(t, grpcauth.New(waiting, &grpcauth.Options{Logger: j.logger()}), &service{}, limited(time.Second, make(chan error, 1))...)
				wantRefusal(t, c.call(authorized(t.Context(), "Bearer x"), conn), codes.DeadlineExceeded, "")
				if line := j.line(t); line["level"] != "DEBUG" || line["kind"] != "canceled" {
					t.Errorf("logged %v", line)
				}
			})
		})
	}
}

// waiting is a verifier that waits for keys for as long as the call lasts.
var waiting = doing(func(ctx context.Context) (*verifier.Token, error) {
	<-ctx.Done()
	return nil, &verifier.Error{Kind: verifier.ErrCanceled, Err: ctx.Err()}
})

// limited ends calls after a time, and tells what our interceptors return.
func limited(limit time.Duration, answered chan<- error) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			response, err := handler(ctx, request)
			answered <- err
			return response, err
		}),
		grpc.StreamInterceptor(func(service any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			ctx, cancel := context.WithTimeout(s.Context(), limit)
			defer cancel()
			err := handler(service, &streamIn{s, ctx})
			answered <- err
			return err
		}),
	}
}

// streamIn is a stream in another context.
type streamIn struct {
	grpc.ServerStream

	ctx context.Context
}

func (s *streamIn) Context() context.Context { return s.ctx }

func TestOneLogLineForARefusal(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	good := issuer.Token(issuertest.Claims{"sub": "alice"})
	forbid := map[string][]verifier.Check{emptyCall: {verifier.Scopes("a")}, duplexCall: {verifier.Scopes("a")}}
	for _, tt := range []struct {
		name     string
		verifier grpcauth.Verifier
		values   []string
		require  map[string][]verifier.Check
		want     map[string]any
	}{
		{"no token", v, nil, nil, map[string]any{"level": "DEBUG", "kind": "no_credentials", "code": "Unauthenticated"}},
		{"bad token", v, []string{"Bearer " + good + "x"}, nil, map[string]any{"level": "DEBUG", "kind": "malformed", "code": "Unauthenticated"}},
		{"forbidden", v, []string{"Bearer " + good}, forbid, map[string]any{"level": "INFO", "kind": "forbidden", "code": "PermissionDenied"}},
		{"keys", refusing(verifier.ErrKeysUnavailable), []string{"Bearer " + good}, nil, map[string]any{"level": "WARN", "kind": "keys_unavailable", "code": "Unavailable"}},
		{"bug", refusing(errDatabase), []string{"Bearer " + good}, nil, map[string]any{"level": "ERROR", "kind": "none", "code": "Internal", "error": errDatabase.Error()}},
	} {
		for _, c := range calls {
			t.Run(tt.name+"/"+c.name, func(t *testing.T) {
				j := &journal{}
				conn := dial(t, grpcauth.New(tt.verifier, &grpcauth.Options{Require: tt.require, Logger: j.logger()}), &service{})
				if c.call(authorized(t.Context(), tt.values...), conn) == nil {
					t.Fatal("not refused")
				}
				line := j.line(t)
				tt.want["msg"], tt.want["method"] = "call refused", c.method
				for key, want := range tt.want {
					if line[key] != want {
						t.Errorf("%s is %v, want %v", key, line[key], want)
					}
				}
				if line["error"] == "" {
					t.Error("the line does not say why")
				}
				caller, _ := line["caller"].(map[string]any)
				if known := tt.name == "forbidden"; known != (caller["sub"] == "alice") {
					t.Errorf("caller %v", caller)
				}
				if signature := good[strings.LastIndex(good, ".")+1:]; strings.Contains(j.String(), signature) {
					t.Error("the token is in the log")
				}
			})
		}
	}
}

func TestNoLineForACallThatGoesThrough(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	j := &journal{}
	conn := dial(t, grpcauth.New(v, &grpcauth.Options{Logger: j.logger(), EndStreamsAtExpiry: true}), &service{})
	for _, c := range calls {
		wantRefusal(t, c.call(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn), codes.OK, "")
	}
	if j.String() != "" {
		t.Errorf("logged %s", j)
	}
}

func TestLoggerDefaultsToSlogDefault(t *testing.T) {
	j := &journal{}
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(j.logger())
	conn := dial(t, grpcauth.New(refusing(verifier.ErrSignature), nil), &service{})
	wantRefusal(t, unary(authorized(t.Context(), "Bearer x"), conn), codes.Unauthenticated, "SIGNATURE")
	if line := j.line(t); line["kind"] != "signature" {
		t.Errorf("logged %v", line)
	}
}
