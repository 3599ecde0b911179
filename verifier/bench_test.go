package verifier_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// keycloakPayload has the members of a Keycloak access token.
const keycloakPayload = `{"exp":1767229200,"iat":1767225600,"jti":"onrtac:6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4d5e6","iss":"https://id.example.com",` +
	`"aud":["todo-api","account"],"sub":"f1a2b3c4-d5e6-4d6c-9c4b-6f1d0f4e6a0b","typ":"Bearer","azp":"todo-web","sid":"6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4d5e6",` +
	`"acr":"1","allowed-origins":["http://localhost:8080"],"realm_access":{"roles":["offline_access","uma_authorization","default-roles-myrealm","todo-admin"]},` +
	`"resource_access":{"account":{"roles":["manage-account","manage-account-links","view-profile"]}},"scope":"openid profile email todos:read todos:write",` +
	`"email_verified":true,"name":"Alice Example","preferred_username":"alice","given_name":"Alice","family_name":"Example","email":"alice@example.com"}`

// keycloakToken has the shape and size of what Keycloak issues.
func keycloakToken(alg verifier.Algorithm, key string) string {
	header := goodHeader.object("alg", quote(alg.String()), "typ", `"JWT"`, "kid", quote(key))
	return jwstest.Sign(jws.Algorithm(alg), signer(key), header, keycloakPayload)
}

// against does two works by turns, so that both meet the same machine, and reports how
// many times as long as the second one the first takes.
func against(b *testing.B, work, base func()) {
	b.Helper()
	const batch = 16
	var works, ratios []float64
	for b.Loop() {
		one, other := timed(batch, work), timed(batch, base)
		works, ratios = append(works, one/batch), append(ratios, one/other)
	}
	slices.Sort(works)
	slices.Sort(ratios)
	b.ReportMetric(0, "ns/op") // would be that of a turn
	b.ReportMetric(works[len(works)/2], "ns")
	b.ReportMetric(ratios[len(ratios)/2], "times")
}

func timed(times int, work func()) float64 {
	began := time.Now()
	for range times {
		work()
	}
	return float64(time.Since(began).Nanoseconds())
}

// What a first Verify takes, against the bare signature check. The goals are 1.20 for
// RS256 and PS256, 1.07 for ES256, 1.09 for EdDSA.
func BenchmarkVerify(b *testing.B) {
	for _, s := range samples {
		b.Run(s.alg.String(), func(b *testing.B) {
			raw := keycloakToken(s.alg, s.key)
			against(b, accepting(b, uncached(b, s.alg, keyOf(b, s.key, s.alg)), raw), bare(b, s.alg, s.key, raw))
		})
	}
}

// accepting verifies a token that is good.
func accepting(b *testing.B, v *verifier.Verifier, raw string) func() {
	return func() {
		if _, err := v.Verify(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}

// bare checks the signature of a token and does nothing else.
func bare(b *testing.B, alg verifier.Algorithm, key, raw string) func() {
	dot := strings.LastIndexByte(raw, '.')
	signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	signed, public := []byte(raw[:dot]), signer(key).Public()
	return func() {
		if err := jws.Check(jws.Algorithm(alg), public, signed, signature); err != nil {
			b.Fatal(err)
		}
	}
}

// uncached is a Verifier for one key that verifies each token anew.
func uncached(tb testing.TB, alg verifier.Algorithm, key *verifier.Key) *verifier.Verifier {
	tb.Helper()
	return verifierWith(tb, func(c *verifier.Config) {
		c.Algorithms, c.Keys, c.CacheSize = []verifier.Algorithm{alg}, exactly{key}, verifier.NoCache
	})
}

// The length is looked at before anything else: a token of 1 MiB costs the same as
// one that is a byte too long.
func BenchmarkRefuseLongToken(b *testing.B) {
	v := verifierWith(b)
	for name, length := range map[string]int{"16 KiB and one": 16<<10 + 1, "1 MiB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			raw := strings.Repeat("x", length)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), raw); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// What a token that comes again takes, against the bare signature check. The goal is
// 0.05.
func BenchmarkVerifyRepeated(b *testing.B) {
	raw := keycloakToken(verifier.RS256, "rsa-2048")
	v := listing(b, exactly{keyOf(b, "rsa-2048", verifier.RS256)}, verifier.RS256)
	against(b, accepting(b, v, raw), bare(b, verifier.RS256, "rsa-2048", raw))
}

// Several processors at once. The goal is to gain nine tenths and a half of what the
// bare signature check gains.
func BenchmarkParallel(b *testing.B) {
	raw, key := keycloakToken(verifier.RS256, "rsa-2048"), exactly{keyOf(b, "rsa-2048", verifier.RS256)}
	for _, work := range []struct {
		name string
		do   func()
	}{
		{"bare", bare(b, verifier.RS256, "rsa-2048", raw)},
		{"first", accepting(b, uncached(b, verifier.RS256, key[0]), raw)},
		{"repeated", accepting(b, listing(b, key, verifier.RS256), raw)},
	} {
		b.Run(work.name+"/one", func(b *testing.B) {
			for b.Loop() {
				work.do()
			}
		})
		b.Run(work.name+"/all", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					work.do()
				}
			})
		})
	}
}

// A thousand keys, against one. The goal is 1.05.
func BenchmarkManyKeys(b *testing.B) {
	raw := keycloakToken(verifier.RS256, "rsa-2048")
	among := func(others int) func() {
		set, err := jwks.NewStatic(keySetWith(b, others))
		if err != nil {
			b.Fatal(err)
		}
		return accepting(b, verifierWith(b, func(c *verifier.Config) {
			c.Algorithms, c.Keys, c.CacheSize = []verifier.Algorithm{verifier.RS256}, set, verifier.NoCache
		}), raw)
	}
	against(b, among(999), among(0))
}

// keySetWith has the key rsa-2048, and others with moduli that nobody can factor.
func keySetWith(b *testing.B, others int) []byte {
	b.Helper()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{KeyID: "rsa-2048", Key: signer("rsa-2048").Public()}}}
	for i := range others {
		modulus := make([]byte, 256)
		if _, err := rand.Read(modulus); err != nil {
			b.Fatal(err)
		}
		modulus[0], modulus[255] = modulus[0]|0x80, modulus[255]|1
		set.Keys = append(set.Keys, jose.JSONWebKey{
			KeyID: fmt.Sprintf("other-%d", i),
			Key:   &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537},
		})
	}
	data, err := json.Marshal(set)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// What the cache adds to the first verification of a token: the same tokens without
// it and with it.
func BenchmarkVerifyFirst(b *testing.B) {
	var tokens []string
	for i := range 64 {
		tokens = append(tokens, tokenWith("jti", quote(strings.Repeat("j", 600)+string(rune('0'+i)))))
	}
	for name, size := range map[string]int{"without cache": verifier.NoCache, "with cache": 0} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var v *verifier.Verifier
			for i := 0; b.Loop(); i++ {
				if i%len(tokens) == 0 {
					b.StopTimer()
					v = verifierWith(b, func(c *verifier.Config) {
						c.Keys, c.CacheSize = exactly{keyOf(b, "ed25519", verifier.EdDSA)}, size
					})
					b.StartTimer()
				}
				if _, err := v.Verify(b.Context(), tokens[i%len(tokens)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Garbage of the greatest length, against one SHA-256 of it. The goal is 1.20 where it
// has two dots. What has the form of a token and a header that might be one is read as
// far as that is.
func BenchmarkRefuseGarbage(b *testing.B) {
	long := strings.Repeat("x", 5400)
	rest := "." + long + "." + long
	for name, raw := range map[string]string{
		"no dots":                     long + long + long,
		"two dots":                    long + rest,
		"two dots in the end":         long + long + long + ".x.x",
		"the header an array":         jwstest.Encode("["+strings.Repeat("1,", 2000)) + rest,
		"the header a brace and more": jwstest.Encode(strings.Repeat("{", 4000)) + rest,
		"the header one long name":    jwstest.Encode(`{"`+strings.Repeat("a", 12000)+`":x`) + ".x.x",
		"a header for another alg":    goodHeaderFor(verifier.RS384, "x") + rest + long[:5300],
	} {
		b.Run(name, func(b *testing.B) {
			v := verifierWith(b)
			wantAccepted(b, v, tokenWith()) // so that there is something to look up in
			text := []byte(raw)
			against(b, func() {
				if _, err := v.Verify(b.Context(), raw); err == nil {
					b.Fatal("accepted")
				}
			}, func() { sha256.Sum256(text) })
		})
	}
}
