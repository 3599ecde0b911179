package verifier_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
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

// What Verify costs beyond the bare signature check, in one run.
func BenchmarkVerify(b *testing.B) {
	for _, s := range samples {
		raw := keycloakToken(s.alg, s.key)
		b.Run(s.alg.String()+"/bare", func(b *testing.B) { benchBare(b, s.alg, s.key, raw) })
		b.Run(s.alg.String()+"/verify", func(b *testing.B) {
			v := uncached(b, s.alg, keyOf(b, s.key, s.alg))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchBare checks the signature of a token and does nothing else.
func benchBare(b *testing.B, alg verifier.Algorithm, key, raw string) {
	dot := strings.LastIndexByte(raw, '.')
	signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	signed, public := []byte(raw[:dot]), signer(key).Public()
	b.ReportAllocs()
	for b.Loop() {
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

// What a token that comes again costs beside the bare signature check, in one run.
func BenchmarkVerifyRepeated(b *testing.B) {
	raw := keycloakToken(verifier.RS256, "rsa-2048")
	b.Run("RS256 bare", func(b *testing.B) { benchBare(b, verifier.RS256, "rsa-2048", raw) })
	v := listing(b, exactly{keyOf(b, "rsa-2048", verifier.RS256)}, verifier.RS256)
	b.Run("one at a time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("in parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := v.Verify(b.Context(), raw); err != nil {
					b.Error(err)
				}
			}
		})
	})
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

// Garbage of the greatest length with two dots, beside one SHA-256 of it. The second
// kind has a header that could be one.
func BenchmarkRefuseGarbage(b *testing.B) {
	long := strings.Repeat("x", 5400)
	b.Run("SHA-256", func(b *testing.B) {
		text := []byte(long + "." + long + "." + long)
		for b.Loop() {
			sha256.Sum256(text)
		}
	})
	for name, raw := range map[string]string{
		"no header": long + "." + long + "." + long,
		"a header":  goodHeaderFor(verifier.RS384, "x") + "." + long + "." + long + long[:5300],
	} {
		b.Run(name, func(b *testing.B) {
			v := verifierWith(b)
			wantAccepted(b, v, tokenWith()) // so that there is something to look up in
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), raw); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
