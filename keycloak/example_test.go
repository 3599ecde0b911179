package keycloak_test

import (
	"context"
	"fmt"

	"github.com/bearerproof/bearerproof/keycloak"
	"github.com/bearerproof/bearerproof/verifier"
)

// aliceToken is what a handler gets for a request of alice, who has the realm role
// "todo-admin" and the roles "reader" and "writer" of the client "todo-api".
func aliceToken() *verifier.Token {
	token, err := verify(alice, nil)
	if err != nil {
		panic(err)
	}
	return token
}

// An adapter's Require takes the check; Authorize is what it calls.
func ExampleRealmRole() {
	token := aliceToken()
	fmt.Println(verifier.Authorize(context.Background(), token, keycloak.RealmRole("todo-admin", "root")))
	fmt.Println(verifier.Authorize(context.Background(), token, keycloak.RealmRole("root")))
	// Output:
	// <nil>
	// verifier: the token is not sufficient: keycloak: the caller has no realm role of "root"
}

// Two checks demand two roles.
func ExampleClientRole() {
	err := verifier.Authorize(context.Background(), aliceToken(),
		keycloak.ClientRole("todo-api", "reader"),
		keycloak.ClientRole("todo-api", "writer"),
	)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleRealmRoles() {
	roles, err := keycloak.RealmRoles(aliceToken())
	fmt.Println(roles, err)
	// Output: [offline_access todo-admin] <nil>
}

func ExampleClientRoles() {
	roles, err := keycloak.ClientRoles(aliceToken(), "todo-api")
	fmt.Println(roles, err)
	// Output: [reader writer] <nil>
}

func ExamplePreferredUsername() {
	name, err := keycloak.PreferredUsername(aliceToken())
	fmt.Println(name, err)
	// Output: alice <nil>
}
