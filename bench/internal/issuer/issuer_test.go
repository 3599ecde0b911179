package issuer

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func newIssuer(t *testing.T) *Issuer {
	t.Helper()
	i, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

// newVerifier gets its keys from the issuer over HTTP.
func newVerifier(t *testing.T, i *Issuer) *verifier.Verifier {
	t.Helper()
	keys, err := jwks.Discover(i.URL(), &jwks.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer: i.URL(), Audience: verifier.AnyOf(Audience), Algorithms: []verifier.Algorithm{verifier.RS256}, Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFetchesOfTheKeySetAreCounted(t *testing.T) {
	i := newIssuer(t)
	for n := range 3 {
		if got := i.Fetches(); got != n {
			t.Errorf("%d fetches, want %d", got, n)
		}
		for _, url := range []string{i.KeySetURL(), i.URL() + "/.well-known/openid-configuration"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Close = true
			resp, err := new(http.Transport).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d, %v", url, resp.StatusCode, err)
			}
		}
	}
}

func TestClaimsOfATokenAreReplacedOrLeftOut(t *testing.T) {
	i := newIssuer(t)
	v := newVerifier(t, i)
	token, err := v.Verify(t.Context(), i.Token(nil, issuertest.Claims{"sub": "somebody"}))
	if err != nil || token.Subject() != "somebody" {
		t.Errorf("subject %q, %v", token.Subject(), err)
	}
	if _, err := v.Verify(t.Context(), i.Token(nil, issuertest.Claims{"exp": nil})); !errors.Is(err, verifier.ErrClaim) {
		t.Errorf("error %v without exp, want %v", err, verifier.ErrClaim)
	}
	if _, err := v.Verify(t.Context(), i.Token(issuertest.Claims{"kid": "nobody"}, nil)); !errors.Is(err, verifier.ErrUnknownKey) {
		t.Errorf("error %v under another kid, want %v", err, verifier.ErrUnknownKey)
	}
}

func TestNewTokensDiffer(t *testing.T) {
	i := newIssuer(t)
	tokens, err := i.NewTokens(t.Context(), 40, 3)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, i)
	seen := make(map[string]bool)
	for _, token := range tokens {
		if seen[token] {
			t.Error("a token comes twice")
		}
		seen[token] = true
		// As long as Keycloak's.
		if len(token) < 1400 || len(token) > 1700 {
			t.Errorf("a token of %d bytes", len(token))
		}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d tokens, want 40", len(seen))
	}
}

func TestSigningEndsWithItsContext(t *testing.T) {
	i := newIssuer(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if tokens, err := i.NewTokens(ctx, 1, 1); !errors.Is(err, context.Canceled) || tokens[0] != "" {
		t.Errorf("error %v, want %v and no token", err, context.Canceled)
	}
}
