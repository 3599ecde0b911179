package verifier

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Token is a verified access token: it is the proof that the caller is who the
// issuer says. It is immutable and safe for concurrent use. Only
// [Verifier.Verify] makes a usable one; the zero Token has no subject and no
// claims.
type Token struct {
	header  tokenHeader
	claims  claims
	payload string // the JSON text that was signed
}

// tokenHeader is what is kept of the JOSE header.
type tokenHeader struct {
	keyID     string
	algorithm Algorithm
	typ       string
}

// Subject returns "sub", which identifies the caller within the issuer, or "" if
// the token has none. Scope every query by it (and by [Token.Issuer], where there
// is more than one), and refuse a token without one in Config.Check: all such tokens
// would share one scope.
func (t *Token) Subject() string { return t.claims.subject }

// Issuer returns "iss", which equals Config.Issuer.
func (t *Token) Issuer() string { return t.claims.issuer }

// Audience returns a copy of "aud".
func (t *Token) Audience() []string { return slices.Clone(t.claims.audience) }

// ID returns "jti", or "".
func (t *Token) ID() string { return t.claims.id }

// ClientID returns the client that the token was issued to: "client_id" (RFC 9068
// §2.2), or "azp" where that is absent, or "".
func (t *Token) ClientID() string {
	if t.claims.clientID != "" {
		return t.claims.clientID
	}
	return t.claims.party
}

// KeyID returns the header's "kid", or "".
func (t *Token) KeyID() string { return t.header.keyID }

// Algorithm returns the header's "alg".
func (t *Token) Algorithm() Algorithm { return t.header.algorithm }

// Type returns the header's "typ" as written, or "".
func (t *Token) Type() string { return t.header.typ }

// ExpiresAt returns "exp". Verify accepts the token until a leeway after it.
func (t *Token) ExpiresAt() time.Time { return t.claims.expires }

// IssuedAt returns "iat", or the zero time.
func (t *Token) IssuedAt() time.Time { return t.claims.issued }

// NotBefore returns "nbf", or the zero time.
func (t *Token) NotBefore() time.Time { return t.claims.notBefore }

// Scopes returns the scopes of "scope" (RFC 8693 §4.2), or nil.
func (t *Token) Scopes() []string {
	var scopes []string
	for scope := range strings.SplitSeq(t.claims.scope, " ") { // RFC 6749 §3.3: no other white space
		if scope != "" {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// HasScope reports whether "scope" contains this scope, compared whole.
func (t *Token) HasScope(scope string) bool {
	for granted := range strings.SplitSeq(t.claims.scope, " ") {
		if granted == scope && scope != "" {
			return true
		}
	}
	return false
}

// String returns what [Token.LogValue] prints, so that a token in a format verb shows
// no claims.
func (t *Token) String() string { return t.LogValue().String() }

// LogValue implements [slog.LogValuer] with the issuer, the subject, the key's id
// and the expiry; never the token.
func (t *Token) LogValue() slog.Value {
	if t == nil {
		return slog.GroupValue()
	}
	return slog.GroupValue(
		slog.String("iss", t.claims.issuer),
		slog.String("sub", t.claims.subject),
		slog.String("kid", t.header.keyID),
		slog.Time("exp", t.claims.expires),
	)
}
