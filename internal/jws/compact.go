package jws

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
)

// Message is a compact JWS whose header has been read and whose signature and
// payload have not.
type Message struct {
	Header Header

	// One buffer holds the token's bytes, which are what is signed, and behind them
	// each part as it is decoded.
	buffer    []byte
	header    int // length of the encoded header
	signed    int // length of header "." payload, as encoded
	whole     int // length of the token
	signature []byte

	object object // reads the header, then the payload
}

// split reports where the two dots of a compact JWS stand. It allocates nothing
// unless it fails.
func split(raw string) (first, second int, err error) {
	first = strings.IndexByte(raw, '.')
	if first < 0 {
		return 0, 0, fault("has no dots, so it is not a JWT")
	}
	second = strings.IndexByte(raw[first+1:], '.')
	if second < 0 {
		return 0, 0, fault("has one dot where a JWT has two")
	}
	second += first + 1
	switch strings.Count(raw[second+1:], ".") {
	case 0:
		return first, second, nil
	case 2:
		return 0, 0, fault("has five parts: an encrypted JWT (JWE) is not accepted")
	default:
		return 0, 0, fault("has more than two dots")
	}
}

// Parse reads the header of raw, a compact JWS (RFC 7515 §7.1), and nothing else.
// Error texts repeat nothing of the token.
func Parse(raw string) (*Message, error) {
	m, err := cut(raw)
	if err != nil {
		return nil, err
	}
	header, err := m.decode("header", 0, m.header)
	if err != nil {
		return nil, err
	}
	if err := m.parseHeader(header); err != nil {
		return nil, err
	}
	return m, nil
}

// cut finds the parts of raw, and makes room to decode them.
func cut(raw string) (*Message, error) {
	first, second, err := split(raw)
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, 0, len(raw)+strict.DecodedLen(len(raw)))
	return &Message{buffer: append(buffer, raw...), header: first, signed: second, whole: len(raw)}, nil
}

// ReadSignature decodes the signature part. It comes after the algorithm's check,
// so that an unsigned token is refused for its "none", and before the search for a
// key, so that an unreadable one causes no fetch.
func (m *Message) ReadSignature() (err error) {
	m.signature, err = m.decode("signature", m.signed+1, m.whole)
	return err
}

// Verify checks the signature that ReadSignature decoded under one key.
func (m *Message) Verify(a Algorithm, public crypto.PublicKey) error {
	return Check(a, public, m.buffer[:m.signed], m.signature)
}

// ReadPayload decodes what was signed and reads it as one JSON object, nested no
// deeper than maxDepth. It comes after Verify. It returns the object's text, of which
// the strings given to members are parts. Error texts repeat nothing of it, but for
// what members put into their own.
func (m *Message) ReadPayload(maxDepth int, members Members) (string, error) {
	payload, err := m.decode("payload", m.header+1, m.signed)
	if err != nil {
		return "", err
	}
	text, err := m.object.read(payload, maxDepth, 0, members)
	if err != nil {
		return "", fmt.Errorf("payload %w", err)
	}
	return text, nil
}

// ReadUnverified reads the payload of a token that nobody has verified. It is for
// choosing a verifier, never for believing a claim.
func ReadUnverified(raw string, maxDepth int, members Members) error {
	m, err := cut(raw)
	if err != nil {
		return err
	}
	_, err = m.ReadPayload(maxDepth, members)
	return err
}

// strict is base64url (RFC 7515 §2) with the trailing bits required to be zero.
var strict = base64.RawURLEncoding.Strict()

// decode appends the decoded bytes of buffer[start:end] to the buffer.
func (m *Message) decode(part string, start, end int) ([]byte, error) {
	encoded := m.buffer[start:end]
	if len(encoded) == 0 {
		return nil, fault(part + " is empty")
	}
	// encoding/base64 reads over line breaks; a token with them is another spelling.
	for _, c := range encoded {
		if c == '\r' || c == '\n' {
			return nil, fault(part + " has a line break")
		}
	}
	from := len(m.buffer)
	buffer, err := strict.AppendDecode(m.buffer, encoded)
	if err != nil {
		return nil, fault(part + " is not base64url without padding (RFC 7515 §2)")
	}
	m.buffer = buffer
	return buffer[from:], nil
}
