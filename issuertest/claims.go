package issuertest

import (
	"crypto/rand"
	"maps"
	"time"
)

// lifetime is that of a token whose claims do not state an expiry.
const lifetime = 5 * time.Minute

// Claims are the members of a token's payload, or of its header. They are written
// as encoding/json/v2 writes them, and two values are special: a [time.Time] is
// written as whole seconds since 1970 (NumericDate of RFC 7519 §2), and nil leaves
// the member out, which takes a default away. For a null in the token, use a
// jsontext.Value.
//
// The defaults of a payload are: "iss" the issuer's URL, "sub" "alice", "aud" "api",
// "iat" now, "exp" five minutes from now, "jti" random, where now is the time of the
// issuer's clock ([Issuer.SetSkew]). A service has an audience of its own to be named
// here, and a verifier with the check RFC9068 wants "client_id".
type Claims map[string]any

// over returns the members of c, and those of defaults that c does not name.
func (c Claims) over(defaults Claims) Claims {
	all := maps.Clone(defaults)
	maps.Copy(all, c)
	for name, value := range all {
		switch value := value.(type) {
		case nil:
			delete(all, name)
		case time.Time:
			all[name] = value.Unix()
		}
	}
	return all
}

func defaultClaims(issuer string, now time.Time) Claims {
	return Claims{
		"iss": issuer,
		"sub": "alice",
		"aud": "api",
		"iat": now,
		"exp": now.Add(lifetime),
		"jti": rand.Text(),
	}
}
