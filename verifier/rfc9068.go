package verifier

import (
	"context"
	"errors"
	"fmt"
)

// RFC9068 is a [Check] that demands the profile of RFC 9068: the header's "typ" is
// "at+jwt" or "application/at+jwt" (§4), and "iss", "exp", "aud", "sub", "client_id",
// "iat" and "jti" are present and not empty (§2.2). It is meant for Config.Check:
//
//	verifier.New(verifier.Config{ … Check: verifier.RFC9068 })
//
// A refusal is of kind [ErrType] or [ErrClaim], in Config.Check and in an adapter's
// Require alike, because such a token is invalid and not merely insufficient. "azp"
// does not stand in for "client_id". Keycloak's and many other issuers' tokens do
// not follow the profile unless they are told to.
func RFC9068(_ context.Context, t *Token) error {
	if t == nil {
		return refuse(ErrMisconfigured, errors.New("no verified token"))
	}
	if mediaType(t.header.typ) != "at+jwt" {
		return refuse(ErrType, fmt.Errorf("typ is %s, and RFC 9068 asks for at+jwt", quoted(t.header.typ)))
	}
	c := &t.claims
	// Verify itself requires "iss" and "exp" of every token.
	for _, required := range []struct {
		claim  string
		absent bool
	}{
		{"aud", !namesAudience(c.audience)},
		{"sub", c.subject == ""},
		{"client_id", c.clientID == ""},
		{"iat", c.issued.IsZero()},
		{"jti", c.id == ""},
	} {
		if required.absent {
			return refuse(ErrClaim, fmt.Errorf("%s is absent, and RFC 9068 requires it", required.claim))
		}
	}
	return nil
}

// namesAudience reports whether "aud" says anything.
func namesAudience(audience []string) bool {
	for _, name := range audience {
		if name != "" {
			return true
		}
	}
	return false
}
