package jwks

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/verifier"
)

// SkippedKey is a JWK that is published and not used.
type SkippedKey struct {
	// Index is the JWK's place in the set, from 0.
	Index int `json:"index"`
	// ID is its kid, or "" if it has none that can be read.
	ID string `json:"kid,omitempty"`
	// Reason says why it is not used. It contains no key material.
	Reason string `json:"reason"`
}

// jwk is what we read of a JWK ourselves (RFC 7517 §4), because go-jose passes over
// some of it.
type jwk map[string]jsontext.Value

// maxKeyID is the longest kid that a token may have, in octets.
const maxKeyID = 256

// secret lists the members that a public key does not have (RFC 7518 §6, RFC 9964
// §3). A key whose private half is published belongs to everybody.
var secret = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// readJWK reads one JWK. It returns its kid, if that can be read, and either a key
// or the reason why there is none.
func readJWK(raw jsontext.Value) (kid string, key *verifier.Key, reason string) {
	var j jwk
	if err := json.Unmarshal(raw, &j); err != nil || j == nil {
		return "", nil, "is not a JSON object with each member once"
	}
	kid, ok := j.text("kid")
	if !ok {
		return "", nil, "kid is not a string"
	}
	if len(kid) > maxKeyID {
		return "", nil, fmt.Sprintf("kid is longer than %d bytes", maxKeyID)
	}
	if reason := j.unfit(); reason != "" {
		return kid, nil, reason
	}
	alg, reason := j.algorithm()
	if reason != "" {
		return kid, nil, reason
	}
	public, reason := j.public()
	if reason != "" {
		return kid, nil, reason
	}
	key, err := verifier.NewKey(kid, alg, public)
	if err != nil {
		return kid, nil, strings.TrimPrefix(err.Error(), "verifier: ")
	}
	return kid, key, ""
}

// text returns a member that is a string, or "" if it is absent. It reports false
// for a member of another type.
func (j jwk) text(name string) (string, bool) {
	value, present := j[name]
	if !present {
		return "", true
	}
	var text string
	if value.Kind() != jsontext.KindString || json.Unmarshal(value, &text) != nil {
		return "", false
	}
	return text, true
}

// unfit says why a key is not for verifying signatures, or returns "".
func (j jwk) unfit() string {
	for _, name := range secret {
		if _, present := j[name]; present {
			return "has the private or symmetric member " + name // RFC 7517 §8
		}
	}
	if _, present := j["use"]; present {
		if use, ok := j.text("use"); !ok || use != "sig" { // RFC 7517 §4.2
			return "use is not sig"
		}
	}
	operations, present := j["key_ops"]
	if !present {
		return ""
	}
	var ops []string
	if operations.Kind() != jsontext.KindBeginArray || json.Unmarshal(operations, &ops) != nil || !slices.Contains(ops, "verify") {
		return "key_ops does not list verify" // RFC 7517 §4.3
	}
	return ""
}

// algorithm returns the "alg" that the key states, or 0 if it states none.
func (j jwk) algorithm() (verifier.Algorithm, string) {
	if _, present := j["alg"]; !present {
		return 0, ""
	}
	name, ok := j.text("alg")
	if !ok {
		return 0, "alg is not a string"
	}
	alg, err := verifier.ParseAlgorithm(name)
	if err != nil {
		return 0, "alg " + quoted(name) + " is none that a token may be signed with"
	}
	return alg, ""
}

// public reads the public key.
func (j jwk) public() (any, string) {
	kty, ok := j.text("kty")
	switch {
	case !ok || kty == "":
		return nil, "kty is not a string"
	case kty == "RSA":
		return j.publicRSA()
	}
	return j.publicOther(kty)
}

// publicRSA reads an RSA key (RFC 7518 §6.3.1), because go-jose refuses those of more
// than 4,096 bits. Package verifier judges the numbers.
func (j jwk) publicRSA() (any, string) {
	n, e := j.number("n"), j.number("e")
	if n == nil || e == nil {
		return nil, "RSA key's n or e is missing or not base64url"
	}
	if !e.IsInt64() || e.Int64() > math.MaxInt32 {
		return nil, "RSA exponent is above 2³¹−1"
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, ""
}

// number returns a member that is a Base64urlUInt (RFC 7518 §2), or nil. Padding is
// passed over, as go-jose does.
func (j jwk) number(name string) *big.Int {
	text, ok := j.text(name)
	if !ok || text == "" {
		return nil
	}
	octets, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return new(big.Int).SetBytes(octets)
}

// publicOther has go-jose read the key's own members. It is given nothing else,
// because it refuses a good key for a bad certificate ("x5c").
func (j jwk) publicOther(kty string) (any, string) {
	own := jwk{}
	for _, name := range [...]string{"kty", "crv", "x", "y", "pub"} {
		if value, present := j[name]; present {
			own[name] = value
		}
	}
	if kty == "AKP" {
		own["alg"] = j["alg"]
		if _, present := j["alg"]; !present {
			return nil, "AKP key states no alg" // RFC 9964 §3
		}
	}
	data, err := json.Marshal(own)
	if err != nil {
		return nil, "cannot be read"
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(data); err != nil || parsed.Key == nil {
		return nil, "kty " + quoted(kty) + ": unknown type or curve, or missing or invalid members"
	}
	return parsed.Key, ""
}

// quoted makes a value from a key set safe to log: quoted, and cut to 64 bytes.
func quoted(value string) string {
	const most = 64
	if len(value) > most {
		return strconv.QuoteToASCII(value[:most]) + "…"
	}
	return strconv.QuoteToASCII(value)
}
