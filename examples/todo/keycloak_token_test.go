//go:build keycloak

package main

import (
	"encoding/base64"
	"encoding/json/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// issued is what the token endpoint gives.
type issued struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
}

// form is the body of a request to the token endpoint.
type form map[string]string

// login gets the tokens of a user, whose password is the user's name.
func (k *realKeycloak) login(t *testing.T, client, user string) issued {
	t.Helper()
	return k.token(t, "myrealm", form{"grant_type": "password", "client_id": client, "username": user, "password": user, "scope": "openid"})
}

func (k *realKeycloak) token(t *testing.T, realm string, in form) issued {
	t.Helper()
	values := make(url.Values)
	for name, value := range in {
		values.Set(name, value)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", k.base+"/realms/"+realm+"/protocol/openid-connect/token", strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, text, err := fetchText(r)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the token endpoint gave client %s %d, %v", in["client_id"], status, err)
	}
	tokens := fromJSON[issued](t, text)
	k.remember(tokens.Access, tokens.ID, tokens.Refresh)
	return tokens
}

// remember keeps tokens, so that logs can be searched for them.
func (k *realKeycloak) remember(tokens ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tokens = append(k.tokens, tokens...)
}

// leakedIn returns a token of which the text contains the signature, or the
// claims, or "".
func (k *realKeycloak) leakedIn(text string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, token := range k.tokens {
		for i, part := range strings.Split(token, ".") {
			if i > 0 && part != "" && strings.Contains(text, part) {
				return token
			}
		}
	}
	return ""
}

// members are the header or the claims of a token.
type members map[string]any

// headerOf returns the header of a token, unverified.
func headerOf(t *testing.T, token string) members { return partOf(t, token, 0) }

// claimsOf returns the claims of a token, unverified.
func claimsOf(t *testing.T, token string) members { return partOf(t, token, 1) }

func partOf(t *testing.T, token string, part int) members {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token has %d parts, want 3", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		t.Fatal(err)
	}
	return fromJSON[members](t, string(text))
}

// kidOf returns the id of the key that signed a token.
func kidOf(t *testing.T, token string) string {
	t.Helper()
	kid, ok := headerOf(t, token)["kid"].(string)
	if !ok || kid == "" {
		t.Fatal("a token names no key")
	}
	return kid
}

// forge returns a token with members of its header (part 0) or its claims (part
// 1) replaced, and the signature that it had.
func (k *realKeycloak) forge(t *testing.T, token string, part int, changes members) string {
	t.Helper()
	all := partOf(t, token, part)
	for name, value := range changes {
		all[name] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	parts[part] = base64.RawURLEncoding.EncodeToString(text)
	forged := strings.Join(parts, ".")
	k.remember(forged)
	return forged
}
