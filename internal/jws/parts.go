package jws

import "strings"

// Parts are the three parts of a compact JWS (RFC 7515 §7.1), encoded as they stand
// in it.
type Parts struct {
	Header, Payload, Signature string

	signed string // the first two and the dot between them
}

// Split finds the parts, or says what is wrong with the form of raw. It looks at
// nothing but the dots, and allocates nothing.
func Split(raw string) (Parts, Form) {
	first := strings.IndexByte(raw, '.')
	if first < 0 {
		return Parts{}, NoDots
	}
	second := strings.IndexByte(raw[first+1:], '.')
	if second < 0 {
		return Parts{}, OneDot
	}
	second += first + 1
	switch strings.Count(raw[second+1:], ".") {
	case 0:
		return Parts{raw[:first], raw[first+1 : second], raw[second+1:], raw[:second]}, 0
	case 2:
		return Parts{}, FiveParts
	default:
		return Parts{}, ManyDots
	}
}

// Form is an error: a number of dots that a compact JWS does not have. 0 stands for the
// right number.
type Form uint8

// The numbers of dots that are told apart.
const (
	NoDots Form = iota + 1
	OneDot
	FiveParts
	ManyDots
)

// Error says what is wrong, and repeats nothing of the text.
func (f Form) Error() string {
	switch f {
	case NoDots:
		return "has no dots, so it is not a JWT"
	case OneDot:
		return "has one dot where a JWT has two"
	case FiveParts:
		return "has five parts: an encrypted JWT (JWE) is not accepted"
	default:
		return "has more than two dots"
	}
}
