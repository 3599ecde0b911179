package grpcauth_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestValidate(t *testing.T) {
	v, _ := verifierAndIssuer(t)
	scoped := []verifier.Check{verifier.Scopes("a")}
	for _, tt := range []struct {
		name   string
		public []string
		need   map[string][]verifier.Check
		faults []string
	}{
		{"nothing", nil, nil, nil},
		{"right names", []string{check, watch}, map[string][]verifier.Check{emptyCall: scoped, duplexCall: nil}, nil},
		{"a name twice", []string{check, check}, nil, nil},
		{
			"names that the server does not have",
			[]string{
				"/grpc.health.v1.Health/check", "grpc.health.v1.Health/Check", "/grpc.health.v1.Health", "/grpc.health.v1.Health/*",
				"/grpc.health.v1.Health/", "", "*", "//grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check ",
			},
			map[string][]verifier.Check{"/grpc.testing.TestService/DeleteAll": scoped},
			[]string{
				`grpcauth: Options.Public: the server has no method ""`,
				`grpcauth: Options.Public: the server has no method "*"`,
				`grpcauth: Options.Public: the server has no method "//grpc.health.v1.Health/Check"`,
				`grpcauth: Options.Public: the server has no method "/grpc.health.v1.Health"`,
				`grpcauth: Options.Public: the server has no method "/grpc.health.v1.Health/"`,
				`grpcauth: Options.Public: the server has no method "/grpc.health.v1.Health/*"`,
				`grpcauth: Options.Public: the server has no method "/grpc.health.v1.Health/Check "`,
				`grpcauth: Options.Public: the server has no method "/grpc.health.v1.Health/check"`,
				`grpcauth: Options.Public: the server has no method "grpc.health.v1.Health/Check"`,
				`grpcauth: Options.Require: the server has no method "/grpc.testing.TestService/DeleteAll"`,
			},
		},
		{
			"a name in both",
			[]string{emptyCall, duplexCall},
			map[string][]verifier.Check{emptyCall: scoped, duplexCall: {}},
			[]string{
				`grpcauth: "/grpc.testing.TestService/EmptyCall" is both in Options.Public and in Options.Require`,
				`grpcauth: "/grpc.testing.TestService/FullDuplexCall" is both in Options.Public and in Options.Require`,
			},
		},
		{
			"nil checks",
			nil,
			map[string][]verifier.Check{emptyCall: {scoped[0], nil, nil}},
			[]string{
				`grpcauth: Options.Require: check 2 of "/grpc.testing.TestService/EmptyCall" is nil`,
				`grpcauth: Options.Require: check 3 of "/grpc.testing.TestService/EmptyCall" is nil`,
			},
		},
		{
			"everything at once",
			[]string{"/x/Y"},
			map[string][]verifier.Check{"/x/Y": {nil}},
			[]string{
				`grpcauth: "/x/Y" is both in Options.Public and in Options.Require`,
				`grpcauth: Options.Public: the server has no method "/x/Y"`,
				`grpcauth: Options.Require: check 1 of "/x/Y" is nil`,
				`grpcauth: Options.Require: the server has no method "/x/Y"`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			auth := grpcauth.New(v, &grpcauth.Options{Public: tt.public, Require: tt.need})
			err := auth.Validate(newServer(auth, &service{}))
			var faults []string
			if err != nil {
				faults = strings.Split(err.Error(), "\n")
			}
			slices.Sort(faults)
			if !slices.Equal(faults, tt.faults) {
				t.Errorf("faults\n%s\nwant\n%s", strings.Join(faults, "\n"), strings.Join(tt.faults, "\n"))
			}
		})
	}
}

func TestValidateWithoutVerifierOrServer(t *testing.T) {
	v, _ := verifierAndIssuer(t)
	server := grpc.NewServer()
	for name, err := range map[string]error{
		"nil Auth":     (*grpcauth.Auth)(nil).Validate(server),
		"zero Auth":    (&grpcauth.Auth{}).Validate(server),
		"nil Verifier": grpcauth.New(nil, nil).Validate(server),
		"nil server":   grpcauth.New(v, nil).Validate(nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
