package jwks_test

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/testdata"
)

// FuzzJWKS reads any document as a JWK set. Whatever is accepted must be bounded,
// each key that is found must be in the document under its kid and must not show a
// private half there, and nothing of the document is told in an error.
func FuzzJWKS(f *testing.F) {
	f.Add(testdata.Set("usable"))
	for _, set := range badSets(f) {
		if len(set) < 10_000 {
			f.Add([]byte(set))
		}
	}
	for _, test := range unfit {
		if !strings.Contains(test.name, "100,000") {
			f.Add(setOf(f, jwkOf(f, test.key, test.change), jwkOf(f, "ed25519", nil)))
		}
	}
	f.Fuzz(func(t *testing.T, set []byte) {
		source, err := jwks.NewStatic(set)
		if err != nil {
			if len(err.Error()) > 200 || bytes.Contains(set, []byte(marker)) && strings.Contains(err.Error(), marker) {
				t.Errorf("error %q", err)
			}
			return
		}
		if len(set) > mib {
			t.Errorf("a set of %d bytes is accepted", len(set))
		}
		published := publishedKeys(t, set)
		if len(published) > 1024 {
			t.Errorf("a set of %d keys is accepted", len(published))
		}
		for _, skipped := range source.Skipped() {
			if skipped.Index < 0 || skipped.Index >= len(published) || skipped.Reason == "" || len(skipped.ID) > 256 {
				t.Errorf("skipped %+v of %d", skipped, len(published))
			}
		}
		usable := 0
		for _, alg := range algorithms {
			keys, err := source.Keys(t.Context(), "", alg)
			if err != nil {
				t.Fatal(err)
			}
			usable += len(keys)
			for _, key := range keys {
				if !key.Fits(alg) || len(key.Thumbprint()) != 43 || !isPublished(published, key.ID()) {
					t.Errorf("key %q for %v is not in the document", key.ID(), alg)
				}
				if key.ID() != "" && finds(t, source, key.ID(), alg) == 0 {
					t.Errorf("key %q is not found under its kid", key.ID())
				}
			}
		}
		if usable == 0 {
			t.Error("a set without a usable key is accepted")
		}
	})
}

// publishedKeys reads the set in another way: the last member called keys, of which
// there is only one.
func publishedKeys(t *testing.T, set []byte) []jsontext.Value {
	t.Helper()
	var members struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(set, &members, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		t.Fatalf("a set is accepted that is no JSON: %v", err)
	}
	return members.Keys
}

// isPublished reports whether a fit JWK with this kid is in the document.
func isPublished(published []jsontext.Value, kid string) bool {
	for _, raw := range published {
		var jwk struct {
			Kid  string         `json:"kid"`
			Kty  string         `json:"kty"`
			D    jsontext.Value `json:"d"`
			K    jsontext.Value `json:"k"`
			Priv jsontext.Value `json:"priv"`
		}
		if json.Unmarshal(raw, &jwk) != nil || jwk.Kty == "oct" {
			continue
		}
		if jwk.Kid == kid && jwk.D == nil && jwk.K == nil && jwk.Priv == nil {
			return true
		}
	}
	return false
}

// FuzzDiscovery reads any document as the metadata of an issuer. What is accepted
// must name the issuer byte for byte, and a place for the keys that may be fetched.
func FuzzDiscovery(f *testing.F) {
	const secure, loopback = "https://id.example.com/realms/a", "http://127.0.0.1:8080"
	for _, issuer := range []string{secure, loopback, secure + "/", "https://evil.example.com", ""} {
		for _, keys := range []string{secure + "/keys", "http://127.0.0.1:8080/keys", "http://id.example.com/keys", "//id.example.com", "https://a@b/", "https://[::1]/", ""} {
			f.Add(metadata(f, issuer, keys))
		}
	}
	f.Add([]byte(`{"issuer":"` + secure + `","issuer":"` + secure + `","jwks_uri":"https://id.example.com/keys"}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, issuer := range []string{secure, loopback} {
			address, err := jwks.ReadMetadata(issuer, body)
			if err != nil {
				if len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\n\r\x00\x1b") {
					t.Errorf("error %q", err)
				}
				continue
			}
			var m struct {
				Issuer string `json:"issuer"`
			}
			if json.Unmarshal(body, &m) != nil || m.Issuer != issuer {
				t.Errorf("metadata of %q is accepted for %q", m.Issuer, issuer)
			}
			if !jwks.MayFetch(address.String()) || address.User != nil || address.Hostname() == "" {
				t.Errorf("keys at %s", address)
			}
			if issuer == secure && address.Scheme != "https" {
				t.Errorf("keys at %s though the issuer is https", address)
			}
		}
	})
}
