package devissuer_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func newVerifier(t *testing.T, client *http.Client) *verifier.Verifier {
	t.Helper()
	keys, err := jwks.Discover(issuerURL, &jwks.Options{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     issuerURL,
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheVerifierAcceptsAccessTokensAndNothingElse(t *testing.T) {
	issuer, client := start(t, devissuer.Options{})
	v := newVerifier(t, client)
	page := logIn(t, client, "alice", nil)
	for name, raw := range map[string]string{
		"client credentials": machineToken(t, client, "alice"),
		"code flow":          page.AccessToken,
		"refresh":            refresh(t, client, page.RefreshToken).AccessToken,
	} {
		token, err := v.Verify(t.Context(), raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !token.HasScope(devissuer.ScopeRead) || !token.HasScope(devissuer.ScopeWrite) || token.KeyID() != issuer.CurrentKeyID() {
			t.Errorf("%s: scopes %v, kid %s", name, token.Scopes(), token.KeyID())
		}
		if !slices.Contains([]string{"alice", "todo-web"}, token.ClientID()) || token.ID() == "" {
			t.Errorf("%s: client %q, jti %q", name, token.ClientID(), token.ID())
		}
	}
	if _, err := v.Verify(t.Context(), page.IDToken); !errors.Is(err, verifier.ErrType) {
		t.Errorf("the ID token: %v", err)
	}
}

func TestTheVerifierFollowsRotations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, client := start(t, devissuer.Options{TokenLifetime: time.Hour})
		v := newVerifier(t, client)
		before := machineToken(t, client, "bob")
		if _, err := v.Verify(t.Context(), before); err != nil {
			t.Errorf("before there was a rotation: %v", err)
		}
		if err := issuer.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := machineToken(t, client, "bob")
		// The new key makes the verifier fetch the set, in which the old one must still be.
		for _, made := range []struct{ when, raw string }{{"after", after}, {"before", before}} {
			if _, err := v.Verify(t.Context(), made.raw); err != nil {
				t.Errorf("%s the rotation: %v", made.when, err)
			}
		}
		issuer.DropOldKeys()
		time.Sleep(6 * time.Minute) // by then the key set is due for a refresh, which the next token starts
		if _, err := v.Verify(t.Context(), after); err != nil {
			t.Errorf("with the key that stays: %v", err)
		}
		synctest.Wait()
		if _, err := v.Verify(t.Context(), before); !errors.Is(err, verifier.ErrUnknownKey) {
			t.Errorf("with a key that was withdrawn: %v", err)
		}
		time.Sleep(time.Hour + time.Minute)
		if _, err := v.Verify(t.Context(), after); !errors.Is(err, verifier.ErrExpired) {
			t.Errorf("after its hour: %v", err)
		}
	})
}
