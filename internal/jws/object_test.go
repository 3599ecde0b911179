package jws_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// member reads the one member of an object with read.
func member[T any](object string, read func(jws.Value) (T, error)) (got T, err error) {
	err = jws.ReadUnverified(unverified("{}", object), 8, reading(func(_ string, v jws.Value) (err error) {
		got, err = read(v)
		return err
	}))
	return got, err
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{`"x"`: "x", `""`: "", `"\u0041\n\ud83d\ude00"`: "A\n😀", `"é"`: "é", `"\""`: `"`, `"\\"`: `\`} {
		for _, object := range []string{`{"a":` + raw + `}`, " {\t\"a\" :  " + raw + "\n}\n", `{"\u0061":` + raw + `}`} {
			if got, err := member(object, jws.Value.Text); err != nil || got != want {
				t.Errorf("%s: %q, %v", object, got, err)
			}
		}
	}
	for _, raw := range []string{"1", "null", "true", "{}", "[]", `["x"]`} {
		_, err := member(`{"a":`+raw+`}`, jws.Value.Text)
		if _, ok := errors.AsType[jws.WrongType](err); !ok {
			t.Errorf("%s: error %v", raw, err)
		}
	}
	for _, raw := range []string{`"x`, `"\x"`, `"\ud800"`, "\"\xff\"", "\"\n\"", "x", `'x'`} {
		_, err := member(`{"a":`+raw+`}`, jws.Value.Text)
		if _, ok := errors.AsType[jws.WrongType](err); ok || err == nil {
			t.Errorf("%s: error %v", raw, err)
		}
	}
}

func TestNumber(t *testing.T) {
	for raw, want := range map[string]float64{"0": 0, "-1": -1, "1.5": 1.5, "1e3": 1000, "1E-400": 0, "12345678901234567890": 12345678901234567890} {
		if got, err := member(`{"a":`+raw+`}`, jws.Value.Number); err != nil || got != want {
			t.Errorf("%s: %v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"1e400", "-1e400", `"1"`, "null", "true", "{}", "[]", `"NaN"`} {
		_, err := member(`{"a":`+raw+`}`, jws.Value.Number)
		if _, ok := errors.AsType[jws.WrongType](err); !ok {
			t.Errorf("%s: error %v", raw, err)
		}
	}
	for _, raw := range []string{"NaN", "Infinity", "01", "+1", "1.", ".5", "0x1", "1_0", ""} {
		if got, err := member(`{"a":`+raw+`}`, jws.Value.Number); err == nil {
			t.Errorf("%s: %v", raw, got)
		}
	}
}

func TestTexts(t *testing.T) {
	for raw, want := range map[string]string{`"x"`: `["x"]`, `[]`: `[]`, `["a","b"]`: `["a" "b"]`, ` [ "a" , "\u0062" ] `: `["a" "b"]`, `["a","b","c","d","e"]`: `["a" "b" "c" "d" "e"]`} {
		if got, err := member(`{"a":`+raw+`}`, jws.Value.Texts); err != nil || fmt.Sprintf("%q", got) != want {
			t.Errorf("%s: %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"1", "null", "{}", `[1]`, `["a",null]`, `["a",["b"]]`, `["a"`, `["a",]`, `[,]`, `["a" "b"]`, `["\ud800"]`} {
		if got, err := member(`{"a":`+raw+`}`, jws.Value.Texts); err == nil {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

func TestR37SkipIsBoundedInDepth(t *testing.T) {
	skip := func(v jws.Value) (struct{}, error) { return struct{}{}, v.Skip() }
	for _, raw := range []string{"1", `"x"`, "null", "[]", "{}", strings.Repeat("[", 7) + strings.Repeat("]", 7), strings.Repeat(`{"a":`, 7) + "1" + strings.Repeat("}", 7), `[[],[],{"a":[]}]`} {
		if _, err := member(`{"a":`+raw+`}`, skip); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, raw := range []string{strings.Repeat("[", 8) + strings.Repeat("]", 8), strings.Repeat(`{"a":`, 8) + "1" + strings.Repeat("}", 8), strings.Repeat("[", 100000)} {
		_, err := member(`{"a":`+raw+`}`, skip)
		wantFault(t, err, "deeper than 8")
	}
	for _, raw := range []string{"[", "[}", "{]", `{"a"}`, `{"a":1,"a":2}`, `[{"a":1,"a":2}]`, "[1,]", "tru", `"`, "[\"\xff\"]", `{"a":"\udfff"}`, ""} {
		if _, err := member(`{"a":`+raw+`}`, skip); err == nil {
			t.Errorf("%s: no error", raw)
		}
	}
}

func TestR38ObjectFaultsRepeatNothing(t *testing.T) {
	const secret = "s3cr3t"
	for name, test := range map[string]struct{ payload, want string }{
		"duplicate": {`{"` + secret + `":1,"` + secret + `":1}`, "duplicate"},
		"syntax":    {`{"` + secret + `":` + secret + `}`, "not valid JSON at byte"},
		"no object": {`"` + secret + `"`, "not a JSON object"},
		"trailing":  {`{}` + secret, "not valid JSON"},
		"cut short": {`{"` + secret + `":"` + secret, "not valid JSON"},
		"no name":   {`{1:"` + secret + `"}`, "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			err := jws.ReadUnverified(unverified("{}", test.payload), 8, reading(func(_ string, v jws.Value) error { return v.Skip() }))
			wantFault(t, err, test.want)
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats the payload: %v", err)
			}
		})
	}
}

// A member's own error comes back as it is.
func TestMembersErrorIsKept(t *testing.T) {
	mine := errors.New("mine")
	err := jws.ReadUnverified(unverified("{}", `{"a":1}`), 8, reading(func(string, jws.Value) error { return mine }))
	if !errors.Is(err, mine) {
		t.Errorf("error %v", err)
	}
}

// Of a duplicate and a fault behind it, the duplicate counts, as if it had been found
// in its place: otherwise the kind of an error would depend on what follows.
func TestADuplicateComesBeforeAFaultBehindIt(t *testing.T) {
	mine := errors.New("mine")
	failing := reading(func(name string, v jws.Value) error {
		if name == "mine" {
			return mine
		}
		return v.Skip()
	})
	for object, want := range map[string]string{
		`{"a":1,"a":1,"mine":1}`:                 "duplicate",
		`{"x":{"a":1,"\u0061":1},"mine":1}`:      "duplicate",
		`{"a":1,"a":x`:                           "duplicate",
		`{"a":1,"a":{"b":x`:                      "duplicate",
		`{"a":1,"b":1,"mine":1,"a":1}`:           "mine",
		`{"a":1,"b":x,"a":1}`:                    "not valid JSON",
		`{"mine":1,"mine":1}`:                    "mine",
		`{"a":1,"a":` + strings.Repeat("[", 100): "duplicate",
	} {
		wantFault(t, jws.ReadUnverified(unverified("{}", object), 8, failing), want)
	}
}

func TestR37TextsAreAtMost512(t *testing.T) {
	for n, good := range map[int]bool{512: true, 513: false} {
		texts, err := member(`{"a":["a"`+strings.Repeat(`,"a"`, n-1)+`]}`, jws.Value.Texts)
		if (err == nil) != good || good && len(texts) != n {
			t.Errorf("%d of %d strings, error %v", len(texts), n, err)
		}
	}
}
