package keycloak_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/keycloak"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestRoleChecks(t *testing.T) {
	for name, test := range map[string]struct {
		check   verifier.Check
		members string
		want    verifier.Kind // 0 where the caller is let in
	}{
		"a realm role":                        {keycloak.RealmRole("todo-admin"), alice, 0},
		"one of several":                      {keycloak.RealmRole("root", "todo-admin"), alice, 0},
		"none of several":                     {keycloak.RealmRole("root", "boss"), alice, verifier.ErrForbidden},
		"a part of a name":                    {keycloak.RealmRole("todo"), alice, verifier.ErrForbidden},
		"another case":                        {keycloak.RealmRole("TODO-ADMIN"), alice, verifier.ErrForbidden},
		"a client role is no realm role":      {keycloak.RealmRole("reader"), alice, verifier.ErrForbidden},
		"no realm_access":                     {keycloak.RealmRole("todo-admin"), "", verifier.ErrForbidden},
		"realm_access without roles":          {keycloak.RealmRole("todo-admin"), `"realm_access":{}`, verifier.ErrForbidden},
		"no role at all":                      {keycloak.RealmRole("todo-admin"), `"realm_access":{"roles":[]}`, verifier.ErrForbidden},
		"roles at the top are not read":       {keycloak.RealmRole("todo-admin"), `"roles":["todo-admin"]`, verifier.ErrForbidden},
		"an empty name is no role":            {keycloak.RealmRole(""), `"realm_access":{"roles":[""]}`, verifier.ErrForbidden},
		"a client role":                       {keycloak.ClientRole("todo-api", "reader"), alice, 0},
		"one of a client's":                   {keycloak.ClientRole("todo-api", "owner", "writer"), alice, 0},
		"another client's":                    {keycloak.ClientRole("todo-api", "view-profile"), alice, verifier.ErrForbidden},
		"a client that is absent":             {keycloak.ClientRole("other", "reader"), alice, verifier.ErrForbidden},
		"an empty client name":                {keycloak.ClientRole("", "reader"), alice, verifier.ErrForbidden},
		"a realm role is no client role":      {keycloak.ClientRole("todo-api", "todo-admin"), alice, verifier.ErrForbidden},
		"no resource_access":                  {keycloak.ClientRole("todo-api", "reader"), "", verifier.ErrForbidden},
		"realm_access a string":               {keycloak.RealmRole("todo-admin"), `"realm_access":"todo-admin"`, verifier.ErrClaim},
		"realm_access null":                   {keycloak.RealmRole("todo-admin"), `"realm_access":null`, verifier.ErrClaim},
		"realm roles a string":                {keycloak.RealmRole("todo-admin"), `"realm_access":{"roles":"todo-admin"}`, verifier.ErrClaim},
		"realm roles null":                    {keycloak.RealmRole("todo-admin"), `"realm_access":{"roles":null}`, verifier.ErrClaim},
		"a realm role that is a number":       {keycloak.RealmRole("todo-admin"), `"realm_access":{"roles":["todo-admin",1]}`, verifier.ErrClaim},
		"a realm role that is null":           {keycloak.RealmRole("todo-admin"), `"realm_access":{"roles":["todo-admin",null]}`, verifier.ErrClaim},
		"resource_access an array":            {keycloak.ClientRole("todo-api", "reader"), `"resource_access":["todo-api"]`, verifier.ErrClaim},
		"resource_access null":                {keycloak.ClientRole("todo-api", "reader"), `"resource_access":null`, verifier.ErrClaim},
		"a client null":                       {keycloak.ClientRole("todo-api", "reader"), `"resource_access":{"todo-api":null}`, verifier.ErrClaim},
		"a client's roles an object":          {keycloak.ClientRole("todo-api", "reader"), `"resource_access":{"todo-api":{"roles":{"reader":true}}}`, verifier.ErrClaim},
		"a fault of another client's entries": {keycloak.ClientRole("todo-api", "reader"), `"resource_access":{"x":1,"todo-api":{"roles":["reader"]}}`, verifier.ErrClaim},
	} {
		t.Run(name, func(t *testing.T) {
			err := verifier.Authorize(t.Context(), tokenWith(t, test.members), test.check)
			if got := verifier.KindOf(err); got != test.want || (err == nil) != (test.want == 0) {
				t.Errorf("%v of kind %s, want %s", err, got.String(), test.want.String())
			}
		})
	}
}

func TestRoleRefusalIsAPlainErrorThatNamesTheRoles(t *testing.T) {
	token := tokenWith(t, alice)
	for _, check := range []verifier.Check{keycloak.RealmRole("root", "boss"), keycloak.ClientRole("todo-api", "root", "boss")} {
		err := check(t.Context(), token)
		if err == nil || verifier.KindOf(err) != 0 {
			t.Fatalf("error %v has a kind of its own", err)
		}
		if text := err.Error(); !strings.Contains(text, `"root"`) || !strings.Contains(text, `"boss"`) || strings.Contains(text, "alice") || strings.Contains(text, "todo-admin") {
			t.Errorf("text %q", text)
		}
		if _, err := verify(alice, check); !errors.Is(err, verifier.ErrClaim) {
			t.Errorf("in Config.Check: %v", err)
		}
	}
}

func TestSeveralChecksDemandSeveralRoles(t *testing.T) {
	token := tokenWith(t, alice)
	both := []verifier.Check{keycloak.RealmRole("todo-admin"), keycloak.ClientRole("todo-api", "writer")}
	if err := verifier.Authorize(t.Context(), token, both...); err != nil {
		t.Error(err)
	}
	if err := verifier.Authorize(t.Context(), token, append(both, keycloak.RealmRole("root"))...); !errors.Is(err, verifier.ErrForbidden) {
		t.Errorf("error %v", err)
	}
}

func TestChecksKeepTheirRoles(t *testing.T) {
	more := []string{"todo-admin"}
	check := keycloak.RealmRole("root", more...)
	more[0] = "changed"
	if err := check(t.Context(), tokenWith(t, alice)); err != nil {
		t.Error(err)
	}
}

func TestRoles(t *testing.T) {
	token := tokenWith(t, alice)
	if got, err := keycloak.RealmRoles(token); err != nil || !slices.Equal(got, []string{"offline_access", "todo-admin"}) {
		t.Errorf("realm roles %q, %v", got, err)
	}
	if got, err := keycloak.ClientRoles(token, "todo-api"); err != nil || !slices.Equal(got, []string{"reader", "writer"}) {
		t.Errorf("client roles %q, %v", got, err)
	}
	if got, err := keycloak.ClientRoles(token, "other"); err != nil || got != nil {
		t.Errorf("roles of an absent client %q, %v", got, err)
	}
	bare := tokenWith(t, "")
	if got, err := keycloak.RealmRoles(bare); err != nil || got != nil {
		t.Errorf("realm roles %q, %v", got, err)
	}
}

// A token of the wrong shape gives no roles, not even those that could be read.
func TestFaultsGiveNothing(t *testing.T) {
	token := tokenWith(t, `"realm_access":{"roles":["a",1]},"resource_access":{"x":{"roles":["b"]},"y":1},"preferred_username":["c"]`)
	realm, realmErr := keycloak.RealmRoles(token)
	client, clientErr := keycloak.ClientRoles(token, "x")
	name, nameErr := keycloak.PreferredUsername(token)
	for what, err := range map[string]error{"realm": realmErr, "client": clientErr, "name": nameErr} {
		if !errors.Is(err, verifier.ErrClaim) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if got := fmt.Sprint(realm, client, name); got != "[] []" {
		t.Errorf("got %q", got)
	}
	for _, none := range []*verifier.Token{nil, {}} {
		if _, err := keycloak.RealmRoles(none); !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("a token that nobody verified: %v", err)
		}
		if err := keycloak.ClientRole("x", "y")(t.Context(), none); !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("a token that nobody verified: %v", err)
		}
	}
}

func TestPreferredUsername(t *testing.T) {
	for members, want := range map[string]string{alice: "alice", "": "", `"preferred_username":"service-account-todo"`: "service-account-todo"} {
		if got, err := keycloak.PreferredUsername(tokenWith(t, members)); err != nil || got != want {
			t.Errorf("name %q, %v, want %q", got, err, want)
		}
	}
	for _, wrong := range []string{"1", "null", "{}", `["alice"]`, "true"} {
		if got, err := keycloak.PreferredUsername(tokenWith(t, `"preferred_username":`+wrong)); got != "" || verifier.KindOf(err) != verifier.ErrClaim {
			t.Errorf("%s: name %q, %v", wrong, got, err)
		}
	}
}
