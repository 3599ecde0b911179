package jws_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
)

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

// Garbage is known by its first octet, of which every one but a brace and white space
// is refused (RFC 8259 §2), with or without the rest of it being base64url.
func TestAnObjectBeginsWithABraceOrWhiteSpace(t *testing.T) {
	for c := range 256 {
		first := string([]byte{byte(c)})
		for _, text := range []string{first, first + "{}", first + `"alg":"RS256"}`, first + strings.Repeat("x", 50)} {
			_, err := jws.Parse(unverified(text, "{}"))
			begins := strings.Contains("{ \t\r\n", first)
			if err == nil && !begins {
				t.Errorf("%q is read", text)
			}
			if !begins {
				wantFault(t, err, "header is not a JSON object")
			}
		}
	}
	for _, space := range []string{" ", "\t", "\r", "\n", " \r\n\t "} {
		if _, err := jws.Parse(unverified(space+`{"alg":"RS256"}`+space, "{}")); err != nil {
			t.Errorf("white space %q: %v", space, err)
		}
	}
}

// What a message gave stays as it is when its memory is used again.
func TestWhatWasReadOutlivesTheMessage(t *testing.T) {
	var messages jws.Messages
	type kept struct {
		header            jws.Header
		text, sub         string
		wantKID, wantText string
	}
	var all []kept
	for i := range 20 {
		kid, payload := strings.Repeat("k", i+1), `{"sub":"`+strings.Repeat("s", 20-i)+`"}`
		parts, _ := jws.Split(unverified(`{"alg":"RS256","kid":"`+kid+`"}`, payload))
		m := messages.Open(parts)
		k := kept{wantKID: kid, wantText: payload}
		if err := m.ReadHeader(nil); err != nil {
			t.Fatal(err)
		}
		var err error
		k.text, err = m.ReadPayload(64, reading(func(_ string, v jws.Value) (err error) {
			k.sub, err = v.Text()
			return err
		}))
		if err != nil {
			t.Fatal(err)
		}
		k.header = m.Header
		m.Close()
		all = append(all, k)
	}
	for _, k := range all {
		if k.header.KeyID != k.wantKID || k.text != k.wantText || `{"sub":"`+k.sub+`"}` != k.wantText {
			t.Errorf("kept %+v", k)
		}
	}
}

// The memory that is kept has nothing of a token in it, and is not that of a huge one.
func TestClosedMessagesKeepNoTokenAndLittleMemory(t *testing.T) {
	for _, members := range []int{1, 100, 1_000, 10_000} {
		var messages jws.Messages
		raw := jwstest.Sign(jws.EdDSA, testdata.Key("ed25519"), `{"alg":"EdDSA"}`, numbered(members))
		parts, _ := jws.Split(raw)
		m := messages.Open(parts)
		if err := m.ReadHeader(nil); err != nil {
			t.Fatal(err)
		}
		if err := m.ReadSignature(); err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(jws.EdDSA, public("ed25519")); err != nil {
			t.Fatal(err)
		}
		if _, err := m.ReadPayload(64, reading(func(_ string, v jws.Value) error { return v.Skip() })); err != nil {
			t.Fatal(err)
		}
		m.Close()
		if rest := bytes.Trim(m.Buffer(), "\x00"); len(rest) > 0 {
			t.Errorf("%d octets of a token are kept", len(rest))
		}
		if got := len(m.Buffer()) + m.NamesMemory(); got > 32<<10 {
			t.Errorf("%d bytes are kept", got)
		}
	}
}

// numbered is an object of so many members.
func numbered(members int) string {
	var text strings.Builder
	for i := range members {
		fmt.Fprintf(&text, `,"%d":"x"`, i)
	}
	return "{" + text.String()[1:] + "}"
}

// The steps take the place of each other in one buffer, and none takes another's octets
// for its own.
func TestNoStepIsTakenForAnother(t *testing.T) {
	raw := jwstest.Sign(jws.EdDSA, testdata.Key("ed25519"), `{"alg":"EdDSA"}`, `{}`)
	m, err := jws.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.Verify(jws.EdDSA, public("ed25519")) == nil {
		t.Error("verified without a signature")
	}
	verify := func() error {
		if err := m.ReadSignature(); err != nil {
			t.Fatal(err)
		}
		return m.Verify(jws.EdDSA, public("ed25519"))
	}
	if err := verify(); err != nil {
		t.Error(err)
	}
	if m.Verify(jws.ES256, public("p-256")) == nil {
		t.Error("verified under another key")
	}
	if err := m.Verify(jws.EdDSA, public("ed25519")); err != nil {
		t.Errorf("not verified after another key was tried: %v", err)
	}
	if err := m.Peek(64, reading(skipping)); err != nil {
		t.Fatal(err)
	}
	if m.Verify(jws.EdDSA, public("ed25519")) == nil {
		t.Error("verified with a payload for a signature")
	}
	if err := verify(); err != nil {
		t.Error(err)
	}
}

// A buffer that grows by the step of append would be too large to be kept.
func TestTheLargestTokensMemoryIsKept(t *testing.T) {
	parts := func(octets int) jws.Parts {
		p, wrong := jws.Split(jwstest.Encode(`{"alg":"EdDSA"}`) + "." + strings.Repeat("A", octets) + ".AAAA")
		if wrong != 0 {
			t.Fatal(wrong)
		}
		return p
	}
	for _, octets := range []int{14100, 15900} {
		m := new(jws.Messages).Open(parts(14000))
		if err := m.ReadSignature(); err != nil {
			t.Fatal(err)
		}
		m.Reopen(parts(octets))
		if err := m.ReadSignature(); err != nil {
			t.Fatal(err)
		}
		if kept := len(m.Buffer()); kept > 16<<10 {
			t.Errorf("a token of %d octets after one of 14,000: %d octets", octets, kept)
		}
	}
}
