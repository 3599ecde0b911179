package guard

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/bearerproof/bearerproof/adapters/httpauth" //nolint:depguard // what it costs is counted here; only tests and a program of theirs import this package
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// firstWorks verify tokens that were not seen before, for each algorithm.
func firstWorks(m *mint) ([]Work, error) {
	var works []Work
	for alg := verifier.RS256; alg <= verifier.MLDSA87; alg++ {
		s, err := m.sample(alg)
		if err != nil {
			return nil, err
		}
		bare, err := s.bare()
		if err != nil {
			return nil, err
		}
		v, err := s.verifier(verifier.NoCache)
		if err != nil {
			return nil, err
		}
		works = append(works,
			Work{Name: bareOf(alg), Of: StandardLibrary, Do: bare},
			Work{Name: firstOf(alg), Beyond: bareOf(alg), Do: accepts(v, s.tokens)})
	}
	return works, nil
}

func bareOf(alg verifier.Algorithm) string  { return alg.String() + ", bare crypto" }
func firstOf(alg verifier.Algorithm) string { return alg.String() + ", first" }

// otherWorks verify first tokens in other ways than most do.
func otherWorks(m *mint) ([]Work, error) {
	s, err := m.sample(verifier.EdDSA)
	if err != nil {
		return nil, err
	}
	v, err := s.verifier(verifier.NoCache)
	if err != nil {
		return nil, err
	}
	router, err := verifier.ByIssuer(v)
	if err != nil {
		return nil, err
	}
	return []Work{
		{Name: "EdDSA, first, each with a header of its own", Beyond: bareOf(s.alg), Do: accepts(v, m.strangeHeaders(s))},
		{Name: "EdDSA, first, through ByIssuer", Beyond: bareOf(s.alg), Do: accepts(router, s.tokens)},
	}, nil
}

// accepts verifies one token after the other.
func accepts(v *verifier.Verifier, tokens []string) func(n int) error {
	ctx := context.Background()
	return func(n int) error {
		_, err := v.Verify(ctx, tokens[n%len(tokens)])
		return err
	}
}

// cacheWorks are what the cache adds to the first time, and what is left of all others.
func cacheWorks(m *mint) ([]Work, error) {
	s, err := m.sample(verifier.RS256)
	if err != nil {
		return nil, err
	}
	// So small that it is full after the warm-up: from then on all newcomers cost the same.
	small, err := s.verifier(Warmup / 2)
	if err != nil {
		return nil, err
	}
	v, err := s.verifier(0)
	if err != nil {
		return nil, err
	}
	const repeated = "RS256, repeated"
	return []Work{
		{Name: "RS256, first, with the cache", Beyond: firstOf(verifier.RS256), Do: accepts(small, s.tokens)},
		{Name: repeated, Beside: bareOf(verifier.RS256), Do: accepts(v, s.tokens[:1])},
		{Name: "RS256, repeated, through net/http", Beyond: repeated, Do: served(v, s.tokens[0])},
	}, nil
}

// served sends a token through the middleware, to a handler that does nothing.
func served(v *verifier.Verifier, raw string) func(n int) error {
	calls := 0
	h := httpauth.New(v, nil).HandlerFunc(func(http.ResponseWriter, *http.Request, *verifier.Token) { calls++ }, verifier.Scopes("todos:read"))
	r := &http.Request{Method: http.MethodGet, Header: http.Header{"Authorization": {"Bearer " + raw}}}
	w := discard{http.Header{}}
	return func(n int) error {
		clear(w.header)
		if h.ServeHTTP(w, r); calls != n+1 {
			return fmt.Errorf("the handler was called %d times for %d requests", calls, n+1)
		}
		return nil
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header            { return d.header }
func (d discard) Write(data []byte) (int, error) { return len(data), nil }
func (d discard) WriteHeader(int)                {}

// keySetWorks find the key of a first token in a small and in a large set.
func keySetWorks(m *mint) ([]Work, error) {
	s, err := m.sample(verifier.RS256)
	if err != nil {
		return nil, err
	}
	jwk := string(testdata.PublicJWK("rsa-2048"))
	var works []Work
	for _, count := range []int{1, 1000} {
		keys := []string{jwk}
		for len(keys) < count { // the one key under other kids
			keys = append(keys, strings.Replace(jwk, `"rsa-2048"`, fmt.Sprintf(`"other-%d"`, len(keys)), 1))
		}
		set, err := jwks.NewStatic([]byte(`{"keys":[` + strings.Join(keys, ",") + `]}`))
		if err != nil {
			return nil, err
		}
		v, err := s.verifierAt(issued+100, verifier.NoCache, set)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("RS256, first, keys in the set: %d", count)
		works = append(works, Work{Name: name, Beyond: bareOf(verifier.RS256), Do: accepts(v, s.tokens)})
	}
	return works, nil
}
