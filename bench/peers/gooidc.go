package peers

import (
	"context"
	"errors"

	"github.com/coreos/go-oidc/v3/oidc"
)

// goOIDCPeer is coreos/go-oidc, set up as its README ("OpenID Connect support for Go")
// and the comment of oidc.NewVerifier say: a provider through discovery, and its
// verifier. oidc.ClientContext brings the HTTP client. The library is made for ID
// tokens and has no other way for access tokens; "ClientID" is the audience, as the
// comment of oidc.Config says.
//
// Algorithms are those of the provider's metadata by default; SupportedSigningAlgs
// names the one that is wanted.
//
// Most errors are texts. oidc.TokenExpiredError is a type of its own, and a request
// that failed in oidc.NewProvider is wrapped; an error of the key set is not.
func goOIDCPeer() Peer {
	return Peer{
		Name:     "go-oidc",
		Module:   "github.com/coreos/go-oidc/v3",
		New:      newGoOIDC,
		classify: classifyGoOIDC,
	}
}

type goOIDCSubject struct{ verifier *oidc.IDTokenVerifier }

func newGoOIDC(ctx context.Context, s Setup) (Subject, error) {
	ctx = oidc.ClientContext(ctx, s.Client)
	provider, err := oidc.NewProvider(ctx, s.Issuer)
	if err != nil {
		return nil, err
	}
	return goOIDCSubject{provider.Verifier(&oidc.Config{
		ClientID:             s.Audience,
		SupportedSigningAlgs: []string{s.algorithm()},
	})}, nil
}

func (s goOIDCSubject) Verify(ctx context.Context, raw string) error {
	_, err := s.verifier.Verify(ctx, raw)
	return err
}

func (s goOIDCSubject) Close() {}

func classifyGoOIDC(err error) Class {
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return Invalid
	}
	return Unclear
}
