package httpauth

import (
	"errors"
	"strings"

	"github.com/bearerproof/bearerproof/verifier"
)

// challengeOf returns the challenge without error information (RFC 6750 §3). RFC
// 6750 asks for at least one parameter, so there is always a realm.
func challengeOf(realm string) string {
	if realm == "" {
		realm = "api"
	}
	safe := strings.Map(func(c rune) rune {
		if isQuotable(c) {
			return c
		}
		return '?'
	}, realm)
	return `Bearer realm="` + safe + `"`
}

// challengeFor returns the value of WWW-Authenticate for an answer. Each parameter
// occurs at most once (RFC 6750 §3).
func (a *Auth) challengeFor(answer answer, err error) string {
	challenge := a.challenge
	if answer.code == "" {
		return challenge
	}
	challenge += `, error="` + answer.code + `"`
	switch answer.code {
	case codeInvalidToken:
		challenge += `, error_description="` + answer.description + `"`
	case codeInsufficientScope:
		if scope := scopeOf(err); scope != "" {
			challenge += `, scope="` + scope + `"`
		}
	}
	return challenge
}

// scopeOf returns the scopes that were required, or "" where they are unknown or
// RFC 6750 §3 cannot express them: a changed scope would be a wrong one.
func scopeOf(err error) string {
	e, ok := errors.AsType[*verifier.Error](err)
	if !ok {
		return ""
	}
	for scope := range strings.SplitSeq(e.Scope, " ") {
		if scope == "" || strings.ContainsFunc(scope, func(c rune) bool { return !isQuotable(c) }) {
			return ""
		}
	}
	return e.Scope
}

// isQuotable reports whether a character may stand in a quoted parameter as it is:
// %x20-21, %x23-5B and %x5D-7E (RFC 6750 §3).
func isQuotable(c rune) bool {
	return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'
}
