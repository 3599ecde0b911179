package conformance

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"slices"

	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// JWK is one key of a set that is made for a row: a public key of package testdata,
// changed, or any JSON text.
type JWK struct {
	Key     string                    `json:"key,omitempty"`
	Private bool                      `json:"private,omitempty"` // with its private member d
	Set     map[string]jsontext.Value `json:"set,omitempty"`
	Remove  []string                  `json:"remove,omitempty"`
	Text    string                    `json:"text,omitempty"` // instead of all that
}

// publishedSet is a JWK set (RFC 7517 §5).
type publishedSet struct {
	Keys []jsontext.Value `json:"keys"`
}

// KeySet returns the JWK set of the row's issuer. A set that is made for the row also
// has the key of [Config.Proof], under its name as kid: a service whose issuer
// publishes nothing of use would refuse everything, and that would prove nothing.
func (c Config) KeySet() ([]byte, error) {
	if c.Set == nil {
		name := c.Keys
		if name == "" {
			name = "usable"
		}
		return testdata.Set(name), nil
	}
	var set publishedSet
	for i, k := range append(slices.Clone(c.Set), JWK{Key: c.proofKey()}) {
		text, err := k.json()
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		set.Keys = append(set.Keys, text)
	}
	return json.Marshal(set, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func (k JWK) json() (jsontext.Value, error) {
	if k.Text != "" {
		return jsontext.Value(k.Text), nil
	}
	members, err := publicMembers(k.Key)
	if err != nil {
		return nil, err
	}
	if k.Private {
		if members["d"], err = privateMember(k.Key); err != nil {
			return nil, err
		}
	}
	maps.Copy(members, k.Set)
	for _, name := range k.Remove {
		if _, present := members[name]; !present {
			return nil, fmt.Errorf("removes %q, which is not there", name)
		}
		delete(members, name)
	}
	return json.Marshal(members, json.Deterministic(true))
}

// publicMembers returns the members of a public key as package testdata publishes it.
func publicMembers(name string) (map[string]jsontext.Value, error) {
	var set struct {
		Keys []map[string]jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(testdata.Set("with-1024"), &set); err != nil {
		return nil, err
	}
	for _, members := range set.Keys {
		if string(members["kid"]) == `"`+name+`"` {
			return members, nil
		}
	}
	return nil, fmt.Errorf("no key %q", name)
}

// privateMember is the "d" of RFC 7518 §6.2.2 and §6.3.2.
func privateMember(name string) (jsontext.Value, error) {
	switch key := testdata.Key(name).(type) {
	case *rsa.PrivateKey:
		return quote(jwstest.Encode(key.D.Bytes())), nil
	case *ecdsa.PrivateKey:
		d, err := key.Bytes()
		return quote(jwstest.Encode(d)), err
	default:
		return nil, fmt.Errorf("no private member of a %T", key)
	}
}

// Proof returns the recipe of a token that the row's verifier accepts, which is to show
// that it still does after the attack. Rows do not attack the key of that token,
// as long as RS256 comes first.
func (c Config) Proof() Recipe {
	alg, key := c.algorithms()[0].String(), c.proofKey()
	set := map[string]jsontext.Value{"alg": quote(alg), "kid": quote(key)}
	if c.TokenTypes != nil {
		set["typ"] = quote(c.TokenTypes[0])
	}
	return Recipe{
		Header:  Object{Set: set},
		Payload: Object{Set: map[string]jsontext.Value{"aud": quote(c.audience()[0]), "client_id": quote("todo-web")}},
		Sign:    Sign{Alg: alg, Key: key},
	}
}

func (c Config) proofKey() string {
	switch alg := c.algorithms()[0]; alg {
	case verifier.ES256:
		return "p-256"
	case verifier.ES384:
		return "p-384"
	case verifier.ES512:
		return "p-521"
	case verifier.EdDSA, verifier.Ed25519:
		return "ed25519"
	case verifier.MLDSA44:
		return "ml-dsa-44"
	case verifier.MLDSA65:
		return "ml-dsa-65"
	case verifier.MLDSA87:
		return "ml-dsa-87"
	default:
		return "rsa-3072"
	}
}

// quote writes a plain text as a JSON string.
func quote(text string) jsontext.Value { return jsontext.Value(`"` + text + `"`) }
