package conformance

import (
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// rawGroup is a group of vectors with signatures under one key.
type rawGroup struct {
	SHA        string         `json:"sha"`
	MGFHash    string         `json:"mgfSha"`
	SaltLength int            `json:"sLen"`
	PublicKey  jsontext.Value `json:"publicKey"`
	PrivateKey jsontext.Value `json:"privateKey"` // of vectors for signing, with the public numbers
	// JWKs that Wycheproof gives beside the numbers.
	PublicJWK jsontext.Value `json:"publicKeyJwk"`
	KeyJWK    jsontext.Value `json:"keyJwk"`
	Tests     []rawVector    `json:"tests"`
}

type rawVector struct {
	ID        int      `json:"tcId"`
	Comment   string   `json:"comment"`
	Message   octets   `json:"msg"`
	Signature octets   `json:"sig"`
	Context   octets   `json:"ctx"` // of ML-DSA
	Result    string   `json:"result"`
	Flags     []string `json:"flags"`
}

// octets are written in hexadecimal.
type octets []byte

// UnmarshalText reads hexadecimal digits.
func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// rawFile is a file with signatures and how its vectors end.
type rawFile struct {
	file   string
	scheme string // which algorithms its groups are for
	want   counts
}

// algorithm returns the JOSE algorithm of a group, or 0 if JOSE has none.
func (f rawFile) algorithm(g rawGroup) jws.Algorithm {
	if f.scheme == "RS" || f.scheme == "PS" {
		hashes := map[string]string{"SHA-256": "256", "SHA-384": "384", "SHA-512": "512"}
		return jws.Named(f.scheme + hashes[g.SHA])
	}
	return jws.Named(f.scheme)
}

// saltLength returns the length in octets that JOSE wants a PSS salt to have, or 0 if
// the algorithm is not PSS (RFC 7518 §3.5).
func saltLength(alg jws.Algorithm) int {
	return map[jws.Algorithm]int{jws.PS256: 32, jws.PS384: 48, jws.PS512: 64}[alg]
}

// why says why the library should say something else than the vector, or why what it
// says is of no consequence.
func (v rawVector) why(g rawGroup, alg jws.Algorithm, key rawKey) reason {
	salt := saltLength(alg)
	switch {
	case alg == 0:
		return noSuchHash
	case len(v.Context) > 0:
		return noContext
	case salt != 0 && v.Result == "invalid":
		return v.whyOtherPSS(g, salt)
	case v.Result == "invalid":
		return ""
	case key.bits > 0 && key.bits < 2048:
		return smallRSA
	case salt != 0 && g.MGFHash != g.SHA:
		return otherMGFHash
	case salt != 0 && g.SaltLength != salt:
		return otherSalt
	case slices.Contains(v.Flags, "MissingNull"):
		return noNull
	}
	return ""
}

// whyOtherPSS is why for an invalid vector of PSS.
func (v rawVector) whyOtherPSS(g rawGroup, salt int) reason {
	switch {
	case g.MGFHash == g.SHA && g.SaltLength == salt:
		return ""
	case g.MGFHash == g.SHA && v.Comment == fmt.Sprintf("s_len changed to %d", salt):
		return joseSalt
	}
	return otherPSS
}

// judge runs the vectors of the file.
func (f rawFile) judge(t *testing.T) tally {
	t.Helper()
	all := tally{file: f.file}
	for _, g := range readVectors[rawGroup](t, f.file) {
		key, err := g.key(f.scheme)
		if err != nil {
			t.Fatal(err)
		}
		alg := f.algorithm(g)
		usable := g.usable(t, key, alg)
		for _, v := range g.Tests {
			err := usable
			if err == nil {
				err = check(t, alg, key, v)
			}
			all.add(vector{fmt.Sprintf("#%d", v.ID), v.Result, v.why(g, alg, key)}, answerOf(err))
		}
	}
	return all
}

// usable has the library read the key as a JWK: the one made of the numbers, and
// those that Wycheproof gives. It fails unless it takes or refuses them alike.
func (g rawGroup) usable(t *testing.T, key rawKey, alg jws.Algorithm) error {
	t.Helper()
	if alg == 0 {
		return errors.New("no algorithm")
	}
	want, err := key.thumbprint(alg)
	for _, jwk := range []jsontext.Value{key.jwk, g.PublicJWK, g.KeyJWK} {
		if jwk == nil {
			continue
		}
		got, jwkErr := thumbprint(t, jwk, alg)
		if (err == nil) != (jwkErr == nil) || got != want {
			t.Errorf("the key is %q (%v), and as a JWK %q (%v)", want, err, got, jwkErr)
		}
	}
	return err
}

// thumbprint has the library read one JWK.
func thumbprint(t *testing.T, jwk jsontext.Value, alg jws.Algorithm) (string, error) {
	t.Helper()
	set, err := json.Marshal(jwkSet{[]jsontext.Value{jwk}})
	if err != nil {
		t.Fatal(err)
	}
	static, err := jwks.NewStatic(set)
	if err != nil {
		return "", err
	}
	found, err := static.Keys(t.Context(), "", verifier.Algorithm(alg))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d keys, %v", len(found), err)
	}
	return found[0].Thumbprint(), nil
}

// check verifies a signature, and holds a good one against every other algorithm.
func check(t *testing.T, alg jws.Algorithm, key rawKey, v rawVector) error {
	t.Helper()
	err := jws.Check(alg, key.public, v.Message, v.Signature)
	for other := jws.RS256; other.Valid(); other++ {
		if other == alg || err != nil && !alg.Same(other) {
			continue
		}
		if otherErr := jws.Check(other, key.public, v.Message, v.Signature); (otherErr == nil) != (err == nil && alg.Same(other)) {
			t.Errorf("#%d: %s says %v, %s says %v", v.ID, alg, err, other, otherErr)
		}
	}
	return err
}
