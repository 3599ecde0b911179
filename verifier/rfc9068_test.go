package verifier_test

import (
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/verifier"
)

func profile(c *verifier.Config) { c.Check = verifier.RFC9068 }

func TestR65ProfileDemandsTypAtJWT(t *testing.T) {
	refusals{
		"JWT":             {headerWith("typ", `"JWT"`), verifier.ErrType, wasAsked},
		"application/jwt": {headerWith("typ", `"application/jwt"`), verifier.ErrType, wasAsked},
		"absent":          {headerWith("typ", ""), verifier.ErrType, wasAsked},
		"empty":           {headerWith("typ", `""`), verifier.ErrType, wasAsked},
	}.run(t, profile)
	for _, typ := range []string{"at+jwt", "application/at+jwt", "AT+JWT"} {
		wantAccepted(t, verifierWith(t, profile), headerWith("typ", quote(typ)))
	}
}

func TestR66ProfileDemandsItsClaims(t *testing.T) {
	rows := refusals{
		"client_id absent, azp present": {tokenWith("client_id", "", "azp", `"todo-web"`), verifier.ErrClaim, wasAsked},
		"exp absent":                    {tokenWith("exp", ""), verifier.ErrClaim, wasAsked},
		"iat absent":                    {tokenWith("iat", ""), verifier.ErrClaim, wasAsked},
		"iss absent":                    {tokenWith("iss", ""), verifier.ErrIssuer, wasAsked},
		"aud absent":                    {tokenWith("aud", ""), verifier.ErrAudience, wasAsked},
	}
	for _, claim := range []string{"sub", "client_id", "jti"} {
		rows[claim+" absent"] = refusal{tokenWith(claim, ""), verifier.ErrClaim, wasAsked}
		rows[claim+" empty"] = refusal{tokenWith(claim, `""`), verifier.ErrClaim, wasAsked}
		err := wantRefused(t, verifierWith(t, profile), tokenWith(claim, ""), verifier.ErrClaim)
		if !strings.Contains(err.Error(), claim+" is absent") {
			t.Errorf("the error does not name %s: %v", claim, err)
		}
	}
	rows.run(t, profile)
	anyAudience := func(c *verifier.Config) { c.Audience = verifier.InsecureSkipAudience() }
	refusals{
		"aud absent":           {tokenWith("aud", ""), verifier.ErrClaim, wasAsked},
		"aud empty":            {tokenWith("aud", `""`), verifier.ErrClaim, wasAsked},
		"aud an empty array":   {tokenWith("aud", `[]`), verifier.ErrClaim, wasAsked},
		"aud of an empty name": {tokenWith("aud", `[""]`), verifier.ErrClaim, wasAsked},
	}.run(t, profile, anyAudience)
	wantAccepted(t, verifierWith(t, profile), tokenWith())
	wantAccepted(t, verifierWith(t, profile, anyAudience), tokenWith("aud", `["","x"]`))
	wantAccepted(t, verifierWith(t, profile), tokenWith("iat", "0"))
}

// R67: in an adapter's Require, too, the token is invalid and not insufficient.
func TestR67ProfileRefusalIsAnInvalidToken(t *testing.T) {
	plain := wantAccepted(t, verifierWith(t), headerWith("typ", `"JWT"`))
	wantKind(t, verifier.Authorize(t.Context(), plain, verifier.RFC9068), verifier.ErrType)
	bare := wantAccepted(t, verifierWith(t), tokenWith("jti", ""))
	wantKind(t, verifier.Authorize(t.Context(), bare, verifier.RFC9068), verifier.ErrClaim)
	wantKind(t, verifier.RFC9068(t.Context(), nil), verifier.ErrMisconfigured)
	if err := verifier.RFC9068(t.Context(), new(verifier.Token)); err == nil {
		t.Error("a zero Token follows the profile")
	}
}
