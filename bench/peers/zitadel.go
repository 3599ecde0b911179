package peers

import (
	"context"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// zitadelPeer is zitadel/oidc. Its example of a resource server asks the issuer about
// each token (example/client/api); for tokens that are verified by the server itself,
// it has op.VerifyAccessToken (ExampleVerifyAccessToken_customClaims) and, as the key
// set, what its relying party uses (rp.NewRemoteKeySet).
//
// op.VerifyAccessToken checks "issuer, signature and expiration", as its comment says;
// oidc.CheckAudience is the library's own check of the audience, which one must add.
// The library's default client has a timeout of 30 s.
//
// Errors have sentinels, and what failed below them is wrapped, go-jose's verdict on the
// signature among it. A request for the keys without an answer can be told, an answer
// that is no key set cannot.
func zitadelPeer() Peer {
	return Peer{
		Name:     "zitadel-oidc",
		Module:   "github.com/zitadel/oidc/v3",
		New:      newZitadel,
		classify: classifyZitadel,
	}
}

type zitadelSubject struct {
	verifier *op.AccessTokenVerifier
	audience string
}

func newZitadel(_ context.Context, s Setup) (Subject, error) {
	keys := rp.NewRemoteKeySet(withTimeout(s.Client, 30*time.Second), s.KeySetURL)
	return zitadelSubject{
		verifier: op.NewAccessTokenVerifier(s.Issuer, keys, op.WithSupportedAccessTokenSigningAlgorithms(s.algorithm())),
		audience: s.Audience,
	}, nil
}

func (s zitadelSubject) Verify(ctx context.Context, raw string) error {
	claims, err := op.VerifyAccessToken[*oidc.AccessTokenClaims](ctx, raw, s.verifier)
	if err != nil {
		return err
	}
	return oidc.CheckAudience(claims, s.audience)
}

func (s zitadelSubject) Close() {}

func classifyZitadel(err error) Class {
	if isOneOf(err, oidc.ErrParse, oidc.ErrIssuerInvalid, oidc.ErrAudience, oidc.ErrExpired,
		oidc.ErrSignatureMissing, oidc.ErrSignatureMultiple, oidc.ErrSignatureUnsupportedAlg,
		oidc.ErrSignatureInvalidPayload, oidc.ErrKeyNone, oidc.ErrKeyMultiple, jose.ErrCryptoFailure) {
		return Invalid
	}
	// oidc.ErrSignatureInvalid also stands for keys that could not be fetched.
	return Unclear
}
