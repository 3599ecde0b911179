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
	members  Members
	refused  error // what Member, or the object's kind, was refused with
}

// read reads data and returns it as a text. Error texts repeat nothing of it, but
// for what members put into their own.
func (o *object) read(data []byte, maxDepth int, members Members) (string, error) {
	*o = object{text: string(data), maxDepth: maxDepth, members: members}
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

// Value is a member's value, not yet read.
type Value struct {
	dec    *jsontext.Decoder
	object *object
}

// Text reads a JSON string. It shares the memory of the text that is read.
func (v Value) Text() (string, error) {
	// Reading past a syntax error, the kind is invalid: let ReadValue name it.
	if kind := v.dec.PeekKind(); kind != jsontext.KindString && kind != jsontext.KindInvalid {
		return "", WrongType("a string")
	}
	raw, err := v.dec.ReadValue()
	if err != nil {
		return "", err
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(nil, raw)
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
