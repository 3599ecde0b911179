package jws

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
)

// Message is a compact JWS that is being read, step by step. It is not safe for
// concurrent use.
type Message struct {
	Header Header // set by ReadHeader

	parts   Parts
	payload string // the payload's text, or "" if it was not decoded yet
	known   bool   // the header was remembered

	// One buffer holds what is decoded: a header; then the signature, with what was
	// signed behind it; then the payload.
	buffer    []byte
	signature []byte
	signed    []byte

	object object // reads the header, then the payload
	home   *Messages
}

// Messages keeps the memory of messages that were closed for those to come, so that a
// token takes no more than what is kept of it. That saves 3 kB and 0.5 µs of the 3.3 µs
// that reading a Keycloak token takes. The zero Messages is ready, and safe for
// concurrent use.
type Messages struct{ closed sync.Pool }

// mostKept bounds the memory that is kept of a message, to that for the longest token
// that a verifier takes by default.
const mostKept = 16 << 10

// Open begins to read a JWS. The message must be closed, and not be used after that.
func (p *Messages) Open(parts Parts) *Message {
	m, _ := p.closed.Get().(*Message)
	if m == nil {
		m = &Message{home: p}
	}
	m.parts = parts
	return m
}

// Close ends the use of a message. What was read stays valid, but for the message
// itself and its Header's address.
func (m *Message) Close() {
	if cap(m.buffer) > mostKept {
		m.buffer = nil
	}
	if cap(m.object.names.at) > mostKept/4 { // octets each
		m.object.names.at = nil
	}
	clear(m.buffer[:cap(m.buffer)]) // a part of a token is a secret too
	*m = Message{home: m.home, buffer: m.buffer[:0], object: m.object.emptied()}
	m.home.closed.Put(m)
}

// Parse reads the header of raw, a compact JWS (RFC 7515 §7.1), and nothing else.
// Error texts repeat nothing of the token.
func Parse(raw string) (*Message, error) {
	parts, wrong := Split(raw)
	if wrong != 0 {
		return nil, wrong
	}
	m := new(Messages).Open(parts)
	if err := m.ReadHeader(nil); err != nil {
		return nil, err
	}
	return m, nil
}

// ReadSignature decodes the signature part. It comes after the algorithm's check,
// so that an unsigned token is refused for its "none", and before the search for a
// key, so that an unreadable one causes no fetch.
func (m *Message) ReadSignature() (err error) {
	m.signature, err = m.decode("signature", m.parts.Signature)
	return err
}

// Verify checks the signature that ReadSignature decoded under one key.
func (m *Message) Verify(a Algorithm, public crypto.PublicKey) error {
	if m.signed == nil {
		from := len(m.signature)
		m.buffer = append(m.buffer[:from], m.parts.signed...)
		m.signed = m.buffer[from:]
	}
	return Check(a, public, m.signed, m.signature)
}

// ReadPayload decodes what was signed and reads it as one JSON object, nested no
// deeper than maxDepth. It comes after Verify. It returns the object's text, of which
// the strings given to members are parts. Error texts repeat nothing of it, but for
// what members put into their own.
func (m *Message) ReadPayload(maxDepth int, members Members) (string, error) {
	if m.payload == "" {
		payload, err := m.decodeObject("payload", m.parts.Payload)
		if err != nil {
			return "", err
		}
		m.payload = payload
	}
	if err := m.object.read(m.payload, maxDepth, 0, members); err != nil {
		return "", fmt.Errorf("payload %w", err)
	}
	return m.payload, nil
}

// Peek is ReadPayload for a token that nobody has verified. It is for choosing a
// verifier, never for believing a claim. The steps above may follow.
func (m *Message) Peek(maxDepth int, members Members) error {
	_, err := m.ReadPayload(maxDepth, members)
	return err
}

// ReadUnverified peeks at the payload of raw, and does nothing else.
func ReadUnverified(raw string, maxDepth int, members Members) error {
	parts, wrong := Split(raw)
	if wrong != 0 {
		return wrong
	}
	return new(Messages).Open(parts).Peek(maxDepth, members)
}

// decodeObject decodes a part that is to be a JSON object.
func (m *Message) decodeObject(part, encoded string) (string, error) {
	// An object begins with a brace, or white space before it (RFC 8259 §2). Four
	// characters tell that of most garbage, before 16 KiB of it are decoded.
	beginning, err := m.decode(part, encoded[:min(4, len(encoded))])
	if err != nil {
		return "", err
	}
	if !strings.ContainsRune("{ \t\r\n", rune(beginning[0])) {
		return "", partFault{part, WrongType("a JSON object")}
	}
	whole, err := m.decode(part, encoded)
	return string(whole), err
}

// strict is base64url (RFC 7515 §2) with the trailing bits required to be zero.
var strict = base64.RawURLEncoding.Strict()

// decode decodes one part into the buffer.
func (m *Message) decode(part, encoded string) ([]byte, error) {
	if encoded == "" {
		return nil, partFault{part, fault("is empty")}
	}
	// encoding/base64 reads over line breaks; a token with them is another spelling.
	if strings.IndexByte(encoded, '\n') >= 0 || strings.IndexByte(encoded, '\r') >= 0 {
		return nil, partFault{part, fault("has a line break")}
	}
	m.signature, m.signed = nil, nil // their place is taken
	// There is room for all that follows, too, and no more: Close keeps no larger one.
	if room := len(m.parts.signed) + len(m.parts.Signature); cap(m.buffer) < room {
		m.buffer = make([]byte, 0, room)
	}
	m.buffer = m.buffer[:0]
	decoded, err := strict.AppendDecode(m.buffer, []byte(encoded))
	if err != nil {
		return nil, partFault{part, fault("is not base64url without padding (RFC 7515 §2)")}
	}
	return decoded, nil
}

// partFault says in which part of a token a fault is.
type partFault struct {
	part  string
	fault error
}

func (f partFault) Error() string { return f.part + " " + f.fault.Error() }

func (f partFault) Unwrap() error { return f.fault }
