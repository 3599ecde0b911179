package bench_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench"
	"github.com/bearerproof/bearerproof/issuertest"
)

// BenchmarkVerify verifies a token whose key is held, a request at a time. Compare
// with bare within one run: the machine's speed is then the same.
func BenchmarkVerify(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		check := bareCheck(b, issuertest.Start(b))
		b.ReportAllocs()
		for b.Loop() {
			if err := check(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, p := range bench.Peers() {
		b.Run(p.Name, func(b *testing.B) {
			idp := issuertest.Start(b)
			raw, subject := keycloakToken(b, idp), warm(b, p, idp)
			b.ReportAllocs()
			for b.Loop() {
				if err := subject.Verify(b.Context(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyParallel is BenchmarkVerify with as many requests at a time as there
// are processors.
func BenchmarkVerifyParallel(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		parallel(b, bareCheck(b, issuertest.Start(b)))
	})
	for _, p := range bench.Peers() {
		b.Run(p.Name, func(b *testing.B) {
			idp := issuertest.Start(b)
			raw, subject := keycloakToken(b, idp), warm(b, p, idp)
			parallel(b, func() error { return subject.Verify(b.Context(), raw) })
		})
	}
}

func parallel(b *testing.B, check func() error) {
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := check(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// bareCheck is the least that anybody must do for the token: a hash and an RSA
// operation on parts that are decoded already.
func bareCheck(b *testing.B, idp *issuertest.Issuer) func() error {
	parts := split(keycloakToken(b, idp))
	signed := []byte(parts[0] + "." + parts[1])
	signature := []byte(decode(parts[2]))
	public, ok := idp.Key().Public().(*rsa.PublicKey)
	if !ok {
		b.Fatalf("the key is a %T", idp.Key().Public())
	}
	return func() error {
		digest := sha256.Sum256(signed)
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
	}
}

// keycloakToken has the members and the size of what Keycloak issues.
func keycloakToken(b *testing.B, idp *issuertest.Issuer) string {
	now := time.Now()
	raw := idp.Token(issuertest.Claims{
		"iat": now, "exp": now.Add(time.Hour),
		"jti": "onrtac:6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4d5e6",
		"aud": []string{audience, "account"},
		"sub": "f1a2b3c4-d5e6-4d6c-9c4b-6f1d0f4e6a0b",
		"typ": "Bearer", "azp": "todo-web", "sid": "6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4d5e6", "acr": "1",
		"allowed-origins": []string{"http://localhost:8080"},
		"realm_access":    roles("offline_access", "uma_authorization", "default-roles-myrealm", "todo-admin"),
		"resource_access": issuertest.Claims{"account": roles("manage-account", "manage-account-links", "view-profile")},
		"scope":           "openid profile email todos:read todos:write",
		"email_verified":  true, "name": "Alice Example", "preferred_username": "alice",
		"given_name": "Alice", "family_name": "Example", "email": "alice@example.com",
		"groups": []string{"/staff", "/staff/engineering", "/staff/engineering/platform"},
	})
	if len(raw) < 1400 || len(raw) > 1600 {
		b.Fatalf("the token has %d octets, want about 1500", len(raw))
	}
	return raw
}

func roles(names ...string) issuertest.Claims { return issuertest.Claims{"roles": names} }
