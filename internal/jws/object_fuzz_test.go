package jws_test

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// Whatever the text: it is read if, and only if, encoding/json/v2 reads it and it is an
// object that is not too deep, and every value is what that package says.
func FuzzObject(f *testing.F) {
	for _, text := range oddTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := compareWithStandard(text); err != "" {
			t.Errorf("%q: %s", text, err)
		}
	})
}

// oddTexts are near the edges of RFC 8259.
var oddTexts = []string{
	`{}`, ` { } `, "\t{\r\n}", `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{"a":1}}`, `{"a":1}x`, `{"a":1`, `{`, ``, ` `, `[]`, `"a"`, `null`, `1`,
	"\xef\xbb\xbf{}", "{}\x00", "\x00{}", "{\x00}", "{}\f", "\v{}", "{}\u00a0", `{'a':1}`, `{a:1}`, `{1:1}`, `{null:1}`, `{"a":1/**/}`, `{"a"::1}`, `{"a":1,,"b":1}`, `{"":""}`,
	`{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"\u0061":1,"\u0061":1}`, `{"\u0061":1,"\U0061":1}`, `{"é":1,"\u00e9":1}`, `{"é":1,"\u00E9":1}`, `{"é":1,"e\u0301":1}`, `{"\ud83d\ude00":1,"😀":1}`,
	`{"/":1,"\/":1}`, `{"\"":1,"\u0022":1}`, `{"\\":1,"\u005c":1}`, `{"\n":1,"\u000a":1}`, `{"\b\f\n\r\t":1,"\u0008\u000c\u000a\u000d\u0009":1}`, `{"!":1,"\u0021":1}`, `{" ":1,"\u0020":1}`,
	`{"\u0000":1,"\u0000":1}`, `{"":1,"":1}`, `{"\u0000":1,"":1}`, `{"a":1,"ab":1,"abc":1,"a\u0062":1}`, `{"!":1,"":1,"\u0020":1,"#":1,"\u0022":1}`, `{"b":1,"a":1,"\u0062":1}`,
	`{"a":{"a":{"a":1}}}`, `{"a":{"b":1},"b":{"a":1}}`, `{"a":{"b":1,"b":1}}`, `{"a":[{"b":1},{"b":1}]}`, `{"a":[{"b":1},{"b":1,"b":1}]}`, `{"a":1,"b":{"c":1},"a":1}`, `{"b":{"a":1},"a":1}`,
	`{"a":"\ud800"}`, `{"a":"\udc00"}`, `{"a":"\ud800\ud800"}`, `{"a":"\ud800\udc00"}`, `{"a":"\uDBFF\uDFFF"}`, `{"a":"\udc00\ud800"}`, `{"a":"\ud800x"}`, `{"a":"\ud800\n"}`, `{"a":"\ud800\u"}`, `{"a":"\ud800\u12"}`, `{"a":"\ufffd"}`,
	`{"\ud800":1}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\u+123"}`, `{"a":"\u1_23"}`, `{"a":"\`, `{"a":"\"}`, `{"a":"\u`, `{"a":"\'"}`, `{"a":"\a"}`, `{"a":"\0"}`,
	"{\"a\":\"\xff\"}", "{\"a\":\"\xc3\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}", "{\"\xff\":1}", "{\"a\":\"\u2028\"}", "{\"a\":\"\ufffd\"}", "{\"a\":\"\x7f\"}",
	"{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"\t\"}", "{\"a\n\":1}",
	`{"a":0}`, `{"a":-0}`, `{"a":01}`, `{"a":-01}`, `{"a":+1}`, `{"a":-}`, `{"a":1.}`, `{"a":.5}`, `{"a":1.5}`, `{"a":-1.50}`, `{"a":1e3}`, `{"a":1E+3}`, `{"a":1e-3}`, `{"a":1e}`, `{"a":1e+}`, `{"a":1.e1}`, `{"a":0e0}`, `{"a":00}`, `{"a":0x1}`,
	`{"a":1_0}`, `{"a":1e400}`, `{"a":-1e400}`, `{"a":1e-400}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":12345678901234567890}`, `{"a":0.1e1,"b":2}`, `{"a":1-2}`, `{"a":1 2}`, `{"a":- 1}`,
	`{"a":true,"b":false,"c":null}`, `{"a":True}`, `{"a":tru}`, `{"a":truex}`, `{"a":nul`, `{"a":undefined}`, `{"a":falsefalse}`,
	`{"a":[]}`, `{"a":[ ]}`, `{"a":[1]}`, `{"a":["x","y"]}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[1}`, `{"a":{]}`, `{"a":[}}`, `{"a":["x"`, `{"a":["x",`, `{"a":[`, `{"a":["\u0061","b"]}`, `{"a":["\ud800"]}`,
	`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64), strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65),
}

func TestTheReaderAgreesWithTheStandardLibrary(t *testing.T) {
	for _, text := range oddTexts {
		if err := compareWithStandard([]byte(text)); err != "" {
			t.Errorf("%q: %s", text, err)
		}
	}
}

// compareWithStandard says how we and encoding/json/v2 differ about a text.
func compareWithStandard(text []byte) string {
	const maxDepth = 64
	reads := bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) && jsontext.Value(text).IsValid() && depthOf(text) <= maxDepth
	var all members
	err := jws.ReadUnverified(unverified("{}", string(text)), maxDepth, &all)
	if (err == nil) != reads {
		return "error " + errorText(err)
	}
	if !reads {
		return ""
	}
	var want map[string]jsontext.Value
	if err := json.Unmarshal(text, &want); err != nil || len(want) != len(all.names) {
		return "other members: " + strings.Join(all.names, " ") + errorText(err)
	}
	for i, name := range all.names {
		if difference := all.values[i].differsFrom(want[name]); want[name] == nil || difference != "" {
			return name + ": " + difference
		}
	}
	return ""
}

func errorText(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}

// depthOf returns how deep a valid text is nested.
func depthOf(text []byte) int {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	depth := 0
	for {
		if _, err := dec.ReadToken(); err != nil {
			return depth
		}
		depth = max(depth, dec.StackDepth())
	}
}

// members takes every member in, each of whose values is read with every method, as far
// as it may be, and skipped in the end.
type members struct {
	names  []string
	values []value
}

type value struct {
	text      string
	textErr   error
	number    float64
	numberErr error
	texts     []string
	textsErr  error
}

// Member implements [jws.Members].
func (m *members) Member(name jws.Name, v jws.Value) error {
	called := name.String()
	if !name.Is(called) || name.Is(called+"x") || called != "" && (name.Is("") || name.Is(called[1:])) {
		return errors.New("the name is not itself")
	}
	var got value
	again := jws.Rewind(v)
	got.text, got.textErr = v.Text()
	again()
	got.number, got.numberErr = v.Number()
	again()
	got.texts, got.textsErr = v.Texts()
	again()
	m.names, m.values = append(m.names, called), append(m.values, got)
	return v.Skip()
}

// differsFrom compares what was read with what encoding/json/v2 makes of the value.
func (v *value) differsFrom(raw jsontext.Value) string {
	var text string
	if err := json.Unmarshal(raw, &text); (raw.Kind() == '"') != (v.textErr == nil) || v.textErr == nil && (err != nil || text != v.text) {
		return "text " + v.text + errorText(v.textErr)
	}
	var number float64
	err := json.Unmarshal(raw, &number)
	if (raw.Kind() == '0' && err == nil) != (v.numberErr == nil) || v.numberErr == nil && number != v.number {
		return "number " + errorText(v.numberErr)
	}
	texts := []string{text}
	if raw.Kind() != '"' {
		texts = nil
		err = json.Unmarshal(raw, &texts)
	} else {
		err = nil
	}
	// To that package, null is a string, and an array.
	good := err == nil && raw.Kind() != 'n' && !(raw.Kind() == '[' && hasNull(raw)) && len(texts) <= 512
	if good != (v.textsErr == nil) || good && !slices.Equal(texts, v.texts) {
		return "texts " + strings.Join(v.texts, " ") + errorText(v.textsErr)
	}
	return ""
}

func hasNull(array jsontext.Value) bool {
	var elements []jsontext.Value
	if err := json.Unmarshal(array, &elements); err != nil {
		return false
	}
	return slices.ContainsFunc(elements, func(e jsontext.Value) bool { return e.Kind() == 'n' })
}
