package verifier_test

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// Whatever is sent: no panic, one kind, and nothing is accepted that our key did not
// sign, which is the seeds alone.
func FuzzToken(f *testing.F) {
	good := []string{testdata.Token("EdDSA"), testdata.Token("ES256"), testdata.Token("RS256")}
	for _, raw := range good {
		f.Add(raw)
		f.Add(raw + ".")
		f.Add(raw[:len(raw)-1])
		f.Add(raw[:len(raw)-4] + "\n" + raw[len(raw)-4:])
	}
	f.Add("")
	f.Add("..")
	f.Add("e30.e30.")
	f.Add(jwstest.Encode(`{"alg":"none"}`) + "." + jwstest.Encode(goodPayload.object()) + ".")
	f.Add(jwstest.Encode(`{"alg":"EdDSA","crit":["x"]}`) + ".e30.AAAA")
	v := listing(f, exactly{keyOf(f, "ed25519", 0), keyOf(f, "p-256", verifier.ES256), keyOf(f, "rsa-2048", 0)}, verifier.EdDSA, verifier.ES256, verifier.RS256)
	router, err := verifier.ByIssuer(v)
	if err != nil {
		f.Fatal(err)
	}
	found, err := verifier.ByIssuerFunc(func(_ context.Context, iss string) (*verifier.Verifier, error) {
		if iss != issuer {
			return nil, verifier.ErrIssuer
		}
		return v, nil
	}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, v := range []*verifier.Verifier{v, router, found} {
			token, err := v.Verify(t.Context(), raw)
			if (token == nil) == (err == nil) {
				t.Fatalf("token %v, error %v", token, err)
			}
			if err == nil && !slices.Contains(good, raw) {
				t.Fatalf("accepted %q", raw)
			}
			if err != nil && !errors.Is(err, verifier.ErrInvalidToken) {
				t.Fatalf("%v is no fault of the token", err)
			}
			if err != nil && (!utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > 500) {
				t.Fatalf("error text %q", err)
			}
		}
	})
}

// Whatever is signed: no panic, and what we accept go-jose reads in the same way and
// obeys the rules of RFC 7519 §4.1 as the documentation states them.
func FuzzPayload(f *testing.F) {
	for _, changes := range [][]string{
		nil,
		{"aud", `["x","todo-api"]`},
		{"exp", "1767229200.5"},
		{"exp", `"1767229200"`},
		{"nbf", "1767225600", "iat", "1e9"},
		{"cnf", `{"jkt":"x"}`},
		{"typ", `"ID"`},
		{"at_hash", `"x"`},
		{"x", `{"y":[1,{"z":null}]}`},
		{"sub", `"\u00e9"`},
		{"x", "1", "x", "2"},
		{"aud", "null"},
		{"iss", `"https:\/\/id.example.com"`},
	} {
		f.Add([]byte(goodPayload.object(changes...)))
	}
	f.Add([]byte("null"))
	f.Add([]byte(keycloakPayload))
	v := verifierWith(f, func(c *verifier.Config) {
		c.Check = func(context.Context, *verifier.Token) error { return nil }
	})
	now := time.Unix(issued+100, 0)
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := signed(goodHeader.object(), string(payload))
		token, err := v.Verify(t.Context(), raw)
		if err != nil {
			if token != nil || !errors.Is(err, verifier.ErrInvalidToken) || errors.Is(err, verifier.ErrSignature) {
				t.Fatalf("token %v, error %v", token, err)
			}
			return
		}
		object, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.EdDSA})
		if err != nil {
			t.Fatal(err)
		}
		if reference, err := object.Verify(signer("ed25519").Public()); err != nil || string(reference) != string(payload) {
			t.Fatalf("go-jose reads %q, %v", reference, err)
		}
		const leeway = 30 * time.Second
		if token.Issuer() != issuer || !slices.Contains(token.Audience(), audience) ||
			!now.Before(token.ExpiresAt().Add(leeway)) || token.NotBefore().After(now.Add(leeway)) || token.IssuedAt().After(now.Add(leeway)) {
			t.Fatalf("accepted %q", payload)
		}
		// A second reading, by encoding/json/v2, agrees with ours.
		c, err := verifier.Claims[struct {
			Issuer  any `json:"iss"`
			Subject any `json:"sub"`
			Expires any `json:"exp"`
			Type    any `json:"typ"`
		}](token)
		if err != nil || c.Issuer != issuer {
			t.Fatalf("claims %v, %v", c, err)
		}
		if subject, ok := c.Subject.(string); subject != token.Subject() || !ok && c.Subject != nil {
			t.Fatalf("sub is %v and read as %q", c.Subject, token.Subject())
		}
		if exp, ok := c.Expires.(float64); !ok || token.ExpiresAt().Unix() != int64(exp) {
			t.Fatalf("exp is %v and read as %v", c.Expires, token.ExpiresAt())
		}
		// Unknown members may be what no Go value holds, such as 1e400.
		members, err := verifier.Claims[map[string]jsontext.Value](token)
		if err != nil {
			t.Fatal(err)
		}
		for _, never := range []string{"cnf", "at_hash", "c_hash", "events"} {
			if _, found := members[never]; found {
				t.Fatalf("accepted with %s: %q", never, payload)
			}
		}
		if typ, _ := c.Type.(string); slices.Contains([]string{"id", "refresh", "offline", "logout"}, strings.ToLower(typ)) {
			t.Fatalf("accepted with typ %s", typ)
		}
	})
}

// Whatever the header says: no panic, and what is accepted names our algorithm and
// one of the allowed types, and has neither crit nor b64.
func FuzzHeader(f *testing.F) {
	for _, changes := range [][]string{
		nil,
		{"typ", `"application/JWT"`},
		{"typ", "null"},
		{"kid", ""},
		{"crit", "[]"},
		{"b64", "true"},
		{"alg", `"none"`},
		{"alg", `"\u0045dDSA"`},
		{"jwk", "{}"},
		{"x", `{"y":{}}`},
		{"x", "1", "x", "1"},
		{"kid", "1"},
	} {
		f.Add(goodHeader.object(changes...))
	}
	v := verifierWith(f)
	f.Fuzz(func(t *testing.T, header string) {
		raw := signed(header, goodPayload.object())
		token, err := v.Verify(t.Context(), raw)
		if err != nil {
			if token != nil || !errors.Is(err, verifier.ErrInvalidToken) || errors.Is(err, verifier.ErrSignature) {
				t.Fatalf("token %v, error %v", token, err)
			}
			return
		}
		typ := strings.TrimPrefix(strings.ToLower(token.Type()), "application/")
		if token.Algorithm() != verifier.EdDSA || typ != "" && typ != "jwt" && typ != "at+jwt" || token.KeyID() != "" && token.KeyID() != "ed25519" {
			t.Fatalf("accepted %q", header)
		}
		var members map[string]jsontext.Value // unknown ones may be what no Go value holds
		if err := json.Unmarshal([]byte(header), &members); err != nil {
			t.Fatalf("accepted %q: %v", header, err)
		}
		for _, never := range []string{"crit", "b64"} {
			if _, found := members[never]; found {
				t.Fatalf("accepted with %s: %q", never, header)
			}
		}
	})
}
