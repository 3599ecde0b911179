package jws_test

import (
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
)

func TestParseReadsTheHeader(t *testing.T) {
	m, err := jws.Parse(unverified(`{"alg":"RS256","kid":"a\u0062c","typ":"JWT","jwk":{"kty":"RSA"},"x5c":["x"],"x":[{"y":1}]}`, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (jws.Header{Name: "RS256", Algorithm: jws.RS256, KeyID: "abc", Type: "JWT"}); m.Header != want {
		t.Errorf("header %+v, want %+v", m.Header, want)
	}
	m, err = jws.Parse(unverified(`{"alg":"HS256"}`, "{}"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (jws.Header{Name: "HS256"}); m.Header != want {
		t.Errorf("header %+v, want %+v", m.Header, want)
	}
}

// Parse leaves the other parts to their own steps, in which they are refused.
func TestEachPartIsReadInItsStep(t *testing.T) {
	header := jwstest.Encode(`{"alg":"EdDSA"}`)
	m, err := jws.Parse(header + ".!.!")
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, m.ReadSignature(), "signature is not base64url")
	_, err = m.ReadPayload(64, reading(skipping))
	wantFault(t, err, "payload is not base64url")
	m, err = jws.Parse(header + "..")
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, m.ReadSignature(), "signature is empty")
	_, err = m.ReadPayload(64, reading(skipping))
	wantFault(t, err, "payload is empty")
}

func TestR28Dots(t *testing.T) {
	for raw, want := range map[string]string{
		"":                               "no dots",
		"abc":                            "no dots",
		"a.b":                            "one dot",
		"a.b.c.d":                        "more than two dots",
		"a.b.c.d.e":                      "JWE",
		"a.b.c.d.e.f":                    "more than two dots",
		"..":                             "header is empty",
		strings.Repeat(".", 1<<10):       "more than two dots",
		jwstest.Encode("{}") + ".e30.AA": "no alg",
	} {
		_, err := jws.Parse(raw)
		wantFault(t, err, want)
	}
}

func TestR29EachByteSpellingIsOne(t *testing.T) {
	for encoded, want := range map[string]string{
		"eyJhbGciOiJFZERTQSJ9":     "", // {"alg":"EdDSA"}
		"eyJhbGciOiJFZERTQSJ9=":    "not base64url",
		"eyJhbGciOiJFZERTQSJ9====": "not base64url",
		"eyJhbGciOiJF\nZERTQSJ9":   "line break",
		"eyJhbGciOiJFZERTQSJ9\r":   "line break",
		"eyJhbGciOiJF ZERTQSJ9":    "not base64url",
		"eyJhbGciOiJFZERTQSJ9C":    "not base64url", // a single character encodes nothing
		"eyJhbGciOiJFZERTQSJ9CR":   "not base64url", // trailing bits are not zero
		"eyJhbGciOiJFZERTQSJ9CQ":   "",              // they are: the last octet is a tab
		"eyJhbGciOiJFZERTQSJ9Cg":   "",              // or a line feed, within the JSON
		"eyJhbGciOiJFZERTQSJ9CQl":  "not base64url",
		"eyJhbGciOiJFZERTQSJ9CQk":  "",
		"+yJhbGciOiJFZERTQSJ9":     "not base64url",
		"/yJhbGciOiJFZERTQSJ9":     "not base64url",
	} {
		_, err := jws.Parse(encoded + ".e30.AAAA")
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", encoded, err)
			}
			continue
		}
		wantFault(t, err, want)
	}
}

func TestPayloadTextIsWhatWasSigned(t *testing.T) {
	for _, payload := range []string{`{}`, " {\n\"a\" : 1 }\t", `{"é":"\u00e9"}`, `{"a":"` + strings.Repeat("x", 10000) + `"}`} {
		raw := jwstest.Sign(jws.EdDSA, testdata.Key("ed25519"), `{"alg":"EdDSA"}`, payload)
		text, err := read(raw, jws.EdDSA, public("ed25519"), reading(func(_ string, v jws.Value) error { return v.Skip() }))
		if err != nil || text != payload {
			t.Errorf("text %q, %v, want %q", text, err, payload)
		}
	}
}

func TestReadUnverifiedReadsThePayloadAlone(t *testing.T) {
	var got string
	err := jws.ReadUnverified("!."+jwstest.Encode(`{"iss":"x","y":[]}`)+".!", 64, reading(func(name string, v jws.Value) (err error) {
		if name == "iss" {
			got, err = v.Text()
			return err
		}
		return v.Skip()
	}))
	if err != nil || got != "x" {
		t.Errorf("got %q, %v", got, err)
	}
	wantFault(t, jws.ReadUnverified("a.b", 64, reading(skipping)), "one dot")
	wantFault(t, jws.ReadUnverified("a.!.b", 64, reading(skipping)), "not base64url")
}
