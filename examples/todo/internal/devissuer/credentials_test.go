package devissuer_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
)

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
	Error        string `json:"error"`
}

type publishedKey struct {
	ID  string `json:"kid"`
	Kty string `json:"kty"`
	Alg string `json:"alg"`
	Use string `json:"use"`
	N   string `json:"n"`
	E   string `json:"e"`
	D   string `json:"d"`
}

type keySet struct {
	Keys []publishedKey `json:"keys"`
}

func (s keySet) ids() []string {
	var ids []string
	for _, key := range s.Keys {
		ids = append(ids, key.ID)
	}
	return ids
}

func fetchKeys(t *testing.T, client *http.Client) keySet {
	t.Helper()
	_, body := do(t, client, request(t, "GET", issuerURL+"/keys", ""))
	return decode[keySet](t, body)
}

// askToken asks the token endpoint with HTTP Basic where user is given, as curl -u does.
func askToken(t *testing.T, client *http.Client, user, secret string, form url.Values) (int, tokenAnswer) {
	t.Helper()
	r := request(t, "POST", issuerURL+"/oauth/token", form.Encode())
	if user != "" {
		r.SetBasicAuth(user, secret)
	}
	answer, body := do(t, client, r)
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of the token endpoint is %q", got)
	}
	return answer.StatusCode, decode[tokenAnswer](t, body)
}

func machineToken(t *testing.T, client *http.Client, name string) string {
	t.Helper()
	status, tokens := askToken(t, client, name, name, url.Values{"grant_type": {"client_credentials"}})
	if status != http.StatusOK || tokens.AccessToken == "" {
		t.Fatalf("no token for %s: status %d, error %q", name, status, tokens.Error)
	}
	return tokens.AccessToken
}

// verified checks a JWT's RS256 signature with nothing but crypto/rsa and a published key, and returns header and claims.
func verified(t *testing.T, token string, keys keySet) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	header = decode[map[string]any](t, string(unbase64(t, parts[0])))
	for _, key := range keys.Keys {
		if key.ID != header["kid"] {
			continue
		}
		public := &rsa.PublicKey{
			N: new(big.Int).SetBytes(unbase64(t, key.N)),
			E: int(new(big.Int).SetBytes(unbase64(t, key.E)).Int64()),
		}
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], unbase64(t, parts[2])); err != nil {
			t.Fatal(err)
		}
		return header, decode[map[string]any](t, string(unbase64(t, parts[1])))
	}
	t.Fatalf("kid %v is not published", header["kid"])
	return nil, nil
}

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestClientCredentialsTokenOfAlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, client := start(t, devissuer.Options{TokenLifetime: 2 * time.Minute})
		keys := fetchKeys(t, client)
		if len(keys.Keys) != 1 {
			t.Fatalf("%d keys", len(keys.Keys))
		}
		if key := keys.Keys[0]; key.Kty != "RSA" || key.Alg != "RS256" || key.Use != "sig" || key.D != "" || len(unbase64(t, key.N)) != 256 {
			t.Errorf("published key: kty %q alg %q use %q private %t, %d bytes", key.Kty, key.Alg, key.Use, key.D != "", len(unbase64(t, key.N)))
		}

		header, claims := verified(t, machineToken(t, client, "alice"), keys)
		if want := map[string]any{"alg": "RS256", "typ": "JWT", "kid": issuer.CurrentKeyID()}; !reflect.DeepEqual(header, want) {
			t.Errorf("header %v, want %v", header, want)
		}
		if id, ok := claims["jti"].(string); !ok || id == "" {
			t.Errorf("jti %v", claims["jti"])
		}
		if sub, ok := claims["sub"].(string); !ok || sub == "" || sub == "alice" {
			t.Errorf("sub %v", claims["sub"])
		}
		delete(claims, "jti")
		delete(claims, "sub")
		now := float64(time.Now().Unix())
		want := map[string]any{
			"iss": issuerURL, "aud": []any{"todo-api"}, "iat": now, "nbf": now, "exp": now + 120, "client_id": "alice",
			"scope": "todos:read todos:write", "preferred_username": "alice", "realm_access": map[string]any{"roles": []any{"todo-admin"}},
		}
		if !reflect.DeepEqual(claims, want) {
			t.Errorf("claims %v\nwant   %v", claims, want)
		}
	})
}

func TestEachUserHasOneSubject(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	_, other := start(t, devissuer.Options{})
	keys, otherKeys := fetchKeys(t, client), fetchKeys(t, other)
	_, alice := verified(t, machineToken(t, client, "alice"), keys)
	_, bob := verified(t, machineToken(t, client, "bob"), keys)
	_, again := verified(t, machineToken(t, other, "alice"), otherKeys)
	if alice["sub"] == bob["sub"] {
		t.Error("alice and bob share a subject")
	}
	if alice["sub"] != again["sub"] {
		t.Error("alice has another subject in another process")
	}
}

func TestClientCredentialsScopes(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	for asked, want := range map[string]string{
		"":                                  "todos:read todos:write",
		"todos:read":                        "todos:read",
		"todos:write todos:read todos:read": "todos:write todos:read",
		"todos:read admin openid":           "todos:read",
	} {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {asked}}
		status, tokens := askToken(t, client, "bob", "bob", form)
		if status != http.StatusOK || tokens.Scope != want || tokens.RefreshToken != "" || tokens.IDToken != "" {
			t.Errorf("scope %q: status %d, granted %q, want %q", asked, status, tokens.Scope, want)
			continue
		}
		if _, claims := verified(t, tokens.AccessToken, fetchKeys(t, client)); claims["scope"] != want {
			t.Errorf("scope %q: claim %v, want %q", asked, claims["scope"], want)
		}
	}
}

func TestTokenEndpointRefuses(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	grant := func(name string, more ...string) url.Values {
		form := url.Values{"grant_type": {name}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	cases := map[string]struct {
		user, secret string
		form         url.Values
		status       int
		code         string
	}{
		"a wrong secret":             {"alice", "bob", grant("client_credentials"), 401, "invalid_client"},
		"an empty secret":            {"alice", "", grant("client_credentials"), 401, "invalid_client"},
		"an unknown client":          {"mallory", "mallory", grant("client_credentials"), 401, "invalid_client"},
		"no client":                  {"", "", grant("client_credentials"), 401, "invalid_client"},
		"the web client":             {"todo-web", "", grant("client_credentials"), 401, "invalid_client"},
		"unknown scopes only":        {"alice", "alice", grant("client_credentials", "scope", "admin"), 400, "invalid_scope"},
		"an unknown code":            {"", "", grant("authorization_code", "client_id", "todo-web", "code", "x", "redirect_uri", redirect), 400, "invalid_grant"},
		"no code":                    {"", "", grant("authorization_code", "client_id", "todo-web"), 400, "invalid_request"},
		"an unknown refresh token":   {"", "", grant("refresh_token", "client_id", "todo-web", "refresh_token", "x"), 400, "invalid_grant"},
		"refresh of an unknown one":  {"", "", grant("refresh_token", "client_id", "mallory", "refresh_token", "x"), 401, "invalid_client"},
		"refresh by a machine":       {"alice", "alice", grant("refresh_token", "refresh_token", "x"), 400, "unauthorized_client"},
		"a password":                 {"", "", grant("password", "username", "alice", "password", "alice"), 400, "unsupported_grant_type"},
		"an assertion":               {"", "", grant("urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", "a.b.c"), 400, "unsupported_grant_type"},
		"a token exchange":           {"alice", "alice", grant("urn:ietf:params:oauth:grant-type:token-exchange"), 400, "unsupported_grant_type"},
		"a device code":              {"", "", grant("urn:ietf:params:oauth:grant-type:device_code"), 400, "unsupported_grant_type"},
		"a request without anything": {"", "", url.Values{}, 400, "invalid_request"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			status, tokens := askToken(t, client, c.user, c.secret, c.form)
			if status != c.status || tokens.Error != c.code || tokens.AccessToken != "" {
				t.Errorf("status %d, error %q; want %d, %q", status, tokens.Error, c.status, c.code)
			}
		})
	}

	answer, _ := do(t, client, request(t, "GET", issuerURL+"/oauth/token?grant_type=client_credentials&client_id=alice&client_secret=alice", ""))
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("credentials in a URL: status %d", answer.StatusCode)
	}
}

func TestSecretsMayComeInTheForm(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	status, tokens := askToken(t, client, "", "", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"alice"}, "client_secret": {"alice"},
	})
	if status != http.StatusOK || tokens.TokenType != "Bearer" {
		t.Errorf("status %d, error %q, type %q", status, tokens.Error, tokens.TokenType)
	}
}

func TestClientAssertionsAreRefused(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	for _, grant := range []string{"refresh_token", "client_credentials"} {
		status, tokens := askToken(t, client, "", "", url.Values{
			"grant_type": {grant}, "refresh_token": {"x"}, "client_assertion": {"x"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		})
		if status != http.StatusBadRequest || tokens.Error != "invalid_client" {
			t.Errorf("%s: status %d, error %q, want 400 invalid_client", grant, status, tokens.Error)
		}
	}
}

// RFC 6749, section 2.3.1: URLs are written into logs.
func TestCredentialsInAURLAreRefused(t *testing.T) {
	_, client := start(t, devissuer.Options{})
	refresh := logIn(t, client, "alice", nil).RefreshToken
	for _, c := range []struct{ path, query, body string }{
		{"/oauth/token", "grant_type=client_credentials&client_id=alice&client_secret=alice", ""},
		{"/oauth/token", "client_secret=alice", "grant_type=client_credentials&client_id=alice"},
		{"/oauth/token", "client_assertion_type=x", "grant_type=client_credentials&client_id=alice&client_secret=alice"},
		{"/revoke", "client_id=todo-web&token=" + refresh, ""},
	} {
		answer, body := do(t, client, request(t, "POST", issuerURL+c.path+"?"+c.query, c.body))
		if got := decode[tokenAnswer](t, body); answer.StatusCode != http.StatusBadRequest || got.Error != "invalid_request" {
			t.Errorf("%s?%s: status %d, error %q, want 400 invalid_request", c.path, c.query, answer.StatusCode, got.Error)
		}
	}
	if status, tokens := askToken(t, client, "", "", refreshForm(refresh)); status != http.StatusOK {
		t.Errorf("a refresh afterwards: status %d, error %q", status, tokens.Error)
	}
}
