package jwks_test

import (
	"encoding/json/jsontext"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// served answers every request with one document.
type served string

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(s))), Request: r}, nil
}

// heldSet returns a warm source with n keys, whose kids are the numbers below n.
func heldSet(tb testing.TB, n int) *jwks.Remote {
	tb.Helper()
	var keys []jsontext.Value
	for i := range n {
		keys = append(keys, jwkOf(tb, "p-256", members{"kid": fmt.Sprint(i)}))
	}
	client := &http.Client{Transport: served(setOf(tb, keys...))}
	source, err := jwks.NewRemote("https://id.example.com/keys", &jwks.Options{Client: client, Logger: discard()})
	if err != nil {
		tb.Fatal(err)
	}
	if err := source.Warm(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return source
}

func BenchmarkKeys(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			source := heldSet(b, n)
			kid := fmt.Sprint(n - 1)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if keys, err := source.Keys(b.Context(), kid, verifier.ES256); len(keys) != 1 || err != nil {
						b.Fatalf("%d keys, %v", len(keys), err)
					}
				}
			})
		})
	}
}

func BenchmarkReadSet(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var keys []jsontext.Value
			for i := range n {
				keys = append(keys, jwkOf(b, "p-256", members{"kid": fmt.Sprint(i)}))
			}
			set := setOf(b, keys...)
			b.SetBytes(int64(len(set)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jwks.NewStatic(set); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
