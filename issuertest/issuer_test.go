package issuertest_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

var algorithms = []verifier.Algorithm{
	verifier.RS256, verifier.RS384, verifier.RS512,
	verifier.PS256, verifier.PS384, verifier.PS512,
	verifier.ES256, verifier.ES384, verifier.ES512,
	verifier.EdDSA, verifier.Ed25519,
	verifier.MLDSA44, verifier.MLDSA65, verifier.MLDSA87,
}

func TestTokensVerifyUnderThePublishedKeys(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(alg.String(), func(t *testing.T) {
			idp := issuertest.Start(t)
			key := idp.AddKey(alg)
			set := fetchSet(t, idp)
			if len(set.Keys) != 1 || set.Keys[0].KeyID != key.ID() || set.Keys[0].Algorithm != alg.String() || set.Keys[0].Use != "sig" {
				t.Fatalf("published keys %+v, want one for signatures with ID %s and alg %s", set.Keys, key.ID(), alg)
			}
			token := idp.Token(issuertest.Claims{"scope": "todos:read"})
			if alg != verifier.Ed25519 { // a name that go-jose does not know
				checkGoJose(t, token, set.Keys[0])
			}
			verified, err := newVerifier(t, idp).Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if verified.Algorithm() != alg || !verified.HasScope("todos:read") {
				t.Errorf("token of algorithm %s with scopes %q", verified.Algorithm(), verified.Scopes())
			}
		})
	}
}

func checkGoJose(t *testing.T, token string, key jose.JSONWebKey) {
	t.Helper()
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(payload, []byte(`"scope":"todos:read"`)) {
		t.Errorf("payload %s", payload)
	}
}

func TestFirstKeyIsForRS256UnlessOneWasAdded(t *testing.T) {
	idp := issuertest.Start(t)
	if set := fetchSet(t, idp); len(set.Keys) != 1 || set.Keys[0].Algorithm != "RS256" || set.Keys[0].KeyID != idp.Key().ID() {
		t.Errorf("published keys %+v, want the current one for RS256", set.Keys)
	}
	other := issuertest.Start(t)
	other.AddKey(verifier.ES256)
	if set := fetchSet(t, other); len(set.Keys) != 1 || set.Keys[0].Algorithm != "ES256" {
		t.Errorf("published keys %+v, want one for ES256", set.Keys)
	}
}

func TestKeysOfIssuersDiffer(t *testing.T) {
	for _, alg := range []verifier.Algorithm{verifier.RS256, verifier.ES256} {
		a, b := issuertest.Start(t), issuertest.Start(t)
		if a.URL() == b.URL() {
			t.Errorf("two issuers are called %s", a.URL())
		}
		keys := []*issuertest.Key{a.AddKey(alg), b.AddKey(alg), a.Rotate(), a.NewKey(alg)}
		ids, thumbprints := map[string]bool{}, map[string]bool{}
		for _, key := range keys {
			public, err := verifier.NewKey(key.ID(), key.Algorithm(), key.Public())
			if err != nil {
				t.Fatal(err)
			}
			ids[key.ID()], thumbprints[public.Thumbprint()] = true, true
		}
		if len(ids) != len(keys) || len(thumbprints) != len(keys) {
			t.Errorf("%s: %d keys have %d IDs and %d values", alg, len(keys), len(ids), len(thumbprints))
		}
	}
}

func TestKeysComeAndGo(t *testing.T) {
	idp := issuertest.Start(t)
	first := idp.AddKey(verifier.ES256)
	hidden := idp.NewKey(verifier.ES256)
	checkPublished(t, idp, first)

	second := idp.Rotate()
	checkPublished(t, idp, first, second)
	checkCurrent(t, idp, second)
	if second.Algorithm() != verifier.ES256 {
		t.Errorf("rotated to algorithm %s", second.Algorithm())
	}

	idp.Withdraw(first)
	checkPublished(t, idp, second)

	idp.Publish(hidden)
	idp.Publish(hidden)
	checkPublished(t, idp, second, hidden)
	checkCurrent(t, idp, hidden)

	idp.Withdraw(hidden)
	idp.Withdraw(second)
	checkPublished(t, idp)
	checkCurrent(t, idp, hidden)
}

func TestReplaceReusesTheID(t *testing.T) {
	idp := issuertest.Start(t)
	old := idp.AddKey(verifier.EdDSA)
	replacement := idp.Replace(old)
	if replacement.ID() != old.ID() || replacement.Algorithm() != old.Algorithm() {
		t.Errorf("replaced %s %s by %s %s", old.ID(), old.Algorithm(), replacement.ID(), replacement.Algorithm())
	}
	checkPublished(t, idp, replacement)
	checkCurrent(t, idp, replacement)
	if _, err := newVerifier(t, idp).Verify(t.Context(), old.Token(nil)); !errors.Is(err, verifier.ErrSignature) {
		t.Errorf("error of a token under the replaced key: %v, want a wrong signature", err)
	}
}

func TestIssuersShareAKeyOnRequest(t *testing.T) {
	a, b := issuertest.Start(t), issuertest.Start(t)
	key := a.AddKey(verifier.ES256)
	b.Publish(key)
	if _, err := newVerifier(t, b).Verify(t.Context(), key.Token(issuertest.Claims{"iss": b.URL()})); err != nil {
		t.Errorf("token under the shared key: %v", err)
	}
	if _, err := newVerifier(t, b).Verify(t.Context(), b.Token(nil)); !errors.Is(err, verifier.ErrIssuer) {
		t.Errorf("error of a token which the key's maker minted: %v, want a wrong issuer", err)
	}
}

func TestSetMember(t *testing.T) {
	idp := issuertest.Start(t)
	key := idp.AddKey(verifier.ES256)
	key.SetMember("kid", "")
	key.SetMember("alg", "")
	key.SetMember("use", "enc")
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal([]byte(fetch(t, idp, idp.KeySet().URL()).body), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys, want one", len(set.Keys))
	}
	_, hasID := set.Keys[0]["kid"]
	_, hasAlgorithm := set.Keys[0]["alg"]
	if hasID || hasAlgorithm || set.Keys[0]["use"] != "enc" || set.Keys[0]["crv"] != "P-256" {
		t.Errorf("key %v, want use enc, neither kid nor alg, and the rest as it was", set.Keys[0])
	}
	if kid := decode(t, idp.Token(nil), 0)["kid"]; kid != key.ID() {
		t.Errorf("kid %v in the token, want %s", kid, key.ID())
	}
}

func TestDocumentsHaveTheirPlaces(t *testing.T) {
	tests := map[string]struct{ url, keys, discovery, metadata string }{
		"no path": {
			"https://id.example.com", "https://id.example.com/keys",
			"https://id.example.com/.well-known/openid-configuration",
			"https://id.example.com/.well-known/oauth-authorization-server",
		},
		"path": {
			"http://127.0.0.1:8080/realms/a", "http://127.0.0.1:8080/realms/a/keys",
			"http://127.0.0.1:8080/realms/a/.well-known/openid-configuration",
			"http://127.0.0.1:8080/.well-known/oauth-authorization-server/realms/a",
		},
		"slash at the end": {
			"https://id.example.com/a/", "https://id.example.com/a/keys",
			"https://id.example.com/a/.well-known/openid-configuration",
			"https://id.example.com/.well-known/oauth-authorization-server/a",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			idp := issuertest.New(tt.url)
			idp.AddKey(verifier.ES384)
			if idp.URL() != tt.url || idp.KeySet().URL() != tt.keys || idp.Discovery().URL() != tt.discovery || idp.Metadata().URL() != tt.metadata {
				t.Errorf("issuer %s has documents %s, %s, %s", idp.URL(), idp.KeySet().URL(), idp.Discovery().URL(), idp.Metadata().URL())
			}
			for _, url := range []string{tt.discovery, tt.metadata} {
				var doc struct {
					Issuer     string   `json:"issuer"`
					KeySet     string   `json:"jwks_uri"`
					Algorithms []string `json:"id_token_signing_alg_values_supported"`
				}
				if err := json.Unmarshal(serve(t, idp, http.MethodGet, url).Body.Bytes(), &doc); err != nil {
					t.Fatal(err)
				}
				if doc.Issuer != tt.url || doc.KeySet != tt.keys || !slices.Equal(doc.Algorithms, []string{"ES384"}) {
					t.Errorf("document %+v at %s", doc, url)
				}
			}
			if code := serve(t, idp, http.MethodGet, tt.keys+"/x").Code; code != http.StatusNotFound {
				t.Errorf("status %d at an unknown place, want 404", code)
			}
			if code := serve(t, idp, http.MethodPost, tt.keys).Code; code != http.StatusMethodNotAllowed {
				t.Errorf("status %d for POST, want 405", code)
			}
			if n := idp.KeySet().Fetches(); n != 0 {
				t.Errorf("%d fetches of the key set, want none", n)
			}
		})
	}
}

// Discovery accepts the issuer without InsecureAllowHTTP, and so does the verifier.
func TestStartInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		v := newVerifier(t, idp)
		token := idp.Token(nil)
		time.Sleep(5 * time.Minute)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("token within the leeway: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, verifier.ErrExpired) {
			t.Errorf("error of a token after six minutes: %v, want expired", err)
		}
	})
}

func TestIssuerIsSafeForConcurrentUse(t *testing.T) {
	idp := issuertest.Start(t)
	idp.AddKey(verifier.ES256)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			key := idp.Rotate()
			key.SetMember("use", "")
			idp.KeySet().BreakNext(1, issuertest.Status(500))
			fetch(t, idp, idp.KeySet().URL())
			idp.KeySet().SetHeader("Etag", key.ID())
			fetch(t, idp, idp.Discovery().URL())
			_ = idp.Token(nil)
			idp.Replace(key)
			idp.Withdraw(key)
			idp.Repair()
			_ = idp.KeySet().LastRequest()
		})
	}
	wg.Wait()
	if n := idp.KeySet().Fetches(); n != 4 {
		t.Errorf("%d fetches, want 4", n)
	}
	if set := fetchSet(t, idp); len(set.Keys) != 5 {
		t.Errorf("%d keys are published, want the first one and 4 replacements", len(set.Keys))
	}
}

func TestAddKeyPanicsForNoAlgorithm(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("AddKey(0) made a key")
		}
	}()
	issuertest.New("https://id.example.com").AddKey(0)
}

func checkPublished(t *testing.T, idp *issuertest.Issuer, want ...*issuertest.Key) {
	t.Helper()
	set := fetchSet(t, idp)
	if len(set.Keys) != len(want) {
		t.Fatalf("%d keys are published, want %d", len(set.Keys), len(want))
	}
	for i, key := range want {
		published, err := verifier.NewKey(set.Keys[i].KeyID, key.Algorithm(), set.Keys[i].Key)
		if err != nil {
			t.Fatal(err)
		}
		own, err := verifier.NewKey(key.ID(), key.Algorithm(), key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if published.ID() != own.ID() || published.Thumbprint() != own.Thumbprint() {
			t.Errorf("published key %d is %s, want %s", i, published.ID(), own.ID())
		}
	}
}

func checkCurrent(t *testing.T, idp *issuertest.Issuer, want *issuertest.Key) {
	t.Helper()
	if idp.Key() != want {
		t.Errorf("current key %s, want %s", idp.Key().ID(), want.ID())
	}
	if kid := decode(t, idp.Token(nil), 0)["kid"]; kid != want.ID() {
		t.Errorf("token's kid %v, want %s", kid, want.ID())
	}
}

func newVerifier(t *testing.T, idp *issuertest.Issuer) *verifier.Verifier {
	t.Helper()
	keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{Issuer: idp.URL(), Audience: verifier.AnyOf("api"), Algorithms: algorithms, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// answer is a response that was read to its end.
type answer struct {
	status int
	proto  string
	header http.Header
	body   string
}

func fetch(t *testing.T, idp *issuertest.Issuer, url string) answer {
	t.Helper()
	a, err := try(t.Context(), idp, url)
	if err != nil {
		t.Error(err)
	}
	return a
}

func try(ctx context.Context, idp *issuertest.Issuer, url string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Cache-Control", "no-cache")
	return answerOf(idp.Client().Do(req))
}

// answerOf reads what a client's method Do returned.
func answerOf(resp *http.Response, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Proto, resp.Header, string(body)}, err
}

func fetchSet(t *testing.T, idp *issuertest.Issuer) jose.JSONWebKeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(fetch(t, idp, idp.KeySet().URL()).body), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func serve(t *testing.T, idp *issuertest.Issuer, method, url string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	idp.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, url, nil))
	return w
}
