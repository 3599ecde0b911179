package devissuer

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// serveDiscovery answers with the library's discovery document (OpenID Connect Discovery, section 3), cut down to what
// is served here: the library lists endpoints, flows and scopes that it could serve.
func (i *Issuer) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	ctx := op.ContextWithIssuer(r.Context(), i.url)
	document := op.CreateDiscoveryConfig(ctx, i.op, i.storage)

	document.IntrospectionEndpoint = ""
	document.IntrospectionEndpointAuthMethodsSupported = nil
	document.IntrospectionEndpointAuthSigningAlgValuesSupported = nil
	document.RevocationEndpointAuthSigningAlgValuesSupported = nil // no client signs assertions
	document.DeviceAuthorizationEndpoint = ""
	document.ScopesSupported = []string{
		oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess, ScopeRead, ScopeWrite,
	}
	document.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	document.ResponseModesSupported = []string{
		string(oidc.ResponseModeQuery), string(oidc.ResponseModeFragment), string(oidc.ResponseModeFormPost),
	}
	document.GrantTypesSupported = []oidc.GrantType{
		oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeClientCredentials,
	}
	document.ClaimsSupported = []string{
		"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "client_id", "scope", "nonce", "auth_time", "at_hash", "c_hash",
		"name", "preferred_username", "email", "email_verified", "realm_access",
	}

	w.Header().Set("Cache-Control", "no-cache")
	op.Discover(w, document)
}
