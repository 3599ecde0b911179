package jwks_test

import (
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// marker stands for text of an answer, which must not come back in an error or a log.
const marker = "S3CRET-MARKER"

const mib = 1 << 20

// badSets are documents that are no JWK set with a usable key.
func badSets(t testing.TB) map[string]string {
	good := string(jwkOf(t, "p-256", nil))
	many := make([]jsontext.Value, 1025)
	for i := range many {
		many[i] = jwkOf(t, "ed25519", members{"kid": fmt.Sprint(marker, i)})
	}
	return map[string]string{
		"empty":                    "",
		"white space":              " \r\n\t",
		"not JSON":                 marker,
		"HTML":                     "<!DOCTYPE html><title>" + marker + "</title>",
		"cut off":                  `{"keys":[` + good + `,{"kid":"` + marker,
		"cut off before the end":   `{"keys":[` + good + `]`,
		"null":                     `null`,
		"a string":                 `"` + marker + `"`,
		"a list":                   `[` + good + `]`,
		"a bare JWK":               good,
		"an empty object":          `{}`,
		"another name":             `{"Keys":[` + good + `],"` + marker + `":1}`,
		"keys that is null":        `{"keys":null}`,
		"keys that is an object":   `{"keys":{"` + marker + `":` + good + `}}`,
		"keys that is empty":       `{"keys":[]}`,
		"keys twice":               `{"keys":[` + good + `],"` + marker + `":1,"keys":[` + good + `]}`,
		"keys twice, once escaped": `{"keys":[` + good + `],"k\u0065ys":[]}`,
		"trailing data":            `{"keys":[` + good + `]} ` + marker,
		"two documents":            `{"keys":[` + good + `]}{"keys":[]}`,
		"a comma too many":         `{"keys":[` + good + `,]}`,
		"a comment":                `{"keys":[` + good + `] /* ` + marker + ` */}`,
		"a NUL":                    "{\"keys\":[" + good + "]}\x00",
		"a byte order mark":        "\ufeff{\"keys\":[" + good + "]}",
		"nested too deeply":        `{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `,"keys":[` + good + `]}`,
		"no usable key":            `{"keys":[{"kty":"oct","k":"` + marker + `"},{"kty":"` + marker + `"}]}`,
		"1,025 keys":               string(setOf(t, many...)),
		"over 1 MiB":               string(setOf(t, jsontext.Value(good))) + strings.Repeat(" ", mib),
		"over 1 MiB inside":        `{"` + marker + `":"` + strings.Repeat("x", mib) + `","keys":[` + good + `]}`,
	}
}

func TestR73BadSetIsAnErrorThatRepeatsNothingOfIt(t *testing.T) {
	for name, set := range badSets(t) {
		t.Run(name, func(t *testing.T) {
			source, err := jwks.NewStatic([]byte(set))
			if err == nil {
				t.Fatalf("accepted, with %d keys skipped", len(source.Skipped()))
			}
			if strings.Contains(err.Error(), marker) || len(err.Error()) > 200 || !strings.HasPrefix(err.Error(), "jwks: ") {
				t.Errorf("error %q", err)
			}
		})
	}
}

func TestSetAtItsLimitsIsAccepted(t *testing.T) {
	var keys []jsontext.Value
	for i := range 1024 {
		keys = append(keys, jwkOf(t, "ed25519", members{"kid": fmt.Sprint(i)}))
	}
	set := setOf(t, keys...)
	set = append(set, strings.Repeat("\n", mib-len(set))...)
	source, err := jwks.NewStatic(set)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1024 {
		if finds(t, source, fmt.Sprint(i), verifier.EdDSA) != 1 {
			t.Fatalf("key %d is not found", i)
		}
	}
}

func TestMembersBesideTheKeysAreOfNoConcern(t *testing.T) {
	set := `{"a":{"keys":[]},"b":1,"b":"\ud800","keys":[` + string(jwkOf(t, "p-256", nil)) + `],"c":[null]}`
	source, err := jwks.NewStatic([]byte(set))
	if err != nil {
		t.Fatal(err)
	}
	if finds(t, source, "p-256", verifier.ES256) != 1 {
		t.Error("the key is not found")
	}
}

func TestKeyPublishedTwiceCountsOnce(t *testing.T) {
	key := jwkOf(t, "p-256", nil)
	source := static(t, key, key, jwkOf(t, "p-256", members{"use": "sig"}))
	if n := finds(t, source, "p-256", verifier.ES256); n != 1 {
		t.Errorf("%d keys", n)
	}
}

func TestKeysUnderOneKidAreAllGiven(t *testing.T) {
	source := static(t,
		jwkOf(t, "rsa-2048", members{"kid": "a"}), jwkOf(t, "rsa-2048-b", members{"kid": "a"}),
		jwkOf(t, "rsa-3072", members{"kid": "a", "alg": "PS256"}), jwkOf(t, "p-256", members{"kid": "a"}))
	for alg, want := range map[verifier.Algorithm]int{verifier.RS256: 2, verifier.PS256: 3, verifier.ES256: 1, verifier.ES384: 0} {
		if n := finds(t, source, "a", alg); n != want {
			t.Errorf("%d keys for %v, want %d", n, alg, want)
		}
	}
}

func TestTokenWithoutKidMayHaveAnyKeyAndAKeyWithoutKidServesNoOther(t *testing.T) {
	source := static(t, jwkOf(t, "rsa-2048", members{"kid": nil}), jwkOf(t, "rsa-2048-b", members{"kid": "b"}), jwkOf(t, "p-256", members{"kid": ""}))
	for _, test := range []struct {
		kid  string
		alg  verifier.Algorithm
		want int
	}{
		{"", verifier.RS256, 2},
		{"", verifier.ES256, 1},
		{"b", verifier.RS256, 1},
		{"b", verifier.ES256, 0},
		{"rsa-2048", verifier.RS256, 0},
		{"other", verifier.RS256, 0},
	} {
		if n := finds(t, source, test.kid, test.alg); n != test.want {
			t.Errorf("%d keys for kid %q and %v, want %d", n, test.kid, test.alg, test.want)
		}
	}
}

func TestCrowdedKidsAreReported(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		crowd := func(kid string, n int) {
			for range n {
				s.idp.AddKey(verifier.EdDSA).SetMember("kid", kid)
			}
		}
		crowd("four", 4)
		crowd("five", 5)
		crowd("", 7)
		s.warm()
		if got := s.keys.Status().Crowded; !slices.Equal(got, []string{"five", ""}) {
			t.Errorf("crowded %q", got)
		}
	})
}

func TestR53KeysOfAnotherIssuerWithTheSameKidAreNotFound(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		other := issuertest.Start(s.T)
		foreign := other.AddKey(verifier.ES256)
		foreign.SetMember("kid", s.kid())
		keys, err := jwks.NewRemote(other.KeySet().URL(), &jwks.Options{Client: other.Client(), Logger: discard()})
		if err != nil {
			s.Fatal(err)
		}
		ours, err := s.keys.Keys(s.Context(), s.kid(), verifier.ES256)
		if err != nil {
			s.Fatal(err)
		}
		theirs, err := keys.Keys(s.Context(), s.kid(), verifier.ES256)
		if err != nil {
			s.Fatal(err)
		}
		if len(ours) != 1 || len(theirs) != 1 || ours[0].Thumbprint() == theirs[0].Thumbprint() {
			t.Error("the sources share keys")
		}
	})
}
