package keycloak

import "github.com/bearerproof/bearerproof/verifier"

// PreferredUsername returns the name that the user logs in with, from
// "preferred_username", or "" if the token has none. It is for showing: a user may
// be renamed, and the name given to somebody else, so identify a user by
// [verifier.Token.Subject]. The error is of kind [verifier.ErrClaim] where the claim
// has the wrong type.
func PreferredUsername(t *verifier.Token) (string, error) {
	c, err := verifier.Claims[struct {
		Name claim[string] `json:"preferred_username"`
	}](t)
	return c.Name.value, err
}
