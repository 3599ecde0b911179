package jws

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
)

// Members receives the members of a JSON object, one call each, in their order.
// It must read each value with exactly one method of the [Value].
type Members interface {
	Member(name string, value Value) error
}

// object reads one JSON object and nothing else: valid UTF-8, no duplicate member
// names at any depth (RFC 7515 §4, RFC 7519 §4), and nested no deeper than maxDepth,
// the object itself included.
type object struct {
	text     string // what is read; the strings given to members are parts of it
	maxDepth int
	maxNames int // of all objects together; 0: any number
	members  Members
	names    int   // of all objects, as far as they are read
	refused  error // what Member, or the object's kind, was refused with
}

// read reads data, which may have as many members as maxNames says, and returns it as
// a text. Error texts repeat nothing of it, but
// for what members put into their own.
func (o *object) read(data []byte, maxDepth, maxNames int, members Members) (string, error) {
	*o = object{text: string(data), maxDepth: maxDepth, maxNames: maxNames, members: members}
	// encoding/json/v2 lends a pooled decoder to an UnmarshalerFrom; a decoder of
	// our own would cost four allocations a token.
	if err := json.Unmarshal(data, o); err != nil {
		return "", o.describe(err)
	}
	return o.text, nil
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (o *object) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != jsontext.KindBeginObject {
		return o.refuse(WrongType("a JSON object"))
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	value := Value{dec: dec, object: o}
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := value.Text()
		if err != nil {
			return err
		}
		if err := o.count(); err != nil {
			return o.refuse(err)
		}
		if err := o.members.Member(name, value); err != nil {
			return o.refuse(err)
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (o *object) refuse(err error) error {
	o.refused = err
	return err
}

// count counts a name. To find a duplicate among many, encoding/json/v2 keeps them in a
// map, which takes some hundred octets for each.
func (o *object) count() error {
	o.names++
	if o.maxNames > 0 && o.names > o.maxNames {
		return fault(fmt.Sprintf("has more than %d members", o.maxNames))
	}
	return nil
}

// Value is a member's value, not yet read.
type Value struct {
	dec    *jsontext.Decoder
	object *object
}

// Text reads a JSON string. It shares the memory of the text that is read, unless there
// are escapes in it.
func (v Value) Text() (string, error) { return v.short(len(v.object.text)) }

// short is Text for a string of at most so many octets, as the JSON text writes it.
func (v Value) short(most int) (string, error) {
	// Reading past a syntax error, the kind is invalid: let ReadValue name it.
	if kind := v.dec.PeekKind(); kind != jsontext.KindString && kind != jsontext.KindInvalid {
		return "", WrongType("a string")
	}
	raw, err := v.dec.ReadValue()
	if err != nil {
		return "", err
	}
	if len(raw) > most {
		return "", WrongType(fmt.Sprintf("a string of at most %d octets", most))
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(make([]byte, 0, len(raw)), raw)
		return string(unquoted), err
	}
	end := int(v.dec.InputOffset())
	return v.object.text[end-len(raw)+1 : end-1], nil
}

// Number reads a JSON number that a float64 can hold.
func (v Value) Number() (float64, error) {
	if kind := v.dec.PeekKind(); kind != jsontext.KindNumber && kind != jsontext.KindInvalid {
		return 0, WrongType("a number")
	}
	token, err := v.dec.ReadToken()
	if err != nil {
		return 0, err
	}
	number, err := token.Float()
	if err != nil {
		return 0, WrongType("a number within range")
	}
	return number, nil
}

// maxTexts bounds an array of strings, which takes sixteen octets for each.
const maxTexts = 512

// Texts reads a JSON string or an array of JSON strings.
func (v Value) Texts() ([]string, error) {
	if v.dec.PeekKind() != jsontext.KindBeginArray {
		text, err := v.Text()
		if err != nil {
			return nil, err
		}
		return []string{text}, nil
	}
	if _, err := v.dec.ReadToken(); err != nil {
		return nil, err
	}
	texts := make([]string, 0, 4)
	for v.dec.PeekKind() != jsontext.KindEndArray {
		text, err := v.Text()
		if err != nil {
			return nil, err
		}
		if len(texts) == maxTexts {
			return nil, WrongType(fmt.Sprintf("an array of at most %d strings", maxTexts))
		}
		texts = append(texts, text)
	}
	_, err := v.dec.ReadToken()
	return texts, err
}

// Skip reads over a value of any kind, however deep within the limit.
func (v Value) Skip() error {
	outside := v.dec.StackDepth()
	for {
		if _, err := v.dec.ReadToken(); err != nil {
			return err
		}
		depth := v.dec.StackDepth()
		if depth > v.object.maxDepth {
			return fault(fmt.Sprintf("nested deeper than %d", v.object.maxDepth))
		}
		// Within an object, an odd number of values means that a name was read last.
		if kind, n := v.dec.StackIndex(depth); depth > outside && kind == jsontext.KindBeginObject && n%2 == 1 {
			if err := v.object.count(); err != nil {
				return err
			}
		}
		if depth == outside {
			return nil
		}
	}
}

// fault is what is wrong with a text, in words that repeat nothing of it.
type fault string

func (f fault) Error() string { return string(f) }

// WrongType is a value of another type or range than is wanted, which is a string
// such as "a number".
type WrongType string

func (w WrongType) Error() string { return "is not " + string(w) }

// describe puts what encoding/json/v2 found, whose texts can quote the input, into
// words that do not.
func (o *object) describe(err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fault("has a duplicate member")
	case ok:
		return fault(fmt.Sprintf("is not valid JSON at byte %d", syntax.ByteOffset))
	case o.refused != nil:
		return o.refused
	default:
		return fault("is not valid JSON")
	}
}
