package main

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/bearerproof/bearerproof/jwks"
)

// publishedKey is a JWK as the issuer publishes it. Package jwks decides whether it can
// be used; what is read here is for showing only.
type publishedKey struct {
	Index     int    `json:"index"`
	ID        string `json:"kid,omitzero"`
	Type      string `json:"kty,omitzero"`
	Size      string `json:"size,omitzero"` // the curve, the bits or the parameters
	Algorithm string `json:"alg,omitzero"`
	Use       string `json:"use,omitzero"`
	Usable    bool   `json:"usable"`
	Reason    string `json:"reason,omitzero"` // why it is not usable
}

// publishedKeys reads a JWK set.
func publishedKeys(set []byte, skipped []jwks.SkippedKey) []publishedKey {
	lenient := json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	var members struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if json.Unmarshal(set, &members, lenient) != nil {
		return nil
	}
	var keys []publishedKey
	for i, raw := range members.Keys {
		key := readKey(raw)
		key.Index, key.Usable = i, true
		at := slices.IndexFunc(skipped, func(s jwks.SkippedKey) bool { return s.Index == i })
		if at >= 0 {
			key.Usable, key.Reason = false, skipped[at].Reason
		}
		keys = append(keys, key)
	}
	return keys
}

func readKey(raw jsontext.Value) publishedKey {
	var members map[string]jsontext.Value
	if json.Unmarshal(raw, &members) != nil {
		return publishedKey{}
	}
	text := func(name string) string {
		var value string
		if json.Unmarshal(members[name], &value) != nil {
			return ""
		}
		return value
	}
	key := publishedKey{ID: shown(text("kid")), Type: shown(text("kty")), Algorithm: shown(text("alg")), Use: shown(text("use"))}
	key.Size = shown(text("crv"))
	if modulus, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text("n"), "=")); err == nil && len(modulus) > 0 {
		key.Size = fmt.Sprintf("%d bits", new(big.Int).SetBytes(modulus).BitLen())
	}
	return key
}

// String describes a key in a line.
func (k publishedKey) String() string {
	word, reason := "pass", ""
	if !k.Usable {
		word, reason = "-   ", "  not used: "+k.Reason
	}
	id, algorithm := "without kid", "without alg"
	if k.ID != "" {
		id = `kid "` + k.ID + `"`
	}
	if k.Algorithm != "" {
		algorithm = "alg " + k.Algorithm
	}
	if k.Use != "" {
		algorithm += ", use " + k.Use
	}
	return fmt.Sprintf("%s  %d  %s  %s  %s%s", word, k.Index, id, strings.TrimSpace(k.Type+" "+k.Size), algorithm, reason)
}

// shown makes a value from the issuer fit for a terminal, and short.
func shown(value string) string {
	const most = 64
	cut := value
	if len(cut) > most {
		cut = cut[:most]
	}
	quoted := strconv.QuoteToASCII(cut)
	inner := quoted[1 : len(quoted)-1]
	if len(value) > most {
		inner += "…"
	}
	return inner
}
