package devissuer_test

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json/v2"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
	"github.com/bearerproof/bearerproof/verifier"
)

// servedKeys reads the key set that the issuer serves, each time that it is asked.
type servedKeys struct{ client *http.Client }

func (s servedKeys) Keys(ctx context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuerURL+"/keys", nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var set keySet
	if err := json.UnmarshalRead(answer.Body, &set); err != nil {
		return nil, err
	}
	var keys []*verifier.Key
	for _, published := range set.Keys {
		if published.ID != kid || published.Alg != alg.String() {
			continue
		}
		n, nErr := base64.RawURLEncoding.DecodeString(published.N)
		e, eErr := base64.RawURLEncoding.DecodeString(published.E)
		if err := errors.Join(nErr, eErr); err != nil {
			return nil, fmt.Errorf("key %s: %w", kid, err)
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		key, err := verifier.NewKey(published.ID, alg, public)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func newVerifier(t *testing.T, client *http.Client) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{
		Issuer:     issuerURL,
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       servedKeys{client},
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
		if err := issuer.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := machineToken(t, client, "bob")
		for name, raw := range map[string]string{"before": before, "after": after} {
			if _, err := v.Verify(t.Context(), raw); err != nil {
				t.Errorf("%s the rotation: %v", name, err)
			}
		}
		issuer.DropOldKeys()
		if _, err := v.Verify(t.Context(), before); !errors.Is(err, verifier.ErrUnknownKey) {
			t.Errorf("with a key that was withdrawn: %v", err)
		}
		time.Sleep(time.Hour + time.Minute)
		if _, err := v.Verify(t.Context(), after); !errors.Is(err, verifier.ErrExpired) {
			t.Errorf("after its hour: %v", err)
		}
	})
}
