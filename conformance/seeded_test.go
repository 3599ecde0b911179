package conformance

import (
	"crypto/mldsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"testing"
)

// seededExample is an example of RFC 9964, made again. Its key follows from the seed
// and its signature, which is deterministic, from both (FIPS 204), so that the file
// need not have thousands of characters; the thumbprint and the hash show that the
// result is the RFC's.
type seededExample struct {
	Name       string `json:"example"`
	Algorithm  string `json:"alg"`
	Seed       string `json:"seed"`       // the JWK's "priv"
	Thumbprint string `json:"thumbprint"` // which is the JWK's "kid" there
	Header     string `json:"header"`
	Payload    string `json:"payload"`
	SHA256     string `json:"sha256"` // of the published token, in hexadecimal
}

// example makes the example.
func (s seededExample) example(t *testing.T) example {
	t.Helper()
	parameters, known := map[string]mldsa.Parameters{
		"ML-DSA-44": mldsa.MLDSA44(), "ML-DSA-65": mldsa.MLDSA65(), "ML-DSA-87": mldsa.MLDSA87(),
	}[s.Algorithm]
	if !known {
		t.Fatalf("no algorithm %q", s.Algorithm)
	}
	seed, err := base64.RawURLEncoding.DecodeString(s.Seed)
	if err != nil {
		t.Fatal(err)
	}
	key, err := mldsa.NewPrivateKey(parameters, seed)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(map[string]string{
		"kty": "AKP", "alg": s.Algorithm, "kid": s.Thumbprint, "pub": base64url(key.PublicKey().Bytes()),
	})
	if err != nil {
		t.Fatal(err)
	}
	signed := base64url([]byte(s.Header)) + "." + base64url([]byte(s.Payload))
	signature, err := key.SignDeterministic([]byte(signed), &mldsa.Options{})
	if err != nil {
		t.Fatal(err)
	}
	token := signed + "." + base64url(signature)
	if sum := sha256.Sum256([]byte(token)); hex.EncodeToString(sum[:]) != s.SHA256 {
		t.Errorf("%s: this is not the token of the RFC", s.Name)
	}
	return example{Name: s.Name, Keys: []jsontext.Value{jwk}, Token: token, Thumbprint: s.Thumbprint, Expect: "verified"}
}
