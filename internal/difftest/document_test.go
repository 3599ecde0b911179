package difftest

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// document is a second reading of a JSON object, which forgives what we refuse, and
// notes it.
type document struct {
	members map[string]jsontext.Value // the last of each name

	depth      int
	names      int  // of all objects
	duplicate  bool // somewhere, a name stands twice in one object
	badText    bool // invalid UTF-8, or half a surrogate pair
	hugeNumber bool // one that no float64 can hold
}

// readDocument reads as far as the JSON goes.
func readDocument(data []byte) *document {
	d := &document{members: map[string]jsontext.Value{}, badText: !utf8.Valid(data)}
	d.scan(data)
	d.readMembers(data)
	return d
}

// forgiving reads what we would not.
func forgiving(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// scan looks at every token of the text.
func (d *document) scan(data []byte) {
	dec := forgiving(data)
	var open []map[string]bool // the names of each object around the place that is read; nil for an array
	for {
		kind := dec.PeekKind()
		if kind == jsontext.KindString || kind == jsontext.KindNumber {
			value, err := dec.ReadValue()
			if err != nil {
				return
			}
			var names map[string]bool
			if around, length := dec.StackIndex(dec.StackDepth()); around == jsontext.KindBeginObject && length%2 == 1 {
				names = open[len(open)-1]
			}
			d.noteScalar(value, names)
			continue
		}
		if _, err := dec.ReadToken(); err != nil {
			return
		}
		d.depth = max(d.depth, dec.StackDepth())
		switch kind {
		case jsontext.KindBeginObject:
			open = append(open, map[string]bool{})
		case jsontext.KindBeginArray:
			open = append(open, nil)
		case jsontext.KindEndObject, jsontext.KindEndArray:
			open = open[:len(open)-1]
		default:
		}
	}
}

// noteScalar looks at a string or number. The names are those that stood in its object
// before it, where it is a name.
func (d *document) noteScalar(value jsontext.Value, names map[string]bool) {
	if value.Kind() == jsontext.KindNumber {
		number, err := strconv.ParseFloat(string(value), 64)
		d.hugeNumber = d.hugeNumber || err != nil || math.IsInf(number, 0)
		return
	}
	d.badText = d.badText || hasLoneSurrogate(string(value))
	if names == nil {
		return
	}
	d.names++
	var name string
	if json.Unmarshal(value, &name) != nil {
		return
	}
	d.duplicate = d.duplicate || names[name]
	names[name] = true
}

// readMembers reads the object's own members.
func (d *document) readMembers(data []byte) {
	dec := forgiving(data)
	if dec.PeekKind() != jsontext.KindBeginObject {
		return
	}
	if _, err := dec.ReadToken(); err != nil {
		return
	}
	for dec.PeekKind() == jsontext.KindString {
		name, err := dec.ReadToken()
		if err != nil {
			return
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return
		}
		d.members[key] = value.Clone()
	}
}

// hasLoneSurrogate finds \u escapes of a surrogate that has no other half.
func hasLoneSurrogate(raw string) bool {
	high := false // the escape before was the first half
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			if high {
				return true
			}
			continue
		}
		escape := raw[i:min(i+6, len(raw))]
		if len(escape) < 6 || escape[1] != 'u' {
			if high {
				return true
			}
			i++
			continue
		}
		unit, err := strconv.ParseUint(escape[2:], 16, 16)
		if err != nil {
			return false
		}
		first, second := unit>>10 == 0xd800>>10, unit>>10 == 0xdc00>>10
		if high != second {
			return true
		}
		high = first
		i += 5
	}
	return high
}

// has reports whether a member is there, of whatever type.
func (d *document) has(name string) bool {
	_, found := d.members[name]
	return found
}

// longer reports whether a member's text, as JSON writes it, is longer than so much.
func (d *document) longer(octets int, names ...string) bool {
	for _, name := range names {
		if len(d.members[name]) > octets {
			return true
		}
	}
	return false
}

// elements counts the elements of an array.
func (d *document) elements(name string) int {
	var all []jsontext.Value
	_ = json.Unmarshal(d.members[name], &all) // what is no array has none
	return len(all)
}

// text returns a member that is a string.
func (d *document) text(name string) (string, bool) {
	value, found := d.members[name]
	if !found || value.Kind() != jsontext.KindString {
		return "", false
	}
	var text string
	err := json.Unmarshal(value, &text)
	return text, err == nil
}

// number returns a member that is a number.
func (d *document) number(name string) (float64, bool) {
	value, found := d.members[name]
	if !found || value.Kind() != jsontext.KindNumber {
		return 0, false
	}
	number, err := strconv.ParseFloat(string(value), 64)
	return number, err == nil
}

// notText reports whether a member is there and no string.
func (d *document) notText(names ...string) bool {
	for _, name := range names {
		if value, found := d.members[name]; found && value.Kind() != jsontext.KindString {
			return true
		}
	}
	return false
}

// isOneOf reports whether a member is a string that equals one of some, letter case apart.
func (d *document) isOneOf(name string, some ...string) bool {
	text, ok := d.text(name)
	for _, one := range some {
		if ok && strings.EqualFold(text, one) {
			return true
		}
	}
	return false
}

func TestTheSecondReading(t *testing.T) {
	for text, want := range map[string]document{
		`{}`:                                {depth: 1},
		`{"a":1,"b":{"a":1}}`:               {depth: 2},
		`{"a":1,"a":1}`:                     {depth: 1, duplicate: true},
		`{"a":{"b":1,"\u0062":1}}`:          {depth: 2, duplicate: true},
		`{"a":[{"b":1},{"b":1},"b","b"]}`:   {depth: 3},
		`[{"b":"b"},{"b":[{"c":1,"c":1}]}]`: {depth: 4, duplicate: true},
		`{"a":"` + "\xff" + `"}`:            {depth: 1, badText: true},
		`{"\ud800":1}`:                      {depth: 1, badText: true},
		`{"a":"\ud83d\ude00\\ud800"}`:       {depth: 1},
		`{"a":"\ud83dx\ude00"}`:             {depth: 1, badText: true},
		`{"a":"\ud83d\n"}`:                  {depth: 1, badText: true},
		`{"a":"\ude00\ud83d"}`:              {depth: 1, badText: true},
		`{"a":1e400}`:                       {depth: 1, hugeNumber: true},
		`{"a":[-1e400]}`:                    {depth: 2, hugeNumber: true},
		`{"a":1e-400,"b":"1e400"}`:          {depth: 1},
		strings.Repeat("[", 70) + "1":       {depth: 70},
	} {
		got := readDocument([]byte(text))
		if got.depth != want.depth || got.duplicate != want.duplicate || got.badText != want.badText || got.hugeNumber != want.hugeNumber {
			t.Errorf("%s is read as %+v", text, got)
		}
	}
	d := readDocument([]byte(`{"s":"ID","n":1.5,"z":null,"l":[],"\u0065":"x","e":"y"}`))
	if text, ok := d.text("s"); text != "ID" || !ok || !d.isOneOf("s", "x", "id") || d.isOneOf("s", "x") || d.notText("s", "absent") {
		t.Errorf("s is read as %q", text)
	}
	if n, ok := d.number("n"); n != 1.5 || !ok {
		t.Errorf("n is read as %v", n)
	}
	if text, _ := d.text("e"); text != "y" {
		t.Errorf("of two members called e, %q is read", text)
	}
	for _, name := range []string{"z", "l", "absent"} {
		_, isText := d.text(name)
		_, isNumber := d.number(name)
		if isText || isNumber || d.isOneOf(name, "") || d.notText(name) != d.has(name) {
			t.Errorf("%s is misread", name)
		}
	}
}
