package jws

import (
	"fmt"
	"slices"
	"strconv"
)

// Members receives the members of a JSON object, one call each, in their order.
// It must read each value with exactly one method of the [Value].
type Members interface {
	Member(name Name, value Value) error
}

// Name is the name of a member.
type Name struct {
	inside  string // the quotes
	escapes bool
}

// String returns the name, which takes memory if there are escapes in it.
func (n Name) String() string {
	if n.escapes {
		return unescaped(n.inside)
	}
	return n.inside
}

// Is reports whether this is the name, and takes no memory.
func (n Name) Is(name string) bool {
	if !n.escapes {
		return n.inside == name
	}
	rest := n.inside
	for _, wanted := range name {
		if rest == "" {
			return false
		}
		r, size := character(rest)
		if r != wanted {
			return false
		}
		rest = rest[size:]
	}
	return rest == ""
}

// object reads one JSON object and nothing else: valid UTF-8, no duplicate member
// names at any depth (RFC 7515 §4, RFC 7519 §4), and nested no deeper than maxDepth,
// the object itself included. The zero object is ready.
type object struct {
	scanner

	maxDepth int
	maxNames int // of all objects together; 0: any number
	count    int // of them, as far as they are read
	names    names
}

// read reads a text, which may have as many members as maxNames says. Error texts
// repeat nothing of it, but for what members put into their own.
func (o *object) read(text string, maxDepth, maxNames int, members Members) error {
	o.scanner = scanner{text: text}
	o.maxDepth, o.maxNames, o.count = maxDepth, maxNames, 0
	o.names.begin(text, maxNames)
	if o.peek() != '{' {
		return WrongType("a JSON object")
	}
	if err := o.object(1, members); err != nil {
		return err
	}
	if o.peek() != 0 || o.at < len(text) {
		return o.syntax()
	}
	return nil
}

// emptied is an object with the memory of this one, and no text.
func (o *object) emptied() object { return object{names: names{at: o.names.at[:0]}} }

// object reads an object that is so deep. A nil members reads over it. A duplicate is
// found when the object ends, or the reading; of two faults it is the one that counts,
// for it came before the other.
func (o *object) object(depth int, members Members) error {
	outer := len(o.names.at)
	err := o.inside(depth, members)
	if o.names.end(outer) {
		return fault("has a duplicate member")
	}
	return err
}

// inside reads the members of an object and its braces.
func (o *object) inside(depth int, members Members) error {
	if err := o.open(depth); err != nil || o.accept('}') {
		return err
	}
	for {
		name, err := o.name()
		if err != nil {
			return err
		}
		if members == nil {
			err = o.skip(depth)
		} else {
			err = members.Member(name, Value{o})
		}
		if err != nil {
			return err
		}
		if o.accept('}') {
			return nil
		}
		if !o.accept(',') {
			return o.syntax()
		}
	}
}

// open reads a brace or bracket.
func (o *object) open(depth int) error {
	if depth > o.maxDepth {
		return fault(fmt.Sprintf("nested deeper than %d", o.maxDepth))
	}
	o.at++
	return nil
}

// name reads a member's name and the colon.
func (o *object) name() (Name, error) {
	inside, escapes, err := o.quoted()
	if err != nil {
		return Name{}, err
	}
	o.names.add(o.at - len(`"`) - len(inside))
	if o.count++; o.maxNames > 0 && o.count > o.maxNames {
		return Name{}, fault(fmt.Sprintf("has more than %d members", o.maxNames))
	}
	if !o.accept(':') {
		return Name{}, o.syntax()
	}
	return Name{inside, escapes}, nil
}

// skip reads over a value of any kind that stands in something so deep.
func (o *object) skip(depth int) (err error) {
	switch o.kind() {
	case '{':
		return o.object(depth+1, nil)
	case '[':
		return o.array(depth + 1)
	case '"':
		_, _, err = o.quoted()
		return err
	case '0':
		_, err = o.number()
		return err
	default:
		return o.literal()
	}
}

// array reads over an array.
func (o *object) array(depth int) error {
	if err := o.open(depth); err != nil || o.accept(']') {
		return err
	}
	for {
		if err := o.skip(depth); err != nil {
			return err
		}
		if o.accept(']') {
			return nil
		}
		if !o.accept(',') {
			return o.syntax()
		}
	}
}

// kind tells by its first octet what a value is, which is '0' for a number, or 0 if it
// is none.
func (o *object) kind() byte {
	switch c := o.peek(); c {
	case '{', '[', '"', 't', 'f', 'n':
		return c
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return '0'
	}
	return 0
}

// Value is a member's value, not yet read.
type Value struct{ object *object }

// Text reads a JSON string. It shares the memory of the text that is read, unless there
// are escapes in it.
func (v Value) Text() (string, error) { return v.short(len(v.object.text)) }

// short is Text for a string of at most so many octets, as the JSON text writes it.
func (v Value) short(most int) (string, error) {
	inside, escapes, err := v.quoted()
	if err != nil {
		return "", err
	}
	if len(inside)+len(`""`) > most {
		return "", WrongType(fmt.Sprintf("a string of at most %d octets", most))
	}
	if escapes {
		return unescaped(inside), nil
	}
	return inside, nil
}

// quoted reads a JSON string as it is written.
func (v Value) quoted() (inside string, escapes bool, err error) {
	if err := v.expect('"', "a string"); err != nil {
		return "", false, err
	}
	return v.object.quoted()
}

// expect refuses a value of another kind. What is no value is left to whoever reads it.
func (v Value) expect(kind byte, wanted WrongType) error {
	if k := v.object.kind(); k != kind && k != 0 {
		return wanted
	}
	return nil
}

// Number reads a JSON number that a float64 can hold.
func (v Value) Number() (float64, error) {
	if err := v.expect('0', "a number"); err != nil {
		return 0, err
	}
	text, err := v.object.number()
	if err != nil {
		return 0, err
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, WrongType("a number within range")
	}
	return number, nil
}

// maxTexts bounds an array of strings, which takes sixteen octets for each.
const maxTexts = 512

// Texts reads a JSON string or an array of JSON strings.
func (v Value) Texts() ([]string, error) {
	if v.object.kind() != '[' {
		text, err := v.Text()
		if err != nil {
			return nil, err
		}
		return []string{text}, nil
	}
	// Read once to count, so that there is one array of the right size.
	from := v.object.at
	n, err := v.elements(nil)
	if err != nil {
		return nil, err
	}
	v.object.at = from
	texts := slices.Grow([]string(nil), n)[:n] // whose capacity is what the memory is
	_, err = v.elements(texts)
	return texts, err
}

// elements reads an array of strings into one of the right size, and only counts them
// if there is none.
func (v Value) elements(texts []string) (n int, err error) {
	o := v.object
	if o.at++; o.accept(']') {
		return 0, nil
	}
	for ; ; n++ {
		inside, escapes, err := v.quoted()
		switch {
		case err != nil:
			return 0, err
		case n == maxTexts:
			return 0, WrongType(fmt.Sprintf("an array of at most %d strings", maxTexts))
		case texts != nil && escapes:
			texts[n] = unescaped(inside)
		case texts != nil:
			texts[n] = inside
		}
		if o.accept(']') {
			return n + 1, nil
		}
		if !o.accept(',') {
			return 0, o.syntax()
		}
	}
}

// Skip reads over a value of any kind, however deep within the limit.
func (v Value) Skip() error { return v.object.skip(1) }

// fault is what is wrong with a text, in words that repeat nothing of it.
type fault string

func (f fault) Error() string { return string(f) }

// WrongType is a value of another type or range than is wanted, which is a string
// such as "a number".
type WrongType string

func (w WrongType) Error() string { return "is not " + string(w) }
