package jws

// Rewind returns a function that lets a value be read again.
func Rewind(v Value) func() {
	at, names, count := v.object.at, len(v.object.names.at), v.object.count
	return func() {
		v.object.at, v.object.names.at, v.object.count = at, v.object.names.at[:names], count
	}
}

// Has reports whether an encoded header is remembered.
func (h *Headers) Has(encoded string) bool { return h.find(encoded) != nil }

// Octets counts what is kept of encoded headers.
func (h *Headers) Octets() (octets int) {
	for i := range h.slots {
		if known := h.slots[i].Load(); known != nil {
			octets += len(known.encoded)
		}
	}
	return octets
}

// Buffer is the message's memory.
func (m *Message) Buffer() []byte { return m.buffer[:cap(m.buffer)] }

// NamesMemory is how many bytes the message has for names.
func (m *Message) NamesMemory() int { return 4 * cap(m.object.names.at) }

// Reopen lets the message read another token with the memory that it has.
func (m *Message) Reopen(parts Parts) { m.parts = parts }

// AsDER is a signature as crypto/ecdsa reads it.
func AsDER(signature []byte) []byte { return asDER(signature) }
