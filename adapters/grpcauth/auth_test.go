package grpcauth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestR100Credential(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	token := issuer.Token(nil)
	conn := dial(t, grpcauth.New(v, options()), &service{})
	for _, tt := range []struct {
		name   string
		values []string
		reason string // "" for a call that goes through
	}{
		{"none", nil, "NO_CREDENTIALS"},
		{"a bearer token", []string{"Bearer " + token}, ""},
		{"the scheme in lower case", []string{"bearer " + token}, ""},
		{"the scheme in upper case", []string{"BEARER " + token}, ""},
		{"several spaces", []string{"Bearer   " + token}, ""},
		{"two values", []string{"Bearer " + token, "Bearer " + token}, "INVALID_REQUEST"},
		{"two values, one of another scheme", []string{"Basic eDp5", "Bearer " + token}, "INVALID_REQUEST"},
		{"two values, the second empty", []string{"Bearer " + token, ""}, "INVALID_REQUEST"},
		{"a list", []string{"Bearer " + token + ", Bearer " + token}, "INVALID_REQUEST"},
		{"another scheme", []string{"Basic eDp5"}, "NO_CREDENTIALS"},
		{"no token", []string{"Bearer"}, "INVALID_REQUEST"},
		{"an empty value", []string{""}, "INVALID_REQUEST"},
		{"no scheme", []string{token}, "NO_CREDENTIALS"},
		{"a second word", []string{"Bearer " + token + " x"}, "INVALID_REQUEST"},
		{"a character outside b64token", []string{"Bearer " + token + "!"}, "INVALID_REQUEST"},
		{"not a JWT", []string{"Bearer x"}, "MALFORMED"},
		{"an expired token", []string{"Bearer " + issuer.Token(issuertest.Claims{"exp": 1})}, "EXPIRED"},
		{"a token for another service", []string{"Bearer " + issuer.Token(issuertest.Claims{"aud": "other"})}, "AUDIENCE"},
	} {
		for _, c := range calls {
			t.Run(c.name+"/"+tt.name, func(t *testing.T) {
				code := codes.Unauthenticated
				if tt.reason == "" {
					code = codes.OK
				}
				wantRefusal(t, c.call(authorized(t.Context(), tt.values...), conn), code, tt.reason)
			})
		}
	}
}

func TestR100OnlyAuthorizationIsRead(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	conn := dial(t, grpcauth.New(v, options()), &service{})
	for _, key := range []string{"proxy-authorization", "x-authorization", "access_token", "grpc-metadata-authorization"} {
		for _, c := range calls {
			ctx := metadata.AppendToOutgoingContext(t.Context(), key, "Bearer "+issuer.Token(nil))
			wantRefusal(t, c.call(ctx, conn), codes.Unauthenticated, "NO_CREDENTIALS")
		}
	}
	ctx := metadata.AppendToOutgoingContext(authorized(t.Context(), "Bearer "+issuer.Token(nil)), "proxy-authorization", "Basic eDp5")
	if err := unary(ctx, conn); err != nil {
		t.Errorf("a credential for a proxy made ours unreadable: %v", err)
	}
}

func TestHandlerGetsTheToken(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	subjects := make(chan string, 2)
	tell := func(ctx context.Context) error {
		token, found := verifier.FromContext(ctx)
		if !found {
			return errors.New("no token")
		}
		subjects <- token.Subject()
		return nil
	}
	for _, ending := range []bool{false, true} {
		o := options()
		o.EndStreamsAtExpiry = ending
		conn := dial(t, grpcauth.New(v, o), &service{
			unary:  tell,
			duplex: func(s duplexServer) error { return tell(s.Context()) },
		})
		for _, c := range calls {
			if err := c.call(authorized(t.Context(), "Bearer "+issuer.Token(issuertest.Claims{"sub": "bob"})), conn); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if subject := <-subjects; subject != "bob" {
				t.Errorf("%s: subject %q, want bob", c.name, subject)
			}
		}
	}
}

// everyMethod calls each method of a server, of whatever service, with an empty
// message, and returns the codes by full name.
func everyMethod(ctx context.Context, server *grpc.Server, conn *grpc.ClientConn) map[string]codes.Code {
	results := make(map[string]codes.Code)
	for name, info := range server.GetServiceInfo() {
		for _, method := range info.Methods {
			full := "/" + name + "/" + method.Name
			results[full] = status.Code(rawCall(ctx, conn, full))
		}
	}
	return results
}

// rawCall makes a call of any shape and waits for the first answer.
func rawCall(ctx context.Context, conn *grpc.ClientConn, method string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
	if err != nil {
		return err
	}
	if err := client.SendMsg(&grpc_testing.Empty{}); err == nil {
		_ = client.CloseSend()
	}
	if err := client.RecvMsg(&grpc_testing.Empty{}); err != nil && err.Error() != "EOF" {
		return err
	}
	return nil
}

func TestR102EveryMethodNeedsATokenUnlessItIsNamed(t *testing.T) {
	v, _ := verifierAndIssuer(t)
	for _, public := range [][]string{nil, {check}, {watch, emptyCall}} {
		o := options()
		o.Public = public
		auth := grpcauth.New(v, o)
		server := newServer(auth, &service{})
		if err := auth.Validate(server); err != nil {
			t.Fatal(err)
		}
		results := everyMethod(t.Context(), server, connect(t, server))
		if len(results) < 12 {
			t.Fatalf("the server has only the methods %v", results)
		}
		for method, code := range results {
			want := codes.Unauthenticated
			if slices.Contains(public, method) {
				want = codes.OK
			}
			if code != want {
				t.Errorf("with %q public, %s without a token: %v, want %v", public, method, code, want)
			}
		}
	}
}

func TestR102UnknownMethodsNeedATokenToo(t *testing.T) {
	v, _ := verifierAndIssuer(t)
	called := false
	conn := dial(t, grpcauth.New(v, options()), &service{}, grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
		called = true
		return nil
	}))
	wantRefusal(t, rawCall(t.Context(), conn, "/unknown.Service/Method"), codes.Unauthenticated, "NO_CREDENTIALS")
	if called {
		t.Error("the handler for unknown services was called without a token")
	}
}

func TestPublicMethodIgnoresCredentials(t *testing.T) {
	o := options()
	o.Public = []string{emptyCall, duplexCall}
	asked := false
	conn := dial(t, grpcauth.New(doing(func(context.Context) (*verifier.Token, error) {
		asked = true
		return nil, verifier.ErrKeysUnavailable
	}), o), &service{})
	for _, c := range calls {
		if err := c.call(authorized(t.Context(), "Bearer x", "Bearer y"), conn); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if asked {
		t.Error("the verifier was asked about a token of a public method")
	}
}

func TestRequire(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	for _, c := range calls {
		o := options()
		o.Require = map[string][]verifier.Check{c.method: {verifier.Scopes("todos:read"), verifier.Scopes("todos:write", "todos:share")}}
		conn := dial(t, grpcauth.New(v, o), &service{})
		for scope, missing := range map[string]string{
			"":                                   "todos:read",
			"todos:read":                         "todos:write todos:share",
			"todos:read todos:write":             "todos:write todos:share",
			"todos:read todos:write todos:share": "",
		} {
			err := c.call(authorized(t.Context(), "Bearer "+issuer.Token(issuertest.Claims{"scope": scope})), conn)
			if missing == "" {
				wantRefusal(t, err, codes.OK, "")
				continue
			}
			wantRefusal(t, err, codes.PermissionDenied, "FORBIDDEN")
			if info, _ := details(err); info.GetMetadata()["scope"] != missing {
				t.Errorf("%s with scope %q: metadata %v, want scope %q", c.name, scope, info.GetMetadata(), missing)
			}
		}
		// The other method has no requirement.
		for _, other := range calls {
			if other.method != c.method {
				wantRefusal(t, other.call(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn), codes.OK, "")
			}
		}
	}
}

func TestAMethodInBothListsNeedsAToken(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	o := options()
	o.Public = []string{emptyCall, duplexCall}
	o.Require = map[string][]verifier.Check{emptyCall: {verifier.Scopes("a")}, duplexCall: nil}
	conn := dial(t, grpcauth.New(v, o), &service{})
	for _, c := range calls {
		wantRefusal(t, c.call(t.Context(), conn), codes.Unauthenticated, "NO_CREDENTIALS")
	}
	wantRefusal(t, unary(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn), codes.PermissionDenied, "FORBIDDEN")
}

func TestOptionsAreCopied(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	o := options()
	o.Public = []string{check}
	o.Require = map[string][]verifier.Check{emptyCall: {verifier.Scopes("a")}}
	conn := dial(t, grpcauth.New(v, o), &service{})
	o.Public[0] = emptyCall
	o.Require[emptyCall][0] = func(context.Context, *verifier.Token) error { return nil }
	delete(o.Require, emptyCall)
	wantRefusal(t, unary(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn), codes.PermissionDenied, "FORBIDDEN")
}

func TestMisconfiguredAuthLetsNothingThrough(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	o := options()
	o.Public = []string{emptyCall, duplexCall}
	nilCheck := options()
	nilCheck.Require = map[string][]verifier.Check{emptyCall: {nil}, duplexCall: {nil}}
	for name, auth := range map[string]*grpcauth.Auth{
		"nil":               nil,
		"zero":              {},
		"nil Verifier":      grpcauth.New(nil, o),
		"zero Verifier":     grpcauth.New(&verifier.Verifier{}, options()),
		"nil *Verifier":     grpcauth.New((*verifier.Verifier)(nil), options()),
		"nil Check":         grpcauth.New(v, nilCheck),
		"no token":          grpcauth.New(refusing(nil), options()),
		"a made-up token":   grpcauth.New(doing(func(context.Context) (*verifier.Token, error) { return &verifier.Token{}, nil }), options()),
		"an unknown error":  grpcauth.New(refusing(errDatabase), options()),
		"an unknown Kind":   grpcauth.New(refusing(verifier.Kind(200)), options()),
		"ErrMisconfigured":  grpcauth.New(refusing(verifier.ErrMisconfigured), options()),
		"an error of no ID": grpcauth.New(refusing(&verifier.Error{Err: errDatabase}), options()),
	} {
		conn := dial(t, auth, &service{})
		for _, c := range calls {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				err := c.call(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn)
				wantRefusal(t, err, codes.Internal, "")
				if message := status.Convert(err).Message(); message != "the call could not be authorized" {
					t.Errorf("message %q", message)
				}
			})
		}
	}
}

// Chained interceptors run behind ours, and one that is set without a chain before.
func TestServerOptionsRunFirst(t *testing.T) {
	v, issuer := verifierAndIssuer(t)
	var seen []string
	note := func(ctx context.Context, name string) {
		_, found := verifier.FromContext(ctx)
		seen = append(seen, name+map[bool]string{true: " with", false: " without"}[found])
	}
	noteUnary := func(name string) grpc.UnaryServerInterceptor {
		return func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			note(ctx, name)
			return handler(ctx, request)
		}
	}
	noteStream := func(name string) grpc.StreamServerInterceptor {
		return func(service any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			note(s.Context(), name)
			return handler(service, s)
		}
	}
	conn := dial(t, grpcauth.New(v, options()), &service{},
		grpc.ChainUnaryInterceptor(noteUnary("chained")), grpc.ChainStreamInterceptor(noteStream("chained")),
		grpc.UnaryInterceptor(noteUnary("set")), grpc.StreamInterceptor(noteStream("set")))
	for _, c := range calls {
		seen = nil
		wantRefusal(t, c.call(authorized(t.Context(), "Bearer "+issuer.Token(nil)), conn), codes.OK, "")
		if got := strings.Join(seen, ", "); got != "set without, chained with" {
			t.Errorf("%s with a token: %s", c.name, got)
		}
		seen = nil
		wantRefusal(t, c.call(t.Context(), conn), codes.Unauthenticated, "NO_CREDENTIALS")
		if got := strings.Join(seen, ", "); got != "set without" {
			t.Errorf("%s without a token: %s", c.name, got)
		}
	}
}
