//go:build unix && !race

package conformance

import (
	"errors"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bearerproof/bearerproof/verifier"
)

// TestR37ATokenOverTheLimitIsNotRead verifies a token that stands in memory which
// nobody may read: to look at one byte of it ends in a fault.
func TestR37ATokenOverTheLimitIsNotRead(t *testing.T) {
	const size = 1 << 20
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(memory) //nolint:errcheck // the process ends soon
	token := unsafe.String(unsafe.SliceData(memory), size)
	var octet byte
	if !faults(func() { octet = token[0] }) {
		t.Fatalf("the memory can be read (%d), so this test shows nothing", octet)
	}
	v := newVerifier(t, Config{})
	var refused error
	if faults(func() { _, refused = v.Verify(t.Context(), token) }) {
		t.Fatal("the token was read")
	}
	if !errors.Is(refused, verifier.ErrMalformed) {
		t.Errorf("got %v, want malformed", refused)
	}
	if n := allocated(func() { _, _ = v.Verify(t.Context(), token) }); n > 1<<10 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// faults reports whether f reads what it must not.
func faults(f func()) (faulted bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { faulted = recover() != nil }()
	f()
	return false
}
