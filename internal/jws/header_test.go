package jws_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
)

func TestR30ToR36HeaderFaults(t *testing.T) {
	for name, test := range map[string]struct{ header, want string }{
		"no alg":                {`{}`, "no alg"},
		"alg empty":             {`{"alg":""}`, "no alg"},
		"alg a number":          {`{"alg":1}`, "alg is not a string"},
		"alg null":              {`{"alg":null}`, "alg is not a string"},
		"kid an array":          {`{"alg":"RS256","kid":[]}`, "kid is not a string"},
		"typ true":              {`{"alg":"RS256","typ":true}`, "typ is not a string"},
		"crit":                  {`{"alg":"RS256","crit":["exp"]}`, "crit"},
		"crit empty":            {`{"alg":"RS256","crit":[]}`, "crit"},
		"b64":                   {`{"alg":"RS256","b64":false}`, "b64"},
		"duplicate":             {`{"alg":"RS256","alg":"RS256"}`, "duplicate"},
		"duplicate, escaped":    {`{"alg":"RS256","\u0061lg":"RS256"}`, "duplicate"},
		"duplicate, further in": {`{"alg":"RS256","x":{"y":1,"y":1}}`, "duplicate"},
		"kid of 257 octets":     {`{"alg":"RS256","kid":"` + strings.Repeat("k", 257) + `"}`, "kid longer"},
		"an array":              {`[]`, "is not a JSON object"},
		"a text":                {`"alg"`, "is not a JSON object"},
		"empty":                 {` `, "header is not"},
		"two objects":           {`{"alg":"RS256"}{}`, "not valid JSON"},
		"invalid UTF-8":         {"{\"alg\":\"RS256\",\"x\":\"\xff\"}", "not valid JSON"},
		"33 deep":               {`{"alg":"RS256","x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, "deeper than 32"},
		"a byte order mark":     {"\xef\xbb\xbf{\"alg\":\"RS256\"}", "header is not"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := jws.Parse(unverified(test.header, "{}"))
			if m != nil {
				t.Error("a message was returned")
			}
			wantFault(t, err, test.want)
		})
	}
	for _, header := range []string{
		`{"alg":"RS256","x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
		`{"alg":"RS256","kid":"` + strings.Repeat("k", 256) + `"}`,
		`{"alg":"RS256","ALG":1,"Crit":[]}`,
	} {
		if _, err := jws.Parse(unverified(header, "{}")); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestR37HeaderHasFewMembersAndShortNames(t *testing.T) {
	members := func(n int) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, `,"m%d":{}`, i)
		}
		return text.String()
	}
	long := strings.Repeat("a", 1538-1)
	for text, good := range map[string]bool{
		`{"alg":"RS256"` + members(64-1) + `}`:                               true,
		`{"alg":"RS256"` + members(64) + `}`:                                 false,
		`{"alg":"RS256","x":{"y":[{"z":1` + members(64-4) + `}]}}`:           true,
		`{"alg":"RS256","x":{"y":[{"z":1` + members(64-3) + `}]}}`:           false,
		`{"alg":"RS256","typ":"` + long[1:] + `"}`:                           true,
		`{"alg":"RS256","typ":"` + long + `"}`:                               false,
		`{"alg":"` + long + `"}`:                                             false,
		`{"alg":"RS256","kid":"` + strings.Repeat(`\u00e9`, 128) + `"}`:      true,
		`{"alg":"RS256","kid":"` + strings.Repeat(`\u0061`, 1538/6+1) + `"}`: false,
	} {
		if _, err := jws.Parse(unverified(text, "{}")); (err == nil) != good {
			t.Errorf("%.60s… of %d octets: error %v", text, len(text), err)
		}
	}
}

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
