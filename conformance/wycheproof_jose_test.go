package conformance

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/verifier"
)

// joseGroup is a group of vectors with tokens and the JWKs to read them with.
type joseGroup struct {
	Comment string         `json:"comment"`
	Public  jsontext.Value `json:"public"`  // a JWK or a set
	Private jsontext.Value `json:"private"` // likewise; what there is if a key is symmetric
	Tests   []joseVector   `json:"tests"`
}

type joseVector struct {
	ID     int            `json:"tcId"`
	Result string         `json:"result"`
	JWS    jsontext.Value `json:"jws"` // a string, or an object (JSON serialization)
	JWE    jsontext.Value `json:"jwe"`
}

// jwks returns the JWKs that the group's tokens are verified with.
func (g joseGroup) jwks(t *testing.T) []jsontext.Value {
	t.Helper()
	from := g.Public
	if from == nil {
		from = g.Private
	}
	var set jwkSet
	if err := json.Unmarshal(from, &set); err != nil {
		t.Fatal(err)
	}
	if set.Keys == nil {
		return []jsontext.Value{from}
	}
	return set.Keys
}

// token returns what stands for the token: its text, or the object's.
func (v joseVector) token(t *testing.T) string {
	t.Helper()
	value := v.JWS
	if value == nil {
		value = v.JWE
	}
	if value.Kind() != jsontext.KindString {
		return string(value)
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// why says why the library should refuse a token that it refused as got, although
// the vector does not call it invalid, or although it is not what the vector tests.
func (v joseVector) why(t *testing.T, jwk []jsontext.Value, token string, got verifier.Kind) reason {
	t.Helper()
	m, err := jws.Parse(token)
	switch {
	case v.JWE != nil:
		if got == verifier.ErrMalformed {
			return noJWE
		}
	case err == nil && strings.HasPrefix(m.Header.Name, "HS") && symmetric(t, jwk):
		if got == verifier.ErrAlgorithm {
			return noHMAC
		}
	case v.Result == "invalid":
	case err != nil && strings.ContainsAny(token, "?#= "):
		return notBase64url
	case err == nil && m.Header.Algorithm != 0:
		return otherThan(t, jwk, m.Header.Name)
	}
	return ""
}

// stated is what a JWK says of its type and algorithm.
type stated struct {
	Type      string `json:"kty"`
	Algorithm string `json:"alg"`
}

func read(t *testing.T, jwk jsontext.Value) stated {
	t.Helper()
	var s stated
	if err := json.Unmarshal(jwk, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// symmetric reports whether there is a symmetric key.
func symmetric(t *testing.T, jwk []jsontext.Value) bool {
	t.Helper()
	return slices.ContainsFunc(jwk, func(j jsontext.Value) bool { return read(t, j).Type == "oct" })
}

// otherThan says what is wrong with the "alg" of a single key, if it is not the
// token's.
func otherThan(t *testing.T, jwk []jsontext.Value, name string) reason {
	t.Helper()
	if len(jwk) != 1 {
		return ""
	}
	switch alg := read(t, jwk[0]).Algorithm; {
	case alg == "" || alg == name:
		return ""
	case jws.Named(alg) == 0:
		return unknownAlg
	}
	return otherAlg
}

type joseFile struct {
	file string
	want counts
}

// josePlan lists the files with tokens, and how their vectors end.
func josePlan() []joseFile {
	return []joseFile{
		{"json_web_signature_test.json", counts{passed: 370, stricter: 5, notApplicable: 26}},
		{"json_web_key_test.json", counts{passed: 11, notApplicable: 15}},
		{"json_web_crypto_test.json", counts{passed: 40, notApplicable: 43}},
	}
}

func TestWycheproofTokens(t *testing.T) {
	var tallies []tally
	for _, f := range josePlan() {
		t.Run(f.file, func(t *testing.T) {
			got := judgeTokens(t, f.file)
			tallies = append(tallies, got)
			if got.counts != f.want {
				t.Errorf("%+v, want %+v", got.counts, f.want)
			}
		})
	}
	report(t, tallies, map[reason]int{noHMAC: 50, noJWE: 34, otherAlg: 2, unknownAlg: 2, notBase64url: 1})
}

// judgeTokens runs the vectors of a file with tokens.
func judgeTokens(t *testing.T, file string) tally {
	t.Helper()
	all := tally{file: file}
	for _, group := range readVectors[joseGroup](t, file) {
		jwk := group.jwks(t)
		k := readKeys(t, jwk...)
		if skipped := k.skipped(); skipped != nil {
			t.Logf("%s: JWKs not used: %s", group.Comment, strings.Join(skipped, "; "))
		}
		for _, v := range group.Tests {
			token := v.token(t)
			got := k.verify(t, token)
			if err := k.agrees(t, token, got); err != nil {
				t.Errorf("#%d: %v", v.ID, err)
			}
			said := refused
			if got == 0 {
				said = accepted
			}
			all.add(vector{fmt.Sprintf("#%d", v.ID), v.Result, v.why(t, jwk, token, got)}, said)
		}
	}
	return all
}
