//go:build !race

package httpauth_test

import (
	"net/http"
	"testing"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/verifier"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header            { return d.header }
func (d discard) Write(data []byte) (int, error) { return len(data), nil }
func (d discard) WriteHeader(int)                {}

// What a request costs beyond Verify: the context of package verifier, ours, and
// the request that carries them; and with Optional the Vary field.
func TestAllocsOfSuccess(t *testing.T) {
	auth := httpauth.New(fixed{verified(t, nil)}, nil)
	read := verifier.Scopes("todos:read")
	calls := 0
	inner := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ })
	tests := map[string]struct {
		handler http.Handler
		most    float64
	}{
		"Require":     {auth.Require(read)(inner), 3},
		"nested":      {auth.Require()(auth.Require(read)(inner)), 3},
		"HandlerFunc": {auth.HandlerFunc(func(http.ResponseWriter, *http.Request, *verifier.Token) { calls++ }, read), 3},
		"Optional":    {auth.Optional(inner), 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := request(t, "Bearer "+tokenOf(nil))
			w := discard{http.Header{}}
			calls = 0
			allocs := testing.AllocsPerRun(100, func() {
				clear(w.header)
				test.handler.ServeHTTP(w, r)
			})
			if calls != 101 {
				t.Fatalf("the handler was called %d times, want 101", calls)
			}
			if allocs > test.most {
				t.Errorf("%v allocations, want at most %v", allocs, test.most)
			}
		})
	}
}
