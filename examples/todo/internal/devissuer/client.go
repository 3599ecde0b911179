package devissuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// client is a program that may ask for tokens: the web page, or alice or bob on a command line.
type client struct {
	id        string
	secret    string   // empty for a public client, which then authenticates by PKCE alone
	redirects []string // exact redirect URIs
	logouts   []string // where the browser may go after logging out
	grants    []oidc.GrantType
	scopes    []string // those it may be granted
	defaults  []string // granted when none is asked for

	loginURL string        // of the login page, without the query
	lifetime time.Duration // of ID tokens
}

// authenticates reports whether secret is the client's. A public client has none and never authenticates so.
func (c *client) authenticates(secret string) bool {
	if c.secret == "" {
		return false
	}
	got, want := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(c.secret))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// grant returns those of the asked scopes that the client may have, each once, in the order asked, or the defaults
// when none was asked for (the library reads an empty scope parameter as one empty scope). Others are left out, as
// RFC 6749, section 3.3, allows; the answer names what was granted.
func (c *client) grant(asked []string) []string {
	asked = slices.DeleteFunc(slices.Clone(asked), func(scope string) bool { return scope == "" })
	if len(asked) == 0 {
		return slices.Clone(c.defaults)
	}
	var granted []string
	for _, scope := range asked {
		if slices.Contains(c.scopes, scope) && !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	return granted
}

func (c *client) GetID() string                       { return c.id }
func (c *client) RedirectURIs() []string              { return c.redirects }
func (c *client) PostLogoutRedirectURIs() []string    { return c.logouts }
func (c *client) GrantTypes() []oidc.GrantType        { return c.grants }
func (c *client) IsScopeAllowed(scope string) bool    { return slices.Contains(c.scopes, scope) }
func (c *client) IDTokenLifetime() time.Duration      { return c.lifetime }
func (c *client) ClockSkew() time.Duration            { return 0 }
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// ApplicationType is that of a browser application: a web client would be taken for a confidential one.
func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeUserAgent }

// DevMode lets the redirect URIs be http. They are on the loopback interface and compared exactly all the same.
func (c *client) DevMode() bool { return true }

// IDTokenUserinfoClaimsAssertion puts the user's name into ID tokens, which spares the web page a request.
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c *client) AuthMethod() oidc.AuthMethod {
	if c.secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c *client) ResponseTypes() []oidc.ResponseType {
	if len(c.redirects) == 0 {
		return nil
	}
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c *client) LoginURL(requestID string) string {
	return c.loginURL + "?" + url.Values{"id": {requestID}}.Encode()
}

func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
