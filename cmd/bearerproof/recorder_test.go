package main

import (
	"bytes"
	"testing"
)

func TestADocumentIsBounded(t *testing.T) {
	var d document
	for range 3 {
		if n, err := d.Write(bytes.Repeat([]byte("x"), maxDocument/2+1)); n != maxDocument/2+1 || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	if got := len(d.text()); got != maxDocument {
		t.Errorf("%d bytes are kept, want %d", got, maxDocument)
	}
}
