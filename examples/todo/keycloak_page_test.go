//go:build keycloak

package main

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// keycloakPage is the documentation of what this file tries.
const keycloakPage = "../../docs/keycloak.md"

// shownIn returns the JSON of the page that stands behind a comment of that text, one
// block for each.
func shownIn(t *testing.T, comment string) []string {
	t.Helper()
	page, err := os.ReadFile(keycloakPage)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)<!-- "+comment+" -->\n```json\n(.*?)```").FindAllSubmatch(page, -1) {
		blocks = append(blocks, string(match[1]))
	}
	if len(blocks) == 0 {
		t.Fatalf("the page has nothing behind %q", comment)
	}
	return blocks
}

// TestKeycloakPageShowsTheRealm compares the clients and the scopes that docs/keycloak.md
// shows with those of the realm.
func TestKeycloakPageShowsTheRealm(t *testing.T) {
	text, err := os.ReadFile("keycloak/myrealm-realm.json")
	if err != nil {
		t.Fatal(err)
	}
	realm := fromJSON[struct {
		Clients      []members `json:"clients"`
		ClientScopes []members `json:"clientScopes"`
	}](t, string(text))
	for _, block := range shownIn(t, "from the realm") {
		shown := fromJSON[members](t, block)
		if !slices.ContainsFunc(append(realm.Clients, realm.ClientScopes...), func(there members) bool { return reflect.DeepEqual(there, shown) }) {
			t.Errorf("the realm does not have this:\n%s", block)
		}
	}
}

// explainPage compares the tokens that docs/keycloak.md shows with Keycloak's. What
// differs from one token to the next is not compared.
func explainPage(t *testing.T, b bearerproof) {
	k := b.keycloak
	online := k.token(t, "myrealm", form{"grant_type": "password", "client_id": "todo-cli", "username": "bob", "password": "bob", "scope": "openid"})
	offline := k.token(t, "myrealm", form{"grant_type": "password", "client_id": "todo-cli", "username": "bob", "password": "bob", "scope": "openid offline_access"})
	for kind, token := range map[string]string{"access": online.Access, "id": online.ID, "refresh": online.Refresh, "offline": offline.Refresh, "logout": b.logout} {
		t.Run(kind, func(t *testing.T) {
			block := shownIn(t, "token "+kind)[0]
			if strings.Contains(block, strings.Split(token, ".")[2]) || strings.Contains(block, "eyJ") {
				t.Error("the page shows an encoded token")
			}
			header, claims, _ := strings.Cut(block, "\n")
			wantAlike(t, fromJSON[members](t, header), headerOf(t, token))
			wantAlike(t, fromJSON[members](t, claims), claimsOf(t, token))
		})
	}
}

// wantAlike fails unless two parts of tokens have the same members, with equal values
// where they are not of one token alone.
func wantAlike(t *testing.T, shown, given members) {
	t.Helper()
	names := func(of members) []string { return slices.Sorted(maps.Keys(of)) }
	if !slices.Equal(names(shown), names(given)) {
		t.Errorf("the page shows the members %q, Keycloak gives %q", names(shown), names(given))
	}
	for name, value := range shown {
		switch name {
		case "exp", "iat", "jti", "kid", "sub", "sid", "at_hash":
			continue
		}
		if there := stable(name, given[name]); !reflect.DeepEqual(stable(name, value), there) {
			t.Errorf("the page shows %s %v, Keycloak gives %v", name, value, there)
		}
	}
}

// stable is a claim's value without its port, and without its order where that has
// no meaning.
func stable(name string, value any) any {
	text, isText := value.(string)
	switch {
	case name == "scope" && isText:
		return slices.Sorted(slices.Values(strings.Fields(text)))
	case isText:
		return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "127.0.0.1")
	}
	return value
}
