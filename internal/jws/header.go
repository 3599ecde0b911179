package jws

import (
	"errors"
	"fmt"
)

// Limits of a header.
const (
	maxHeaderDepth = 32
	maxHeaderNames = 64        // of members, those of inner objects included
	maxHeaderText  = 6*256 + 2 // octets of alg, kid and typ: 256, each written as \u00xx
	maxKeyID       = 256       // octets
)

// Header is what a JOSE header (RFC 7515 §4) says that matters here. The
// parameters jwk, jku, x5u, x5c and x5t are read over: a key that a token brings
// along proves nothing.
type Header struct {
	// Name is the "alg" parameter as written; Algorithm is 0 if it names none of
	// ours.
	Name      string
	Algorithm Algorithm
	// KeyID is the "kid" parameter, or "".
	KeyID string
	// Type is the "typ" parameter as written, or "".
	Type string
}

// ReadHeader reads the header, or finds it among those that are known already.
func (m *Message) ReadHeader(known *Headers) error {
	if header := known.find(m.parts.Header); header != nil {
		m.Header, m.known = *header, true
		return nil
	}
	text, err := m.decodeObject("header", m.parts.Header)
	if err != nil {
		return err
	}
	if err := m.object.read(text, maxHeaderDepth, maxHeaderNames, (*headerMembers)(&m.Header)); err != nil {
		return partFault{"header", err}
	}
	if m.Header.Name == "" {
		return fault("header has no alg") // RFC 7515 §4.1.1
	}
	m.Header.Algorithm = Named(m.Header.Name)
	return nil
}

type headerMembers Header

func (h *headerMembers) Member(name Name, value Value) (err error) {
	called := name.String()
	switch called {
	case "alg":
		h.Name, err = value.short(maxHeaderText)
	case "kid":
		h.KeyID, err = value.short(maxHeaderText)
		if len(h.KeyID) > maxKeyID {
			return fault(fmt.Sprintf("has a kid longer than %d bytes", maxKeyID))
		}
	case "typ":
		h.Type, err = value.short(maxHeaderText)
	case "crit":
		return fault("has crit, and no extension is understood") // RFC 7515 §4.1.11
	case "b64":
		return fault("has b64, which a JWT must not use") // RFC 7797 §7
	default:
		return value.Skip()
	}
	if wrong, ok := errors.AsType[WrongType](err); ok {
		return fault(called + " " + wrong.Error())
	}
	return err
}
