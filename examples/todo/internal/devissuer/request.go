package devissuer

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// grant is what a token is made from: who, for whom, and what for. The provider library appends to the audience it is
// handed, so every caller gets its own.
type grant struct {
	subject  string
	clientID string
	audience string
	scopes   []string
}

func (g *grant) GetSubject() string    { return g.subject }
func (g *grant) GetClientID() string   { return g.clientID }
func (g *grant) GetAudience() []string { return []string{g.audience} }
func (g *grant) GetScopes() []string   { return slices.Clone(g.scopes) }

// authRequest is one passage through the code flow. It is not changed once stored; a login makes a new one.
type authRequest struct {
	grant
	id           string
	redirectURI  string
	state        string
	nonce        string
	responseMode oidc.ResponseMode
	challenge    string // S256 code challenge (RFC 7636)
	wish         wish
	authTime     time.Time // zero before the login
}

// answeredBy returns the request as it stands after a login. It has a new identifier: the old one was known to
// whoever sent the browser to the login page, and with it that party could fetch the code instead of the user.
func (a *authRequest) answeredBy(login browserLogin, id string) *authRequest {
	answered := *a
	answered.id = id
	answered.subject = login.user.subject
	answered.authTime = login.at
	return &answered
}

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetAMR() []string                   { return nil }
func (a *authRequest) GetAuthTime() time.Time             { return a.authTime }
func (a *authRequest) GetNonce() string                   { return a.nonce }
func (a *authRequest) GetRedirectURI() string             { return a.redirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.responseMode }
func (a *authRequest) GetState() string                   { return a.state }
func (a *authRequest) Done() bool                         { return a.subject != "" }

func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.challenge, Method: oidc.CodeChallengeMethodS256}
}

// session is what a refresh token stands for.
type session struct {
	grant
	authTime time.Time
	expires  time.Time // of the whole chain: refreshing does not move it
	narrowed []string  // scopes of one refresh, a subset of those granted; nil means all
}

func (s *session) GetAMR() []string       { return nil }
func (s *session) GetAuthTime() time.Time { return s.authTime }

func (s *session) GetScopes() []string {
	if s.narrowed != nil {
		return slices.Clone(s.narrowed)
	}
	return s.grant.GetScopes()
}

// SetCurrentScopes narrows one refresh to the scopes asked, of those granted. The next refresh token keeps the scopes
// granted at the login (RFC 6749, section 6).
func (s *session) SetCurrentScopes(asked []string) {
	s.narrowed = slices.DeleteFunc(s.grant.GetScopes(), func(scope string) bool { return !slices.Contains(asked, scope) })
}
