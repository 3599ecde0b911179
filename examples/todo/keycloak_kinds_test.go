//go:build keycloak

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// clientOf describes a public client for the password grant that has the realm's default
// scopes alone.
func clientOf(id string, attributes map[string]string) map[string]any {
	return map[string]any{"clientId": id, "publicClient": true, "standardFlowEnabled": false, "directAccessGrantsEnabled": true, "attributes": attributes}
}

// logoutToken has Keycloak send a logout token, as it does to a client whose user signs
// out elsewhere (OpenID Connect Back-Channel Logout §2.5).
func (k *realKeycloak) logoutToken(t *testing.T) string {
	t.Helper()
	sent := make(chan string, 1)
	client := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent <- r.PostFormValue("logout_token") }))
	defer client.Close()
	k.admin(t, "POST", "/clients", clientOf("signed-out", map[string]string{"backchannel.logout.url": client.URL, "backchannel.logout.session.required": "true"}), http.StatusCreated)
	session := k.login(t, "signed-out", "bob")
	k.admin(t, "DELETE", fmt.Sprintf("/sessions/%v", claimsOf(t, session.Access)["sid"]), nil, http.StatusNoContent)
	select {
	case token := <-sent:
		k.remember(token)
		return token
	case <-time.After(30 * time.Second):
		t.Fatal("Keycloak sends no logout token")
		return ""
	}
}

// lightToken gets a lightweight access token, of which Keycloak leaves out what the
// mappers add unless they say that it is for such tokens, too.
func (k *realKeycloak) lightToken(t *testing.T, client string, mapped bool) string {
	t.Helper()
	in := clientOf(client, map[string]string{"client.use.lightweight.access.token.enabled": "true"})
	in["protocolMappers"] = []map[string]any{{
		"name": "todo-api audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
		"config": map[string]string{"included.custom.audience": "todo-api", "access.token.claim": "true", "lightweight.claim": strconv.FormatBool(mapped)},
	}}
	k.admin(t, "POST", "/clients", in, http.StatusCreated)
	return k.login(t, client, "alice").Access
}

// boundToken gets a token that is bound to a key of the client's (RFC 9449 §5).
func (k *realKeycloak) boundToken(t *testing.T) string {
	t.Helper()
	k.admin(t, "POST", "/clients", clientOf("bound", map[string]string{"dpop.bound.access.tokens": "true"}), http.StatusCreated)
	endpoint := k.issuer() + "/protocol/openid-connect/token"
	values := url.Values{"grant_type": {"password"}, "client_id": {"bound"}, "username": {"alice"}, "password": {"alice"}}
	r, err := http.NewRequestWithContext(t.Context(), "POST", endpoint, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("DPoP", proofFor(t, endpoint))
	status, text, err := fetchText(r)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the token endpoint gave a client with a proof %d, %v", status, err)
	}
	token := fromJSON[issued](t, text).Access
	k.remember(token)
	if claimsOf(t, token)["cnf"] == nil {
		t.Fatal("the token is not bound, and proves nothing")
	}
	return token
}

// proofFor makes a DPoP proof for a POST, with a key of its own (RFC 9449 §4.2).
func proofFor(t *testing.T, endpoint string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	var parts []string
	for _, part := range []members{
		{"typ": "dpop+jwt", "alg": "ES256", "jwk": members{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}},
		{"jti": rand.Text(), "htm": "POST", "htu": endpoint, "iat": time.Now().Unix()},
	} {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, encode(text))
	}
	signed := strings.Join(parts, ".")
	digest := sha256.Sum256([]byte(signed))
	x, y, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	x.FillBytes(signature[:32])
	y.FillBytes(signature[32:])
	return signed + "." + encode(signature)
}
