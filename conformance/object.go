package conformance

import (
	"bytes"
	"compress/flate"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Object makes a header or a payload from a good one, in the order of the fields: its
// members are changed, then its text is replaced, then its octets.
//
// In every text, "<now+5>", with its quotation marks, stands for the number that is
// the clock's time and five seconds; "<now>" and "<now-0.5>" are others.
type Object struct {
	Set    map[string]jsontext.Value `json:"set,omitempty"`
	Remove []string                  `json:"remove,omitempty"`
	// Text replaces the whole object, so that it need not be JSON. "%s" in it stands
	// for the members, without braces, and "%r" for Repeat, so many Times, with each
	// "#" in it as the count.
	Text   string `json:"text,omitempty"`
	Repeat string `json:"repeat,omitempty"`
	Times  int    `json:"times,omitempty"`
	// Octets is Text, but each character stands for the one octet with its number.
	Octets string `json:"octets,omitempty"`
	// Nested puts a good token in the object's place.
	Nested bool `json:"nested,omitempty"`
	// Deflate compresses (RFC 1951) what there is.
	Deflate bool `json:"deflate,omitempty"`
}

func (o Object) apply(good string, now int64) (string, error) {
	members, err := o.change(good)
	if err != nil {
		return "", err
	}
	text := "{" + members + "}"
	if o.Text != "" {
		text = o.fill(o.Text, members)
	}
	if o.Octets != "" {
		text = o.fill(latin1(o.Octets), members)
	}
	if o.Nested {
		if text, err = (Recipe{}).Token(now); err != nil {
			return "", err
		}
	}
	text = withTimes(text, now)
	if o.Deflate {
		return deflate(text)
	}
	return text, nil
}

// change returns the members as they are to be, without braces.
func (o Object) change(good string) (string, error) {
	if o.Set == nil && o.Remove == nil {
		return good[1 : len(good)-1], nil
	}
	members := map[string]jsontext.Value{}
	if err := json.Unmarshal([]byte(good), &members); err != nil {
		return "", err
	}
	maps.Copy(members, o.Set)
	for _, name := range o.Remove {
		if _, present := members[name]; !present {
			return "", fmt.Errorf("removes %q, which is not there", name)
		}
		delete(members, name)
	}
	var text []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		quoted, err := json.Marshal(name)
		if err != nil {
			return "", err
		}
		text = append(text, string(quoted)+":"+string(members[name]))
	}
	return strings.Join(text, ","), nil
}

func (o Object) fill(text, members string) string {
	text = strings.ReplaceAll(text, "%s", members)
	if !strings.Contains(text, "%r") {
		return text
	}
	var repeated strings.Builder
	for i := range o.Times {
		repeated.WriteString(strings.ReplaceAll(o.Repeat, "#", strconv.Itoa(i)))
	}
	return strings.ReplaceAll(text, "%r", repeated.String())
}

// latin1 turns each character, none of which is beyond U+00FF, into the octet with
// its number.
func latin1(text string) string {
	var b []byte
	for _, c := range text {
		b = append(b, byte(c))
	}
	return string(b)
}

// withTimes puts numbers in the places of "<now…>".
func withTimes(text string, now int64) string {
	place := regexp.MustCompile(`"<now([+-][0-9.]+)?>"`)
	return place.ReplaceAllStringFunc(text, func(found string) string {
		offset, _ := strconv.ParseFloat(found[len(`"<now`):len(found)-len(`>"`)], 64) // none is 0
		return strconv.FormatFloat(float64(now)+offset, 'f', -1, 64)
	})
}

func deflate(text string) (string, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return out.String(), nil
}
