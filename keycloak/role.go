package keycloak

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerproof/bearerproof/verifier"
)

// roles is the value of "realm_access" and of each member of "resource_access".
type roles struct {
	Roles names `json:"roles"`
}

// RealmRole demands that the caller has at least one of the given realm roles, which
// stand in "realm_access". Roles are compared byte for byte.
func RealmRole(first string, more ...string) verifier.Check {
	wanted := append([]string{first}, more...)
	return func(_ context.Context, t *verifier.Token) error {
		held, err := RealmRoles(t)
		if err != nil {
			return err
		}
		if !containsAny(held, wanted) {
			return fmt.Errorf("keycloak: the caller has no realm role of %s", listed(wanted))
		}
		return nil
	}
}

// ClientRole demands that the caller has at least one of the given roles of one
// client, which stand in "resource_access" under the client's id. Names are compared
// byte for byte. A realm role of the same name does not count.
func ClientRole(client, first string, more ...string) verifier.Check {
	wanted := append([]string{first}, more...)
	return func(_ context.Context, t *verifier.Token) error {
		held, err := ClientRoles(t, client)
		if err != nil {
			return err
		}
		if !containsAny(held, wanted) {
			return fmt.Errorf("keycloak: the caller has no role of client %q out of %s", client, listed(wanted))
		}
		return nil
	}
}

// RealmRoles returns the realm roles of the token, or nil if it has none. The error
// is of kind [verifier.ErrClaim] where "realm_access" or its "roles" has the wrong
// type.
func RealmRoles(t *verifier.Token) ([]string, error) {
	c, err := verifier.Claims[struct {
		Realm claim[roles] `json:"realm_access"`
	}](t)
	return c.Realm.value.Roles, err
}

// ClientRoles returns the roles of one client in the token, or nil if it has none.
// The error is of kind [verifier.ErrClaim] where "resource_access", one of its
// members or the "roles" of one has the wrong type.
func ClientRoles(t *verifier.Token, client string) ([]string, error) {
	c, err := verifier.Claims[struct {
		Clients claim[map[string]claim[roles]] `json:"resource_access"`
	}](t)
	return c.Clients.value[client].value.Roles, err
}

// containsAny reports whether one of the wanted roles is held. An empty name is no
// role.
func containsAny(held, wanted []string) bool {
	return slices.ContainsFunc(wanted, func(role string) bool {
		return role != "" && slices.Contains(held, role)
	})
}

// listed writes role names for a log.
func listed(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
