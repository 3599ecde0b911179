package verifier_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// A token changed anywhere is no token, and neither are parts of two.
func TestChangedTokensAreRefused(t *testing.T) {
	v := verifierWith(t)
	one, two := tokenWith(), tokenWith("sub", `"bob"`)
	cut := func(raw string) []string { return strings.Split(raw, ".") }
	refusals{
		"another payload":   {cut(one)[0] + "." + cut(two)[1] + "." + cut(one)[2], verifier.ErrSignature, wasAsked},
		"another signature": {cut(one)[0] + "." + cut(one)[1] + "." + cut(two)[2], verifier.ErrSignature, wasAsked},
		"another header":    {jwstest.Encode(goodHeader.object("typ", `"JWT"`)) + "." + cut(one)[1] + "." + cut(one)[2], verifier.ErrSignature, wasAsked},
		"short signature":   {cut(one)[0] + "." + cut(one)[1] + "." + jwstest.Encode(make([]byte, 63)), verifier.ErrSignature, wasAsked},
		"zero signature":    {cut(one)[0] + "." + cut(one)[1] + "." + jwstest.Encode(make([]byte, 64)), verifier.ErrSignature, wasAsked},
	}.run(t)
	for i := range len(one) {
		changed := one[:i] + string(one[i]^1) + one[i+1:]
		if token, err := v.Verify(t.Context(), changed); token != nil || err == nil {
			t.Fatalf("accepted with character %d changed", i)
		}
	}
}

// What we accept, go-jose accepts too, with the same payload.
func TestGoJoseAcceptsEveryGoodToken(t *testing.T) {
	for _, s := range samples {
		t.Run(s.alg.String(), func(t *testing.T) {
			for _, raw := range []string{testdata.Token(s.alg.String()), signedBy(s.alg, s.key)} {
				token := wantAccepted(t, listing(t, sourceOf(keyOf(t, s.key, s.alg)), s.alg), raw)
				claims, err := verifier.Claims[map[string]any](token)
				if err != nil || claims["sub"] != "alice" {
					t.Fatalf("claims %v, %v", claims, err)
				}
				if s.alg == verifier.Ed25519 {
					continue // go-jose has no name for it
				}
				parsed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.alg.String())})
				if err != nil {
					t.Fatal(err)
				}
				payload, err := parsed.Verify(signer(s.key).Public())
				if err != nil {
					t.Fatal(err)
				}
				if got := jwstest.Encode(payload); got != strings.Split(raw, ".")[1] {
					t.Errorf("payload %s", payload)
				}
			}
		})
	}
}

func TestGoodTokenOfGoJoseIsAccepted(t *testing.T) {
	for _, s := range samples {
		if s.alg == verifier.Ed25519 {
			continue
		}
		t.Run(s.alg.String(), func(t *testing.T) {
			key := jose.JSONWebKey{Key: signer(s.key), KeyID: s.key}
			if strings.HasPrefix(s.alg.String(), "ML-DSA") {
				key.Algorithm = s.alg.String()
			}
			made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(s.alg.String()), Key: key}, (&jose.SignerOptions{}).WithType("at+jwt"))
			if err != nil {
				t.Fatal(err)
			}
			object, err := made.Sign([]byte(goodPayload.object()))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := object.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			wantAccepted(t, listing(t, sourceOf(keyOf(t, s.key, s.alg)), s.alg), raw)
		})
	}
}

func TestVerifyIsSafeForConcurrentUse(t *testing.T) {
	router, ours, _ := twoIssuers(t)
	var group sync.WaitGroup
	for i := range 16 {
		subject := fmt.Sprintf("user-%d", i)
		raw := jwstest.Sign(jws.EdDSA, signer("ed25519"), `{"alg":"EdDSA","kid":"shared"}`, goodPayload.object("sub", quote(subject)))
		forged := raw[:len(raw)-86] + jwstest.Encode(make([]byte, 64))
		group.Go(func() {
			for range 25 {
				token, err := router.Verify(t.Context(), raw)
				if err != nil || token.Subject() != subject || !token.HasScope("todos:read") || token.Scopes()[1] != "todos:write" {
					t.Errorf("got %v, %v", token, err)
				}
				if _, err := verifier.Claims[map[string]any](token); err != nil {
					t.Error(err)
				}
				if _, err := router.Verify(t.Context(), forged); verifier.KindOf(err) != verifier.ErrSignature {
					t.Errorf("forged: %v", err)
				}
			}
		})
	}
	group.Wait()
	if ours.rechecks != 16*25 {
		t.Errorf("%d rechecks", ours.rechecks)
	}
}
