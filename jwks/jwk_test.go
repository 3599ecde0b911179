package jwks_test

import (
	"crypto/mldsa"
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// members are those of a JWK; with changes some of them, nil removing one.
type members map[string]any

// jwkOf is the public JWK of a key in testdata with other members.
func jwkOf(t testing.TB, name string, change members) jsontext.Value {
	t.Helper()
	jwk := members{}
	if err := json.Unmarshal(testdata.PublicJWK(name), &jwk); err != nil {
		t.Fatal(err)
	}
	maps.Copy(jwk, change)
	maps.DeleteFunc(jwk, func(_ string, value any) bool { return value == nil })
	return encode(t, jwk)
}

func encode(t testing.TB, value any) jsontext.Value {
	t.Helper()
	data, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// setOf is a JWK set.
func setOf(t testing.TB, keys ...jsontext.Value) []byte {
	t.Helper()
	return encode(t, map[string]any{"keys": keys})
}

// static is a source with a set that must be good.
func static(t testing.TB, keys ...jsontext.Value) *jwks.Static {
	t.Helper()
	source, err := jwks.NewStatic(setOf(t, keys...))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// finds counts the keys for a kid and an algorithm.
func finds(t testing.TB, source verifier.KeySet, kid string, alg verifier.Algorithm) int {
	t.Helper()
	keys, err := source.Keys(t.Context(), kid, alg)
	if err != nil {
		t.Fatal(err)
	}
	return len(keys)
}

func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// modulus is an odd number of so many bits. Nothing verifies under it.
func modulus(bits uint) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return number(n.SetBit(n, 0, 1))
}

func exponent(e int64) string { return number(big.NewInt(e)) }

// Each row is a JWK that is unfit, and a part of the reason that is told.
var unfit = []struct {
	name   string
	key    string // in testdata
	change members
	reason string
}{
	{"R42 a symmetric key", "p-256", members{"kty": "oct", "k": "c2VjcmV0", "x": nil, "y": nil, "crv": nil, "alg": "HS256"}, "symmetric member k"},
	{"R42 a symmetric key without its value", "p-256", members{"kty": "oct", "x": nil, "y": nil, "crv": nil}, `kty "oct"`},
	{"R42 an RSA key for HS256", "rsa-2048", members{"alg": "HS256"}, `alg "HS256"`},
	{"R43 RSA of 1024 bits", "rsa-1024", nil, "1024 bits"},
	{"R43 RSA of 2047 bits", "rsa-2048", members{"n": modulus(2047)}, "2047 bits"},
	{"R43 RSA of 8193 bits", "rsa-2048", members{"n": modulus(8193)}, "8193 bits"},
	{"R43 RSA of 100,000 bits", "rsa-2048", members{"n": modulus(100_000)}, "100000 bits"},
	{"R43 RSA with an even modulus", "rsa-2048", members{"n": number(new(big.Int).Lsh(big.NewInt(1), 2047))}, "modulus is even"},
	{"R43 RSA exponent 1", "rsa-2048", members{"e": exponent(1)}, "exponent"},
	{"R43 RSA exponent 2", "rsa-2048", members{"e": exponent(2)}, "exponent"},
	{"R43 RSA exponent 0", "rsa-2048", members{"e": "AA"}, "exponent"},
	{"R43 RSA exponent even", "rsa-2048", members{"e": exponent(65536)}, "exponent"},
	{"R43 RSA exponent of 2³¹+1", "rsa-2048", members{"e": exponent(1<<31 + 1)}, "exponent"},
	{"R43 RSA exponent of 2⁶⁴+65537", "rsa-2048", members{"e": number(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(65537)))}, "exponent"},
	{"R46 EC point off the curve", "p-256", members{"y": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}, `kty "EC"`},
	{"R46 EC point at infinity", "p-256", members{"x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}, `kty "EC"`},
	{"R46 EC coordinate that is short", "p-256", members{"x": "AQ"}, `kty "EC"`},
	{"R46 EC coordinate that is long", "p-256", members{"x": "A" + strings.Repeat("A", 43)}, `kty "EC"`},
	{"R46 EC on another curve than it says", "p-256", members{"crv": "P-384"}, `kty "EC"`},
	{"R46 Ed25519 that is short", "ed25519", members{"x": "AQ"}, `kty "OKP"`},
	{"R46 Ed25519 that is empty", "ed25519", members{"x": ""}, `kty "OKP"`},
	{"R48 AKP without alg", "ml-dsa-44", members{"alg": nil}, "AKP key states no alg"},
	{"R48 AKP for another parameter set", "ml-dsa-44", members{"alg": "ML-DSA-65"}, `kty "AKP"`},
	{"R48 AKP for RS256", "ml-dsa-44", members{"alg": "RS256"}, `kty "AKP"`},
	{"R48 AKP that is short", "ml-dsa-44", members{"pub": "AQ"}, `kty "AKP"`},
	{"R48 AKP that is long", "ml-dsa-44", members{"pub": base64.RawURLEncoding.EncodeToString(make([]byte, mldsa.MLDSA44().PublicKeySize()+1))}, `kty "AKP"`},
	{"R49 an unknown kty", "p-256", members{"kty": "XYZ"}, `kty "XYZ"`},
	{"R49 an unknown curve", "p-256", members{"crv": "secp256k1"}, `kty "EC"`},
	{"R49 X25519", "ed25519", members{"crv": "X25519"}, `kty "OKP"`},
	{"R49 Ed448", "ed25519", members{"crv": "Ed448"}, `kty "OKP"`},
	{"R49 no kty", "p-256", members{"kty": nil}, "kty is not a string"},
	{"R49 a kty that is a number", "p-256", members{"kty": 7}, "kty is not a string"},
	{"R49 no x", "p-256", members{"x": nil}, `kty "EC"`},
	{"R49 no n", "rsa-2048", members{"n": nil}, "n or e"},
	{"R49 no e", "rsa-2048", members{"e": nil}, "n or e"},
	{"R49 an n that is a number", "rsa-2048", members{"n": 7}, "n or e"},
	{"R49 an e that is not base64url", "rsa-2048", members{"e": "AQ+B"}, "n or e"},
	{"R49 an n that is empty", "rsa-2048", members{"n": ""}, "n or e"},
	{"R49 an x that is a number", "p-256", members{"x": 7}, `kty "EC"`},
	{"R49 an x that is not base64url", "p-256", members{"x": "***"}, `kty "EC"`},
	{"R40 an alg that the type does not fit", "p-256", members{"alg": "RS256"}, "does not fit alg"},
	{"R40 an alg that the curve does not fit", "p-256", members{"alg": "ES384"}, "does not fit alg"},
	{"R40 an alg for encryption", "rsa-2048", members{"alg": "RSA-OAEP"}, `alg "RSA-OAEP"`},
	{"R34 alg none", "p-256", members{"alg": "none"}, `alg "none"`},
	{"R31 alg in another case", "p-256", members{"alg": "es256"}, `alg "es256"`},
	{"R31 an alg that is empty", "p-256", members{"alg": ""}, `alg ""`},
	{"R31 an alg that is a number", "p-256", members{"alg": 7}, "alg is not a string"},
	{"R50 use enc", "p-256", members{"use": "enc"}, "use is not sig"},
	{"R50 use Sig", "p-256", members{"use": "Sig"}, "use is not sig"},
	{"R50 use that is empty", "p-256", members{"use": ""}, "use is not sig"},
	{"R50 use that is a list", "p-256", members{"use": []string{"sig"}}, "use is not sig"},
	{"R50 key_ops without verify", "p-256", members{"key_ops": []string{"sign", "encrypt"}}, "key_ops does not list verify"},
	{"R50 key_ops that is empty", "p-256", members{"key_ops": []string{}}, "key_ops does not list verify"},
	{"R50 key_ops that is a string", "p-256", members{"key_ops": "verify"}, "key_ops does not list verify"},
	{"R50 key_ops with a number", "p-256", members{"key_ops": []any{"verify", 7}}, "key_ops does not list verify"},
	{"R50 key_ops null", "p-256", members{"key_ops": jsontext.Value("null")}, "key_ops does not list verify"},
	{"R51 the private half of an EC key", "p-256", members{"d": "AQ"}, "member d"},
	{"R51 the private half of an EC key, null", "p-256", members{"d": jsontext.Value("null")}, "member d"},
	{"R51 p", "rsa-2048", members{"p": "AQ"}, "member p"},
	{"R51 q", "rsa-2048", members{"q": "AQ"}, "member q"},
	{"R51 dp", "rsa-2048", members{"dp": "AQ"}, "member dp"},
	{"R51 dq", "rsa-2048", members{"dq": "AQ"}, "member dq"},
	{"R51 qi", "rsa-2048", members{"qi": "AQ"}, "member qi"},
	{"R51 oth", "rsa-2048", members{"oth": []any{}}, "member oth"},
	{"R51 the seed of an AKP key", "ml-dsa-44", members{"priv": "AQ"}, "member priv"},
	{"R36 a kid longer than a token may have", "p-256", members{"kid": strings.Repeat("a", 257)}, "longer than 256"},
	{"R36 a kid that is a number", "p-256", members{"kid": 7}, "kid is not a string"},
	{"R36 a kid that is null", "p-256", members{"kid": jsontext.Value("null")}, "kid is not a string"},
}

func TestR49OddKeyIsSkippedWithAReasonAndTheOthersWork(t *testing.T) {
	for _, test := range unfit {
		t.Run(test.name, func(t *testing.T) {
			change := members{"kid": "odd"}
			maps.Copy(change, test.change)
			odd := jwkOf(t, test.key, change)
			source := static(t, jwkOf(t, "ed25519", members{"kid": "before"}), odd, jwkOf(t, "p-384", members{"kid": "after"}))
			if finds(t, source, "before", verifier.EdDSA) != 1 || finds(t, source, "after", verifier.ES384) != 1 {
				t.Error("the keys beside it are not found")
			}
			for _, alg := range algorithms {
				if finds(t, source, "odd", alg) != 0 {
					t.Errorf("it is found for %v", alg)
				}
			}
			skipped := source.Skipped()
			if len(skipped) != 1 || skipped[0].Index != 1 {
				t.Fatalf("skipped %+v, want the second key", skipped)
			}
			if !strings.Contains(skipped[0].Reason, test.reason) {
				t.Errorf("reason %q, want %q in it", skipped[0].Reason, test.reason)
			}
			if _, err := jwks.NewStatic(setOf(t, odd)); err == nil {
				t.Error("a set of it alone is accepted")
			}
		})
	}
}

func TestR49ElementThatIsNoStrictObjectIsSkipped(t *testing.T) {
	good := jwkOf(t, "p-256", nil)
	for _, test := range []struct{ name, element string }{
		{"null", `null`},
		{"a string", `"key"`},
		{"a list", `[]`},
		{"an empty object", `{}`},
		{"a member twice", `{"kid":"a","kid":"b",` + string(good[1:])},
		{"a member twice inside another", `{"x5c":{"a":1,"a":2},` + string(good[1:])},
		{"invalid UTF-8", "{\"note\":\"\xff\"," + string(good[1:])},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, err := jwks.NewStatic([]byte(`{"keys":[` + test.element + `,` + string(good) + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			if finds(t, source, "p-256", verifier.ES256) != 1 || len(source.Skipped()) != 1 || source.Skipped()[0].Index != 0 {
				t.Errorf("skipped %+v, want the first alone", source.Skipped())
			}
		})
	}
}

var algorithms = []verifier.Algorithm{
	verifier.RS256, verifier.RS384, verifier.RS512, verifier.PS256, verifier.PS384, verifier.PS512,
	verifier.ES256, verifier.ES384, verifier.ES512, verifier.EdDSA, verifier.Ed25519,
	verifier.MLDSA44, verifier.MLDSA65, verifier.MLDSA87,
}

func TestR40KeyIsFoundForTheAlgorithmsThatFitAlone(t *testing.T) {
	rsa := []verifier.Algorithm{verifier.RS256, verifier.RS384, verifier.RS512, verifier.PS256, verifier.PS384, verifier.PS512}
	edwards := []verifier.Algorithm{verifier.EdDSA, verifier.Ed25519} // two names of one
	for _, test := range []struct {
		key  string
		alg  any
		fits []verifier.Algorithm
	}{
		{"rsa-2048", nil, rsa},
		{"rsa-4096", nil, rsa},
		{"p-256", nil, []verifier.Algorithm{verifier.ES256}},
		{"p-384", nil, []verifier.Algorithm{verifier.ES384}},
		{"p-521", nil, []verifier.Algorithm{verifier.ES512}},
		{"ed25519", nil, edwards},
		{"ed25519", "EdDSA", edwards},
		{"ed25519", "Ed25519", edwards},
		{"ml-dsa-44", "ML-DSA-44", []verifier.Algorithm{verifier.MLDSA44}},
		{"ml-dsa-65", "ML-DSA-65", []verifier.Algorithm{verifier.MLDSA65}},
		{"ml-dsa-87", "ML-DSA-87", []verifier.Algorithm{verifier.MLDSA87}},
	} {
		source := static(t, jwkOf(t, test.key, members{"kid": "a", "alg": test.alg}))
		for _, alg := range algorithms {
			want := 0
			for _, fit := range test.fits {
				if fit == alg {
					want = 1
				}
			}
			if got := finds(t, source, "a", alg); got != want {
				t.Errorf("%s with alg %v: %d keys for %v, want %d", test.key, test.alg, got, alg, want)
			}
		}
	}
}

func TestR41KeyThatStatesItsAlgorithmIsUsedWithNoOther(t *testing.T) {
	for _, stated := range []verifier.Algorithm{verifier.RS256, verifier.RS384, verifier.RS512, verifier.PS256, verifier.PS384, verifier.PS512} {
		source := static(t, jwkOf(t, "rsa-2048", members{"kid": "a", "alg": stated.String()}))
		for _, alg := range algorithms {
			if got := finds(t, source, "a", alg); (got == 1) != (alg == stated) {
				t.Errorf("a key for %v: %d keys for %v", stated, got, alg)
			}
		}
	}
}

func TestR43LimitsOfRSAAreInclusive(t *testing.T) {
	for _, change := range []members{
		{"n": modulus(2048)}, {"n": modulus(4097)}, {"n": modulus(8192)}, {"e": exponent(3)}, {"e": exponent(1<<31 - 1)},
	} {
		if source := static(t, jwkOf(t, "rsa-2048", change)); finds(t, source, "rsa-2048", verifier.RS256) != 1 {
			t.Errorf("a key at the limit is skipped: %+v", source.Skipped())
		}
	}
}

func TestR50UseAndOperationsThatAllowVerifying(t *testing.T) {
	for _, change := range []members{
		{"use": "sig"}, {"use": nil}, {"key_ops": []string{"verify"}}, {"key_ops": []string{"sign", "verify"}}, {"use": "sig", "key_ops": []string{"verify"}},
	} {
		if source := static(t, jwkOf(t, "p-256", change)); finds(t, source, "p-256", verifier.ES256) != 1 {
			t.Errorf("%v is skipped: %+v", change, source.Skipped())
		}
	}
}

func TestR51KeyIsSkippedThoughAnotherHasTheSameKid(t *testing.T) {
	source := static(t, jwkOf(t, "p-256", members{"d": "AQ"}), jwkOf(t, "p-256", nil))
	if finds(t, source, "p-256", verifier.ES256) != 1 || len(source.Skipped()) != 1 {
		t.Errorf("skipped %+v, want the first alone", source.Skipped())
	}
}

func TestR52KidIsComparedExactly(t *testing.T) {
	source := static(t, jwkOf(t, "p-256", members{"kid": "Key-é"}))
	for _, kid := range []string{"key-é", "Key-e\u0301", "Key-é ", "Key-", "KEY-É", "Key-é\x00"} {
		if finds(t, source, kid, verifier.ES256) != 0 {
			t.Errorf("kid %q is found", kid)
		}
	}
	if finds(t, source, "Key-é", verifier.ES256) != 1 {
		t.Error("the kid itself is not found")
	}
}

func TestLongestKidIs256Bytes(t *testing.T) {
	kid := strings.Repeat("a", 256)
	if finds(t, static(t, jwkOf(t, "p-256", members{"kid": kid})), kid, verifier.ES256) != 1 {
		t.Error("a kid of 256 bytes is not found")
	}
}

func TestKeyWithABadCertificateWorks(t *testing.T) {
	source := static(t, jwkOf(t, "p-256", members{
		"x5c": []string{"not a certificate"}, "x5t": "?", "x5t#S256": 7, "x5u": "http://[", "exp": "soon", "iat": -1,
	}))
	if finds(t, source, "p-256", verifier.ES256) != 1 {
		t.Errorf("skipped: %+v", source.Skipped())
	}
}

func TestReasonQuotesAndCutsWhatTheSetSays(t *testing.T) {
	hostile := "\n\x1b[31m" + strings.Repeat("x", 10_000)
	source := static(t, jwkOf(t, "p-256", nil), jwkOf(t, "p-256", members{"alg": hostile}), jwkOf(t, "p-256", members{"kty": hostile}))
	if len(source.Skipped()) != 2 {
		t.Fatalf("skipped %+v", source.Skipped())
	}
	for _, skipped := range source.Skipped() {
		if strings.ContainsAny(skipped.Reason, "\n\x1b") || len(skipped.Reason) > 300 {
			t.Errorf("reason %q", skipped.Reason)
		}
	}
}
