package issuertest_test

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestTokenClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.New("https://id.example.com")
		idp.AddKey(verifier.ES256)
		now := time.Now()
		defaults := map[string]any{
			"iss": "https://id.example.com", "sub": "alice", "aud": "api",
			"iat": float64(now.Unix()), "exp": float64(now.Unix() + 300),
		}
		tests := map[string]struct {
			claims  issuertest.Claims
			changes map[string]any // nil: absent
		}{
			"defaults":              {nil, nil},
			"another claim":         {issuertest.Claims{"scope": "a b"}, map[string]any{"scope": "a b"}},
			"default replaced":      {issuertest.Claims{"aud": []string{"x", "y"}}, map[string]any{"aud": []any{"x", "y"}}},
			"default taken away":    {issuertest.Claims{"exp": nil, "sub": nil}, map[string]any{"exp": nil, "sub": nil}},
			"time":                  {issuertest.Claims{"nbf": now.Add(1500 * time.Millisecond)}, map[string]any{"nbf": float64(now.Unix() + 1)}},
			"verbatim JSON":         {issuertest.Claims{"n": jsontext.Value(`{"a":1}`)}, map[string]any{"n": map[string]any{"a": 1.0}}},
			"ID chosen by the test": {issuertest.Claims{"jti": "one"}, map[string]any{"jti": "one"}},
		}
		for name, tt := range tests {
			got := decode(t, idp.Token(tt.claims), 1)
			want := maps.Clone(defaults)
			want["jti"] = got["jti"]
			for name, value := range tt.changes {
				want[name] = value
				if value == nil {
					delete(want, name)
				}
			}
			if toJSON(t, got) != toJSON(t, want) {
				t.Errorf("%s: payload %v, want %v", name, got, want)
			}
		}
		if a, b := decode(t, idp.Token(nil), 1)["jti"], decode(t, idp.Token(nil), 1)["jti"]; a == b || a == "" || a == nil {
			t.Errorf("IDs of two tokens: %v and %v", a, b)
		}
	})
}

func TestTokenDoesNotChangeItsArguments(t *testing.T) {
	claims, header := issuertest.Claims{"sub": nil, "nbf": time.Unix(1, 0)}, issuertest.Claims{"kid": nil}
	issuertest.New("https://id.example.com").NewKey(verifier.Ed25519).TokenWithHeader(header, claims)
	if len(claims) != 2 || claims["nbf"] != time.Unix(1, 0) || len(header) != 1 {
		t.Errorf("claims are %v and header %v afterwards", claims, header)
	}
}

func TestTokenHeader(t *testing.T) {
	for _, alg := range []verifier.Algorithm{verifier.ES256, verifier.Ed25519} {
		key := issuertest.New("https://id.example.com").NewKey(alg)
		tests := map[string]struct {
			header issuertest.Claims
			want   map[string]any
		}{
			"defaults":      {nil, map[string]any{"alg": alg.String(), "typ": "at+jwt", "kid": key.ID()}},
			"no kid or typ": {issuertest.Claims{"kid": nil, "typ": nil}, map[string]any{"alg": alg.String()}},
			"others": {
				issuertest.Claims{"kid": "x", "typ": "JWT", "crit": []string{"b"}, "b": true},
				map[string]any{"alg": alg.String(), "kid": "x", "typ": "JWT", "crit": []string{"b"}, "b": true},
			},
			"another alg": {issuertest.Claims{"alg": "none"}, map[string]any{"alg": "none", "typ": "at+jwt", "kid": key.ID()}},
		}
		for name, tt := range tests {
			if got := decode(t, key.TokenWithHeader(tt.header, nil), 0); toJSON(t, got) != toJSON(t, tt.want) {
				t.Errorf("%s, %s: header %v, want %v", alg, name, got, tt.want)
			}
		}
	}
}

// Under a false name, the signature is still one of the key's algorithm.
func TestTokenWithFalseAlgorithm(t *testing.T) {
	key := issuertest.New("https://id.example.com").NewKey(verifier.Ed25519)
	token := key.TokenWithHeader(issuertest.Claims{"alg": "EdDSA"}, nil)
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Verify(key.Public()); err != nil {
		t.Error(err)
	}
}

func TestTokenPanicsForWhatJSONHasNot(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a token was made with an infinite claim")
		}
	}()
	issuertest.New("https://id.example.com").NewKey(verifier.ES256).Token(issuertest.Claims{"n": math.Inf(1)})
}

// decode returns the header (0) or the payload (1) of a token.
func decode(t *testing.T, token string, part int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("token has %d parts", len(parts))
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
