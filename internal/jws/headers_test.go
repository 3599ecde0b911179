package jws_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
)

// opened is a message of a header and nothing else of worth.
func opened(tb testing.TB, messages *jws.Messages, header string) *jws.Message {
	tb.Helper()
	parts, wrong := jws.Split(unverified(header, "{}"))
	if wrong != 0 {
		tb.Fatal(wrong)
	}
	return messages.Open(parts)
}

func TestHeadersAreRememberedByAllTheirOctets(t *testing.T) {
	var messages jws.Messages
	known := jws.NewHeaders()
	for range 3 { // the first time it is read, later it is found
		for _, kid := range []string{"a", "b", "c", `\u0061`} {
			m := opened(t, &messages, `{"alg":"RS256","typ":"JWT","kid":"`+kid+`"}`)
			if err := m.ReadHeader(known); err != nil {
				t.Fatal(err)
			}
			want := jws.Header{Name: "RS256", Algorithm: jws.RS256, KeyID: strings.ReplaceAll(kid, `\u0061`, "a"), Type: "JWT"}
			if m.Header != want {
				t.Errorf("header %+v, want %+v", m.Header, want)
			}
			known.Remember(m)
			m.Close()
		}
	}
	for _, other := range []string{`{"alg":"RS256","typ":"JWT","kid":"a"} x`, `{"alg":"RS256","typ":"JWT","kid":"a"`, `{"alg":"RS256","typ":"JWT","kid":"a","crit":[]}`} {
		m := opened(t, &messages, other)
		if m.ReadHeader(known) == nil {
			t.Errorf("%s was taken for a known one", other)
		}
		m.Close()
	}
}

// What nobody remembered is read each time, and what was is not.
func TestOnlyWhatIsRememberedIsNotReadAgain(t *testing.T) {
	const header = `{"alg":"RS256","kid":"a"}`
	var messages jws.Messages
	known := jws.NewHeaders()
	read := func() {
		m := opened(t, &messages, header)
		defer m.Close()
		if err := m.ReadHeader(known); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if known.Has(jwstest.Encode(header)) {
		t.Error("a header is remembered before its signature was good")
	}
	m := opened(t, &messages, header)
	if err := m.ReadHeader(known); err != nil {
		t.Fatal(err)
	}
	known.Remember(m)
	m.Close()
	if !known.Has(jwstest.Encode(header)) {
		t.Error("the header of a good signature is not remembered")
	}
}

func TestMemoryOfHeadersIsBounded(t *testing.T) {
	var messages jws.Messages
	known := jws.NewHeaders()
	long := `{"alg":"RS256","x":"` + strings.Repeat("x", 1000) + `"}`
	remember := func(header string) {
		m := opened(t, &messages, header)
		defer m.Close()
		if err := m.ReadHeader(known); err != nil {
			t.Fatal(err)
		}
		known.Remember(m)
	}
	remember(long)
	if got := known.Octets(); got > 0 || known.Has(jwstest.Encode(long)) {
		t.Errorf("%d octets of a long header are remembered", got)
	}
	remembered := 0
	const all = 1000
	for i := range all {
		remember(fmt.Sprintf(`{"alg":"RS256","n":%d}`, i))
	}
	for i := range all {
		if known.Has(jwstest.Encode(fmt.Sprintf(`{"alg":"RS256","n":%d}`, i))) {
			remembered++
		}
	}
	if remembered == 0 || remembered > 64 {
		t.Errorf("%d headers of %d are remembered", remembered, all)
	}
}

func TestHeadersAreSharedSafely(t *testing.T) {
	var messages jws.Messages
	known := jws.NewHeaders()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 2000 {
				kid := fmt.Sprint((g + i) % 100)
				m := opened(t, &messages, `{"alg":"RS256","kid":"`+kid+`"}`)
				if err := m.ReadHeader(known); err != nil || m.Header.KeyID != kid {
					t.Errorf("kid %q, want %s: %v", m.Header.KeyID, kid, err)
				}
				known.Remember(m)
				m.Close()
			}
		})
	}
	all.Wait()
}
