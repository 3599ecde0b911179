package conformance

import (
	"crypto"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// keys are the keys of a vector, as the library reads them.
type keys struct {
	static *jwks.Static
	// A verifier.Key does not give its public key away. These are from go-jose, by
	// their thumbprints, which it computes too.
	public map[string]crypto.PublicKey
}

// jwkSet is a JWK set (RFC 7517 §5).
type jwkSet struct {
	Keys []jsontext.Value `json:"keys"`
}

// readKeys reads JWKs. One of the project's own goes with them, whose algorithm no
// vector uses, because a set without a usable key is an error.
func readKeys(t *testing.T, jwk ...jsontext.Value) keys {
	t.Helper()
	set, err := json.Marshal(jwkSet{append(jwk, testdata.PublicJWK("p-384"))})
	if err != nil {
		t.Fatal(err)
	}
	static, err := jwks.NewStatic(set)
	if err != nil {
		t.Fatal(err)
	}
	k := keys{static, map[string]crypto.PublicKey{}}
	for _, raw := range append(jwk, testdata.PublicJWK("p-384")) {
		var parsed jose.JSONWebKey
		if parsed.UnmarshalJSON(raw) != nil || !parsed.IsPublic() {
			continue
		}
		sum, err := parsed.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		k.public[base64.RawURLEncoding.EncodeToString(sum)] = parsed.Key
	}
	return k
}

// verify takes the token along the library's road up to its signature, and returns
// what it is refused as, or 0 for a good signature. The payload may be anything.
func (k keys) verify(t *testing.T, token string) verifier.Kind {
	t.Helper()
	m, err := jws.Parse(token)
	if err != nil {
		return verifier.ErrMalformed
	}
	if m.Header.Algorithm == 0 {
		return verifier.ErrAlgorithm
	}
	if m.ReadSignature() != nil {
		return verifier.ErrMalformed
	}
	found, err := k.static.Keys(t.Context(), m.Header.KeyID, verifier.Algorithm(m.Header.Algorithm))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return verifier.ErrUnknownKey
	}
	for _, key := range found {
		public := k.public[key.Thumbprint()]
		if public == nil {
			t.Fatalf("go-jose reads no key with the thumbprint %s", key.Thumbprint())
		}
		if m.Verify(m.Header.Algorithm, public) == nil {
			return 0
		}
	}
	return verifier.ErrSignature
}

// agrees holds the verifier itself against what verify found. The payloads of these
// vectors are no claims of ours, so it accepts none; but it must not blame the
// signature where that is good, nor anything else where that is bad.
func (k keys) agrees(t *testing.T, token string, found verifier.Kind) error {
	t.Helper()
	algorithms := []verifier.Algorithm{verifier.RS256}
	if m, err := jws.Parse(token); err == nil && m.Header.Algorithm != 0 {
		algorithms[0] = verifier.Algorithm(m.Header.Algorithm)
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     "https://id.example.com",
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: algorithms,
		Keys:       k.static,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), token)
	got := verifier.KindOf(err)
	if found != 0 && got != found {
		return fmt.Errorf("the verifier says %s, its parts say %s", got.String(), found.String())
	}
	if found == 0 && got != verifier.ErrMalformed && got != verifier.ErrExpired && got != verifier.ErrClaim {
		return fmt.Errorf("the signature is good, and the verifier says %s", got.String())
	}
	return nil
}

// skipped returns why the library does not use the JWKs that it does not use.
func (k keys) skipped() []string {
	var reasons []string
	for _, skipped := range k.static.Skipped() {
		reasons = append(reasons, skipped.Reason)
	}
	return reasons
}
