package resilience

import (
	"crypto/ecdh"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
)

// members reads a JWK.
func members(t *testing.T, jwk string) map[string]string {
	t.Helper()
	var parsed map[string]string
	if err := json.Unmarshal([]byte(jwk), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func number(t *testing.T, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// point reads the coordinates of a JWK as an uncompressed point.
func point(t *testing.T, jwk string) []byte {
	t.Helper()
	m := members(t, jwk)
	return append(append([]byte{4}, number(t, m["x"])...), number(t, m["y"])...)
}

func TestOddKeysAreOddInOneThing(t *testing.T) {
	if _, err := ecdh.P256().NewPublicKey(point(t, oddOffCurve)); err == nil {
		t.Error("the off-curve key is on the curve")
	}
	if key := members(t, oddSymmetric); key["kty"] != "oct" || len(number(t, key["k"])) < 32 {
		t.Error("the symmetric key is not one for HS256")
	}
}

func TestChangedJWK(t *testing.T) {
	jwk := with(`{"kty":"RSA","kid":"a"}`, "x5c", `["AAAA"]`)
	if want := `{"kid":"a","kty":"RSA","x5c":["AAAA"]}`; jwk != want {
		t.Errorf("with a member: %s, want %s", jwk, want)
	}
	if got, want := without(jwk, "kid"), `{"kty":"RSA","x5c":["AAAA"]}`; got != want {
		t.Errorf("without a member: %s, want %s", got, want)
	}
	if got, want := string(setOf(keysOf([]byte(`{"keys":[{"a":1},{"b":2}]}`)))), `{"keys":[{"a":1},{"b":2}]}`; got != want {
		t.Errorf("split and joined: %s, want %s", got, want)
	}
}

// The library of the double uses RSA keys of 2,048 bits and more, whatever else they
// have: it refuses the token of the small key, and accepts that of the private one.
func TestObserveSeesWhoUsesAnOddKey(t *testing.T) {
	c := cell(t, "private key beside", Warm)
	seen := Observe(t, c, double(forgetful))
	if seen.Odd != Accepted {
		t.Errorf("the token of the private key was %q", seen.Odd)
	}
	wantDifference(t, c.Judge(seen), "odd key: its token was accepted")
	if seen := Observe(t, cell(t, "RSA key of 1024 bits beside", Warm), double(forgetful)); seen.Odd != Invalid {
		t.Errorf("the token of the small key was %q", seen.Odd)
	}
	if seen := Observe(t, cell(t, "empty key beside", Warm), double(forgetful)); seen.Odd != "" {
		t.Errorf("the token of no key was %q", seen.Odd)
	}
}

func TestSmallKeyHasAGoodToken(t *testing.T) {
	w := newWorld(t, cell(t, "RSA key of 1024 bits beside", Warm).Fault)
	jwk := members(t, w.smallKey())
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(number(t, jwk["n"])), E: 65537}
	if key.N.BitLen() != 1024 {
		t.Errorf("the small key has %d bits", key.N.BitLen())
	}
	if err := check(map[string]*rsa.PublicKey{"odd": key}, w.oddToken); err != nil {
		t.Errorf("the small key's token: %v", err)
	}
}
