package devissuer

import "github.com/zitadel/oidc/v3/pkg/oidc"

// A user is somebody who can be picked on the login page. The client of the same name acts for the same user.
type user struct {
	subject string // never changes: stored data belongs to it
	name    string // preferred_username, and the identifier of the user's client
	display string
	email   string
	roles   []string // of the realm
}

// directory returns the users in the order of the login page. The subjects are not names, as with most providers, so
// that a program which mistakes one for the other is noticed here.
func directory() []user {
	return []user{
		{subject: "5a3c1c52-7d0e-4f0b-9a53-0a11ce000001", name: "alice", display: "Alice Example", email: "alice@example.com", roles: []string{"todo-admin"}},
		{subject: "5a3c1c52-7d0e-4f0b-9a53-000b0b000002", name: "bob", display: "Bob Example", email: "bob@example.com"},
	}
}

func userNamed(name string) (user, bool) {
	for _, u := range directory() {
		if u.name == name {
			return u, true
		}
	}
	return user{}, false
}

func userOf(subject string) (user, bool) {
	for _, u := range directory() {
		if u.subject == subject {
			return u, true
		}
	}
	return user{}, false
}

// describe fills info with what the scopes disclose of the user (OpenID Connect Core, section 5.4). The subject is
// always set: the provider library copies it into ID tokens.
func (u user) describe(info *oidc.UserInfo, scopes []string) {
	info.Subject = u.subject
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeProfile:
			info.Name = u.display
			info.PreferredUsername = u.name
		case oidc.ScopeEmail:
			info.Email = u.email
			info.EmailVerified = true
		}
	}
}
