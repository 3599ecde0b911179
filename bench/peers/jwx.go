package peers

import (
	"context"
	"fmt"
	"time"

	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// jwxPeer is lestrrat-go/jwx, set up as its docs say: a jwk.Cache whose CachedSet is
// given to jwt.Parse (docs/04-jwk.md, "Auto-refreshing remote keys"; docs/01-jwt.md,
// "Parse and Verify a JWT (with a key set, matching kid)" and "Validate for specific
// claim values"). "Unsupported keys in a set" says to parse the set of somebody else
// with WithStrictKeySetParsing(false). jwk.WrapHTTPClientDefaults puts the timeout and redirect policy of
// the default client around another one, as "Fetching JWK Sets" says.
//
// Register waits for the first fetch by default, and goes on waiting while fetches
// fail, until its context ends. The algorithm is that of the JWK.
//
// Faults of claims and signatures have sentinels. A key that is not in the set has
// none of its own: that is unclear.
func jwxPeer() Peer {
	return Peer{
		Name:     "jwx",
		Module:   "github.com/lestrrat-go/jwx/v3",
		New:      newJWX,
		classify: classifyJWX,
		Unchecked: map[Check]string{
			Algorithm: "takes each algorithm that a key of the set names",
		},
	}
}

type jwxSubject struct {
	cache   *jwk.Cache
	options []jwt.ParseOption
}

func newJWX(ctx context.Context, s Setup) (Subject, error) {
	// The cache's context ends its goroutines, so it must outlive New.
	cache, err := jwk.NewCache(context.WithoutCancel(ctx), httprc.NewClient())
	if err != nil {
		return nil, err
	}
	subject := jwxSubject{cache: cache}
	client := jwk.WrapHTTPClientDefaults(s.Client)
	if err := cache.Register(ctx, s.KeySetURL, jwk.WithHTTPClient(client), jwk.WithStrictKeySetParsing(false)); err != nil {
		subject.Close()
		return nil, fmt.Errorf("register: %w", err)
	}
	keys, err := cache.CachedSet(s.KeySetURL)
	if err != nil {
		subject.Close()
		return nil, err
	}
	subject.options = []jwt.ParseOption{
		jwt.WithKeySet(keys),
		jwt.WithIssuer(s.Issuer),
		jwt.WithAudience(s.Audience),
		jwt.WithRequiredClaim(jwt.ExpirationKey),
	}
	return subject, nil
}

func (s jwxSubject) Verify(ctx context.Context, raw string) error {
	options := append(s.options[:len(s.options):len(s.options)], jwt.WithContext(ctx))
	_, err := jwt.Parse([]byte(raw), options...)
	return err
}

func (s jwxSubject) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// The error says that goroutines are still running after a minute.
	_ = s.cache.Shutdown(ctx)
}

func classifyJWX(err error) Class {
	if isOneOf(err, jwt.ValidateError(), jws.VerificationError(), jws.ParseError()) {
		return Invalid
	}
	return Unclear
}
