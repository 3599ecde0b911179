package jws

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads the tokens of a JSON text (RFC 8259), as strictly as encoding/json/v2:
// strings are valid UTF-8, and half a surrogate pair is no character. It accepts what
// that package accepts and nothing else, which FuzzObject holds. That package is not
// used for what anybody can send, because it allocates for each syntax error up to
// sixteen times what was sent (a JSON Pointer of names), and takes twice the time.
type scanner struct {
	text string
	at   int // what is read next
}

// peek reads over white space, and returns the octet behind it, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// accept reads over white space and, if it is next, over one octet.
func (s *scanner) accept(wanted byte) bool {
	if s.peek() != wanted {
		return false
	}
	s.at++
	return true
}

// syntax says that what is next does not belong there.
func (s *scanner) syntax() error {
	return fault(fmt.Sprintf("is not valid JSON at byte %d", s.at))
}

// quoted reads a string, and returns what is between the quotes and whether there are
// escapes in it.
func (s *scanner) quoted() (inside string, escapes bool, err error) {
	if !s.accept('"') {
		return "", false, s.syntax()
	}
	from, at := s.at, s.at
	for at < len(s.text) {
		c := s.text[at]
		if isPlain(c) {
			at++
			continue
		}
		if c == '"' {
			s.at = at + 1
			return s.text[from:at], escapes, nil
		}
		r, size := character(s.text[at:])
		if r == noCharacter {
			break
		}
		escapes = escapes || c == '\\'
		at += size
	}
	s.at = at
	return "", false, s.syntax()
}

// number reads a number.
func (s *scanner) number() (string, error) {
	s.peek()
	from := s.at
	s.one("-")
	if !s.one("0") && !s.digits() {
		return "", s.syntax()
	}
	if s.one(".") && !s.digits() {
		return "", s.syntax()
	}
	if s.one("eE") {
		s.one("+-")
		if !s.digits() {
			return "", s.syntax()
		}
	}
	return s.text[from:s.at], nil
}

// one reads over one octet, if it is one of these.
func (s *scanner) one(of string) bool {
	if s.at < len(s.text) && strings.IndexByte(of, s.text[s.at]) >= 0 {
		s.at++
		return true
	}
	return false
}

// digits reads over digits, and reports whether there was one.
func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > from
}

// literal reads true, false or null.
func (s *scanner) literal() error {
	for _, literal := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s.text[s.at:], literal) {
			s.at += len(literal)
			return nil
		}
	}
	return s.syntax()
}

// isPlain reports whether an octet within quotes is a character as it stands.
func isPlain(c byte) bool { return ' ' <= c && c < utf8.RuneSelf && c != '"' && c != '\\' }

// What character returns for what is none.
const (
	noCharacter  = -2
	closingQuote = -1
)

// character reads the first character of a text within quotes (RFC 8259 §7), and
// returns its length as written. There is such a text.
func character(s string) (r rune, size int) {
	switch c := s[0]; {
	case isPlain(c):
		return rune(c), 1
	case c == '"':
		return closingQuote, 1
	case c == '\\':
		return escaped(s)
	case c < ' ':
		return noCharacter, 0
	}
	r, size = utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		return noCharacter, 0
	}
	return r, size
}

// escaped reads an escape sequence.
func escaped(s string) (r rune, size int) {
	if len(s) < 2 {
		return noCharacter, 0
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r = utf16Unit(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	r = utf16.DecodeRune(r, utf16Unit(s[6:]))
	if r == utf8.RuneError {
		return noCharacter, 0
	}
	return r, 12
}

// utf16Unit reads \uXXXX.
func utf16Unit(s string) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return noCharacter
	}
	unit, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return noCharacter
	}
	return rune(unit)
}

// unescaped returns what is written with escapes, of which each may be six times as
// long as its character: so the characters are counted first.
func unescaped(inside string) string {
	length := 0
	for rest := inside; rest != ""; {
		r, size := character(rest)
		length += utf8.RuneLen(r)
		rest = rest[size:]
	}
	var b strings.Builder
	b.Grow(length)
	for rest := inside; rest != ""; {
		r, size := character(rest)
		b.WriteRune(r)
		rest = rest[size:]
	}
	return b.String()
}
