package verifier_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

func TestTokenAccessors(t *testing.T) {
	token := wantAccepted(t, verifierWith(t), tokenWith("nbf", fmt.Sprint(issued), "azp", `"other"`))
	for name, got := range map[string][2]string{
		"Subject":   {token.Subject(), "alice"},
		"Issuer":    {token.Issuer(), issuer},
		"Audience":  {fmt.Sprint(token.Audience()), "[todo-api]"},
		"ID":        {token.ID(), "one"},
		"ClientID":  {token.ClientID(), "todo-web"},
		"KeyID":     {token.KeyID(), "ed25519"},
		"Algorithm": {token.Algorithm().String(), "EdDSA"},
		"Type":      {token.Type(), "at+jwt"},
		"Scopes":    {fmt.Sprint(token.Scopes()), "[todos:read todos:write]"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %q, want %q", name, got[0], got[1])
		}
	}
	if !token.ExpiresAt().Equal(time.Unix(expires, 0)) || !token.IssuedAt().Equal(time.Unix(issued, 0)) || !token.NotBefore().Equal(time.Unix(issued, 0)) {
		t.Errorf("times are %v, %v, %v", token.ExpiresAt(), token.IssuedAt(), token.NotBefore())
	}
}

func TestTokenOfAbsentClaims(t *testing.T) {
	bare := signed(`{"alg":"EdDSA"}`, fmt.Sprintf(`{"iss":%q,"aud":%q,"exp":%d}`, issuer, audience, expires))
	token := wantAccepted(t, verifierWith(t), bare)
	if s := token.Subject() + token.ID() + token.ClientID() + token.KeyID() + token.Type(); s != "" {
		t.Errorf("absent claims are %q", s)
	}
	if !token.IssuedAt().IsZero() || !token.NotBefore().IsZero() || token.Scopes() != nil {
		t.Errorf("absent claims are %v, %v, %v", token.IssuedAt(), token.NotBefore(), token.Scopes())
	}
	zero := new(verifier.Token)
	if zero.Subject() != "" || zero.HasScope("") || zero.Scopes() != nil || !zero.ExpiresAt().IsZero() {
		t.Error("the zero Token says something")
	}
}

func TestClientIDIsAzpWhereClientIDIsAbsent(t *testing.T) {
	token := wantAccepted(t, verifierWith(t), tokenWith("client_id", "", "azp", `"todo-web"`))
	if token.ClientID() != "todo-web" {
		t.Errorf("client %q", token.ClientID())
	}
}

func TestR13TokenIsNeverLogged(t *testing.T) {
	raw := tokenWith("email", `"alice@example.com"`)
	token := wantAccepted(t, verifierWith(t), raw)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("verified", "token", token)
	fmt.Fprintf(&out, "%v %s %+v", token, token, token)
	for part := range strings.SplitSeq(raw, ".") {
		if strings.Contains(out.String(), part) {
			t.Errorf("a part of the token is logged: %s", out.String())
		}
	}
	for _, claim := range []string{"alice@example.com", "todos:read", "todo-web"} {
		if strings.Contains(out.String(), claim) {
			t.Errorf("%s is logged: %s", claim, out.String())
		}
	}
	for _, want := range []string{`"iss":"https://id.example.com"`, `"sub":"alice"`, `"kid":"ed25519"`, `"exp":"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not logged: %s", want, out.String())
		}
	}
	var none *verifier.Token
	if got := none.LogValue(); got.Kind() != slog.KindGroup || len(got.Group()) != 0 {
		t.Errorf("a nil Token logs as %v", got)
	}
	if got := none.String(); got != "[]" {
		t.Errorf("a nil Token prints as %q", got)
	}
}
