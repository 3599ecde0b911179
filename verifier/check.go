package verifier

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Check is a demand beyond the validity of a token: a scope, a role, a look-up in a
// database. It returns nil to allow. A plain error refuses: with 401 in
// Config.Check (the token is not acceptable here), with 403 in an adapter's Require
// (it is, but not for this). An [*Error], a [Kind] or an error of a context keeps
// its own meaning, so that a failing database is a 503 ([ErrUnavailable]) and logs
// no user out. Checks run on every use of a token and must be safe for concurrent
// use.
type Check func(ctx context.Context, t *Token) error

// Scopes demands that the token's "scope" contains every one of the given scopes, all
// and not any. Its refusal is of kind [ErrForbidden] and names them all (RFC 6750
// §3.1).
//
// A scope that RFC 6750 §3 cannot express (empty, or with a character other than
// %x21, %x23-5B and %x5D-7E) is a mistake in the program: Scopes panics, as
// [net/http.ServeMux.Handle] does for a bad pattern, so that it is found when the
// program starts.
func Scopes(first string, more ...string) Check {
	scopes := append([]string{first}, more...)
	for _, scope := range scopes {
		if !isScope(scope) {
			panic(fmt.Sprintf("verifier: Scopes: %s is not a scope (RFC 6750 §3)", quoted(scope))) //nolint:forbidigo // the program's own text, at its start
		}
	}
	all := strings.Join(scopes, " ")
	return func(_ context.Context, t *Token) error {
		for _, scope := range scopes {
			if !t.HasScope(scope) {
				return &Error{Kind: ErrForbidden, Scope: all, Err: fmt.Errorf("scope %s is missing", quoted(scope))}
			}
		}
		return nil
	}
}

// isScope is the scope-token of RFC 6749 §3.3.
func isScope(scope string) bool {
	for i := range len(scope) {
		if c := scope[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return scope != ""
}

// Authorize runs checks on a verified token, in order, and returns the first
// refusal; a plain error becomes one of kind [ErrForbidden]. It is what adapters
// call for Require, and what an adapter of your own should call. A token that no
// Verifier made is refused with [ErrMisconfigured], even where no check is given.
func Authorize(ctx context.Context, t *Token, checks ...Check) error {
	if t == nil || t.payload == "" {
		return refuse(ErrMisconfigured, errors.New("no verified token"))
	}
	for _, check := range checks {
		if err := runCheck(ctx, check, t, ErrForbidden); err != nil {
			return err
		}
	}
	return nil
}

// runCheck gives a plain error of a check the kind that its place asks for.
func runCheck(ctx context.Context, check Check, t *Token, plain Kind) error {
	if check == nil {
		return refuse(ErrMisconfigured, errors.New("a Check is nil"))
	}
	err := check(ctx, t)
	if err == nil || KindOf(err) != 0 {
		return err
	}
	return refuse(plain, err)
}
