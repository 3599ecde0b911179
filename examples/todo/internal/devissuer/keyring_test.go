package devissuer

import (
	"fmt"
	"testing"
	"time"
)

func TestOldKeysAreBounded(t *testing.T) {
	keys, err := newKeyring(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for n := range maxRetired {
		keys.retired = append(keys.retired, retiredKey{
			key:   signingKey{id: fmt.Sprint(n), private: keys.current.private},
			until: time.Now().Add(time.Hour),
		})
	}
	first, _, err := keys.rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	published := keys.published()
	if len(published) != maxRetired+1 {
		t.Fatalf("%d keys are published, want %d", len(published), maxRetired+1)
	}
	if oldest, newest := published[1].ID(), published[maxRetired].ID(); oldest != "1" || newest != first {
		t.Errorf("old keys from %s to %s, want from 1 to %s", oldest, newest, first)
	}
}
