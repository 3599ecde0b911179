package resilience

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// JWKs that no library should use.
const (
	// oddOffCurve has the coordinates of P-256's generator with one bit of y changed.
	oddOffCurve = `{"kty":"EC","crv":"P-256","kid":"odd","use":"sig","alg":"ES256",` +
		`"x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfQ"}`
	oddSymmetric = `{"kty":"oct","kid":"odd-oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}`
	oddUnknown   = `{"kty":"NEW","kid":"odd","use":"sig","alg":"NEW1","x":"AAAA"}`
	oddEmpty     = `{}`
)

// keyFaults are sets with an odd key: a good one beside it must go on working. The odd
// one comes first, for libraries that stop at it.
func keyFaults() []*Fault {
	beside := func(name string, odd func(w *world) string) *Fault {
		return &Fault{Name: name, effect: harmless, begin: func(w *world) { w.precede(odd(w)) }}
	}
	constant := func(jwk string) func(*world) string { return func(*world) string { return jwk } }
	return []*Fault{
		beside("AKP key beside", func(w *world) string { return w.anotherKey(verifier.MLDSA65) }),
		beside("AKP key without alg beside", func(w *world) string { return without(w.anotherKey(verifier.MLDSA65), "alg") }),
		beside("off-curve key beside", constant(oddOffCurve)),
		beside("private key beside", (*world).privateKey),
		beside("symmetric key beside", constant(oddSymmetric)),
		beside("RSA key of 1024 bits beside", (*world).smallKey),
		beside("key of an unknown type beside", constant(oddUnknown)),
		beside("empty key beside", constant(oddEmpty)),
		beside("malformed x5c beside", func(w *world) string { return with(w.anotherKey(verifier.RS256), "x5c", `["AAAA"]`) }),
		beside("duplicate kid", func(w *world) string {
			return with(w.anotherKey(verifier.RS256), "kid", `"`+w.held.ID()+`"`)
		}),
		{Name: "malformed x5c on the good keys", effect: harmless, begin: func(w *world) {
			w.rewrite(func(jwk string) string { return with(jwk, "x5c", `["AAAA"]`) })
		}},
		{
			Name: "kid reused for another key", effect: reused,
			arrange: func(w *world) { w.reuse() },
			begin:   func(w *world) { w.issuer.Withdraw(w.held) },
		},
	}
}

// anotherKey is the JWK of a key that the issuer does not publish itself.
func (w *world) anotherKey(alg verifier.Algorithm) string {
	other := issuertest.New(otherOrigin)
	other.Publish(w.issuer.NewKey(alg))
	return keysOf(other.KeySet().Content())[0]
}

// privateKey is a JWK with a private member, which need not be right to be a reason for
// refusal. Its token is.
func (w *world) privateKey() string {
	key := w.issuer.NewKey(verifier.RS256)
	other := issuertest.New(otherOrigin)
	other.Publish(key)
	w.oddToken = key.Token(lasting())
	return with(keysOf(other.KeySet().Content())[0], "d", `"AQAB"`)
}

// smallKey is a JWK of 1024 bits that could sign for RS256.
func (w *world) smallKey() string {
	key, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is the fault
	if err != nil {
		w.tb.Errorf("resilience: %v", err)
		return oddEmpty
	}
	encode := base64.RawURLEncoding.EncodeToString
	payload := strings.Split(w.heldToken, ".")[1]
	signed := encode([]byte(`{"alg":"RS256","kid":"odd","typ":"at+jwt"}`)) + "." + payload
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		w.tb.Errorf("resilience: %v", err)
	}
	w.oddToken = signed + "." + encode(signature)
	return `{"kty":"RSA","kid":"odd","use":"sig","alg":"RS256","e":"AQAB","n":"` + encode(key.N.Bytes()) + `"}`
}

// keysOf splits a set that issuertest wrote.
func keysOf(set []byte) []string {
	var parsed struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if json.Unmarshal(set, &parsed) != nil {
		return nil
	}
	var keys []string
	for _, key := range parsed.Keys {
		keys = append(keys, string(key))
	}
	return keys
}

// setOf is a JWK set.
func setOf(keys []string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

// with sets a member of a JWK to a JSON value.
func with(jwk, name, value string) string { return changed(jwk, name, jsontext.Value(value)) }

// without leaves a member of a JWK out.
func without(jwk, name string) string { return changed(jwk, name, nil) }

func changed(jwk, name string, value jsontext.Value) string {
	members := map[string]jsontext.Value{}
	if json.Unmarshal([]byte(jwk), &members) != nil {
		return ""
	}
	if members[name] = value; value == nil {
		delete(members, name)
	}
	data, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return ""
	}
	return string(data)
}
