package devissuer

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// How long things are kept, and how many of each. Together they bound the memory of the issuer: a request is at most
// maxQuery + maxBody bytes long, and nothing but requests is stored on behalf of somebody unknown.
const (
	loginTime   = 10 * time.Minute // to log in after /authorize
	codeTime    = time.Minute      // to fetch the code after the login, and again to redeem it
	sessionTime = 8 * time.Hour    // a chain of refresh tokens

	maxRequests = 1024
	maxSessions = 1024
	maxTokens   = 4096 // access tokens that the user info endpoint answers
)

var errNoAssertions = errors.New("devissuer: clients have no keys of their own")

// storage is what the provider library asks for clients, users, keys and what lies between two requests.
type storage struct {
	clients  map[string]*client // set once
	audience string             // set once
	lifetime time.Duration      // of access tokens; set once
	keys     *keyring           // set once

	pending  *expiring[*authRequest] // waiting for a login, by request id
	answered *expiring[*authRequest] // logged in, waiting for the callback, by the new request id
	codes    *expiring[*authRequest] // by code
	sessions *expiring[*session]     // by refresh token
	tokens   *expiring[*grant]       // access tokens with the scope openid, by jti
}

func newStorage(clients map[string]*client, audience string, lifetime time.Duration, keys *keyring) *storage {
	return &storage{
		clients:  clients,
		audience: audience,
		lifetime: lifetime,
		keys:     keys,
		pending:  newExpiring[*authRequest](maxRequests),
		answered: newExpiring[*authRequest](maxRequests),
		codes:    newExpiring[*authRequest](maxRequests),
		sessions: newExpiring[*session](maxSessions),
		tokens:   newExpiring[*grant](maxTokens),
	}
}

// CreateAuthRequest stores an authorization request whose client and redirect URI the library has checked. A refusal
// is sent to that URI. hinted is the subject of the request's ID token, if it has one.
func (s *storage) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, hinted string) (op.AuthRequest, error) {
	c, ok := s.clients[asked.ClientID]
	if !ok {
		return nil, oidc.ErrInvalidRequestRedirectURI().WithDescription("unknown client")
	}
	if asked.CodeChallenge == "" || asked.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("a code_challenge with the method S256 is required")
	}
	scopes := c.grant(asked.Scopes)
	if len(scopes) == 0 {
		return nil, oidc.ErrInvalidScope().WithDescription("none of the scopes is known")
	}
	request := &authRequest{
		grant:        grant{clientID: c.id, audience: s.audience, scopes: scopes},
		id:           rand.Text(),
		redirectURI:  asked.RedirectURI,
		state:        asked.State,
		nonce:        asked.Nonce,
		responseMode: asked.ResponseMode,
		challenge:    asked.CodeChallenge,
		wish:         wishOf(asked, hinted),
	}
	s.pending.put(request.id, request, time.Now().Add(loginTime))
	return request, nil
}

// logIn records that the login answers the pending request and returns the identifier to continue with. It succeeds
// once.
func (s *storage) logIn(requestID string, login browserLogin) (string, bool) {
	request, ok := s.pending.take(requestID)
	if !ok {
		return "", false
	}
	answered := request.answeredBy(login, rand.Text())
	s.answered.put(answered.id, answered, time.Now().Add(codeTime))
	return answered.id, true
}

// AuthRequestByID is asked by the callback alone, so only a request that somebody answered counts.
func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	request, ok := s.answered.get(id)
	if !ok {
		return nil, oidc.ErrInvalidRequest().WithDescription("the login has expired")
	}
	return request, nil
}

// SaveAuthCode makes the request redeemable under code. It uses the request up: there is one code for each login.
func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	request, ok := s.answered.take(id)
	if !ok {
		return oidc.ErrInvalidRequest().WithDescription("the login has expired")
	}
	s.codes.put(code, request, time.Now().Add(codeTime))
	return nil
}

// AuthRequestByCode uses the code up, whatever comes of it (RFC 6749, section 4.1.2): of two requests at the same
// moment one is served, and nobody tries verifiers against a stolen code.
func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	request, ok := s.codes.take(code)
	if !ok {
		return nil, errors.New("devissuer: the code is unknown, used or expired")
	}
	return request, nil
}

// DeleteAuthRequest has nothing left to do: SaveAuthCode and AuthRequestByCode used the request up.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }

// CreateAccessToken names a new access token. Only a token for the user info endpoint is remembered; the API verifies
// its tokens by their signature, and a load test with client credentials leaves nothing behind.
func (s *storage) CreateAccessToken(_ context.Context, request op.TokenRequest) (string, time.Time, error) {
	id, expires := rand.Text(), time.Now().Add(s.lifetime)
	if slices.Contains(request.GetScopes(), oidc.ScopeOpenID) {
		s.tokens.put(id, &grant{
			subject:  request.GetSubject(),
			clientID: clientOf(request),
			audience: s.audience,
			scopes:   request.GetScopes(),
		}, expires)
	}
	return id, expires, nil
}

// CreateAccessAndRefreshTokens starts a session, or continues it with a new refresh token in place of current, which
// is used up: of two refreshes with the same token one is served.
func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (string, string, time.Time, error) {
	next, err := s.nextSession(request, current)
	if err != nil {
		return "", "", time.Time{}, err
	}
	id, expires, err := s.CreateAccessToken(ctx, request)
	if err != nil {
		return "", "", time.Time{}, err
	}
	refresh := rand.Text()
	s.sessions.put(refresh, next, next.expires)
	return id, refresh, expires, nil
}

func (s *storage) nextSession(request op.TokenRequest, current string) (*session, error) {
	switch r := request.(type) {
	case *authRequest:
		return &session{grant: r.grant, authTime: r.authTime, expires: time.Now().Add(sessionTime)}, nil
	case *session:
		held, ok := s.sessions.take(current)
		if !ok {
			return nil, oidc.ErrInvalidGrant().WithDescription("the refresh token is unknown, used or expired")
		}
		return held, nil
	default:
		return nil, oidc.ErrUnauthorizedClient().WithDescription("this grant has no refresh token")
	}
}

// TokenRequestByRefreshToken returns a copy, because the library narrows its scopes.
func (s *storage) TokenRequestByRefreshToken(_ context.Context, refresh string) (op.RefreshTokenRequest, error) {
	held, ok := s.sessions.get(refresh)
	if !ok {
		return nil, op.ErrInvalidRefreshToken
	}
	request := *held
	return &request, nil
}

// TerminateSession forgets the refresh tokens that the user has at the client, and what would become some: logins that
// wait for their callback, and codes.
func (s *storage) TerminateSession(_ context.Context, subject, clientID string) error {
	ended := func(g grant) bool { return g.subject == subject && g.clientID == clientID }
	s.answered.remove(func(request *authRequest) bool { return ended(request.grant) })
	s.codes.remove(func(request *authRequest) bool { return ended(request.grant) })
	s.sessions.remove(func(held *session) bool { return ended(held.grant) })
	return nil
}

// GetRefreshTokenInfo says whose refresh token it is. Whether the client may revoke it, RevokeToken decides.
func (s *storage) GetRefreshTokenInfo(_ context.Context, _, token string) (subject, tokenID string, err error) {
	held, ok := s.sessions.get(token)
	if !ok {
		return "", "", op.ErrInvalidRefreshToken
	}
	return held.subject, token, nil
}

// RevokeToken ends a session, or makes the user info endpoint forget an access token. An API that verifies signatures
// goes on accepting the access token until it expires. A token that is unknown or another client's stays as it is,
// which is no error (RFC 7009, section 2.2).
func (s *storage) RevokeToken(_ context.Context, token, _, clientID string) *oidc.Error {
	if held, ok := s.sessions.get(token); ok && held.clientID == clientID {
		s.sessions.take(token)
	}
	if known, ok := s.tokens.get(token); ok && known.clientID == clientID {
		s.tokens.take(token)
	}
	return nil
}

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return s.keys.signing(), nil }

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return s.keys.published(), nil }
func (s *storage) Health(context.Context) error             { return nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// GetClientByClientID answers with invalid_client rather than a plain error, because the library takes a plain one at
// the refresh and logout endpoints for a fault of the server.
func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, ok := s.clients[id]
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription("unknown client")
	}
	return c, nil
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	c, ok := s.clients[id]
	if !ok || !c.authenticates(secret) {
		return errors.New("devissuer: unknown client or wrong secret")
	}
	return nil
}

// ClientCredentials authenticates the client of a client_credentials request.
func (s *storage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

// ClientCredentialsTokenRequest makes the client act for the user of its name.
func (s *storage) ClientCredentialsTokenRequest(_ context.Context, id string, asked []string) (op.TokenRequest, error) {
	c, known := s.clients[id]
	u, named := userNamed(id)
	if !known || !named {
		return nil, oidc.ErrUnauthorizedClient().WithDescription("the client acts for no user")
	}
	scopes := c.grant(asked)
	if len(scopes) == 0 {
		return nil, oidc.ErrInvalidScope().WithDescription("none of the scopes is known")
	}
	return &grant{subject: u.subject, clientID: c.id, audience: s.audience, scopes: scopes}, nil
}

// SetUserinfoFromScopes fills an ID token.
func (s *storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, subject, _ string, scopes []string) error {
	u, ok := userOf(subject)
	if !ok {
		return errors.New("devissuer: unknown subject")
	}
	u.describe(info, scopes)
	return nil
}

// SetUserinfoFromToken fills the answer of the user info endpoint for an access token that the library has verified.
func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	known, ok := s.tokens.get(tokenID)
	u, isUser := userOf(subject)
	if !ok || !isUser {
		return oidc.ErrAccessDenied().WithDescription("the access token has no scope openid, or was revoked")
	}
	u.describe(info, known.scopes)
	return nil
}

// GetPrivateClaimsFromRequest adds what the library leaves out of access tokens: the granted scopes, as one string
// (RFC 9068, section 2.2.3), the user's name, and the user's roles where Keycloak writes them.
func (s *storage) GetPrivateClaimsFromRequest(_ context.Context, request op.TokenRequest, _ []string) (map[string]any, error) {
	u, ok := userOf(request.GetSubject())
	if !ok {
		return nil, errors.New("devissuer: unknown subject")
	}
	claims := map[string]any{
		"scope":              strings.Join(request.GetScopes(), " "),
		"preferred_username": u.name,
	}
	if len(u.roles) > 0 {
		claims["realm_access"] = map[string]any{"roles": u.roles}
	}
	return claims, nil
}

// GetPrivateClaimsFromScopes is not asked: GetPrivateClaimsFromRequest is there.
func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// SetIntrospectionFromToken is not reached: the introspection endpoint is not served.
func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errors.New("devissuer: no introspection")
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNoAssertions
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNoAssertions
}

func clientOf(request op.TokenRequest) string {
	if r, ok := request.(interface{ GetClientID() string }); ok {
		return r.GetClientID()
	}
	return ""
}
