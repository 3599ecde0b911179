package verifier_test

import (
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
		b.Run(s.alg.String()+"/bare", func(b *testing.B) {
			dot := strings.LastIndexByte(raw, '.')
			signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
			if err != nil {
				b.Fatal(err)
			}
			signed, public := []byte(raw[:dot]), signer(s.key).Public()
			b.ReportAllocs()
			for b.Loop() {
				if err := jws.Check(jws.Algorithm(s.alg), public, signed, signature); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(s.alg.String()+"/verify", func(b *testing.B) {
			v := listing(b, exactly{keyOf(b, s.key, s.alg)}, s.alg)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
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
