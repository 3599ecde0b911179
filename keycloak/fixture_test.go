package keycloak_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

const issuer = "https://id.example.com/realms/myrealm"

// keys is a KeySet of the one key that the tokens of this test are signed with.
type keys struct{ key *verifier.Key }

func (k keys) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	return []*verifier.Key{k.key}, nil
}

// verify signs a payload of good claims and these members, and verifies it.
func verify(members string, check verifier.Check) (*verifier.Token, error) {
	private := testdata.Key("ed25519")
	key, err := verifier.NewKey("k", verifier.EdDSA, private.Public())
	if err != nil {
		return nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.EdDSA},
		Keys:       keys{key},
		Check:      check,
		Now:        func() time.Time { return time.Unix(1767225700, 0) },
	})
	if err != nil {
		return nil, err
	}
	if members != "" {
		members = "," + members
	}
	payload := fmt.Sprintf(`{"iss":%q,"aud":"todo-api","exp":1767229200,"typ":"Bearer"%s}`, issuer, members)
	return v.Verify(context.Background(), jwstest.Sign(jws.EdDSA, private, `{"alg":"EdDSA","typ":"JWT","kid":"k"}`, payload))
}

// tokenWith is a verified token with these members.
func tokenWith(tb testing.TB, members string) *verifier.Token {
	tb.Helper()
	token, err := verify(members, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// alice has the members that Keycloak writes for a user with realm and client roles.
const alice = `"azp":"todo-web","realm_access":{"roles":["offline_access","todo-admin"]},` +
	`"resource_access":{"account":{"roles":["view-profile"]},"todo-api":{"roles":["reader","writer"]}},` +
	`"scope":"openid profile","preferred_username":"alice"`
