package verifier

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// Kind is what went wrong. The constants are sentinels for [errors.Is].
type Kind uint8

// The kinds, and the answer of RFC 6750 §3.1 or RFC 9110 §15 that each deserves.
const (
	// ErrInvalidToken matches every fault of the token itself, that is the kinds from
	// ErrMalformed to ErrClaim. As the kind of an error it is a fault that none of
	// those names.
	ErrInvalidToken Kind = iota + 1
	// ErrNoCredentials: the request has no bearer token. 401.
	ErrNoCredentials
	// ErrInvalidRequest: the Authorization field cannot be read. 400.
	ErrInvalidRequest
	// ErrMalformed: this is no JWT, or its header or payload is not what RFC 7515 and
	// RFC 7519 ask for. 401, as all that follow unless said.
	ErrMalformed
	// ErrAlgorithm: "alg" is not in Config.Algorithms.
	ErrAlgorithm
	// ErrType: this kind of token is not an access token.
	ErrType
	// ErrBinding: the token is bound to a key ("cnf"), and nothing checked that key.
	ErrBinding
	// ErrUnknownKey: the issuer publishes no key for "kid" and "alg".
	ErrUnknownKey
	// ErrSignature: the signature is not the issuer's.
	ErrSignature
	// ErrExpired: "exp" is reached.
	ErrExpired
	// ErrNotYetValid: "nbf" is not reached, or "iat" is in the future.
	ErrNotYetValid
	// ErrIssuer: "iss" is another issuer, or absent.
	ErrIssuer
	// ErrAudience: "aud" does not name this service, or is absent.
	ErrAudience
	// ErrClaim: a required claim is absent, a claim has the wrong type, or
	// Config.Check refused the token.
	ErrClaim
	// ErrForbidden: the token is good, and a Check says it is not enough for this
	// request. 403.
	ErrForbidden
	// ErrKeysUnavailable: the issuer's keys cannot be had now. 503.
	ErrKeysUnavailable
	// ErrUnavailable is for a Check that cannot decide now, say because its database
	// is down, and for a function given to ByIssuerFunc that cannot. 503.
	ErrUnavailable
	// ErrCanceled: the caller's context ended before there was an answer. 503.
	ErrCanceled
	// ErrMisconfigured: the program is wired wrongly, say with a zero Verifier. 500.
	ErrMisconfigured
)

// kinds holds a kind's name, for logs, metrics and gRPC reasons, and its text.
var kinds = [...]struct{ name, text string }{
	0:                  {"none", "no error"},
	ErrInvalidToken:    {"invalid_token", "the token is not valid"},
	ErrNoCredentials:   {"no_credentials", "no bearer token"},
	ErrInvalidRequest:  {"invalid_request", "the credential cannot be read"},
	ErrMalformed:       {"malformed", "the token is malformed"},
	ErrAlgorithm:       {"algorithm", "the algorithm is not allowed"},
	ErrType:            {"type", "wrong type of token"},
	ErrBinding:         {"binding", "the token is bound to a key that was not checked"},
	ErrUnknownKey:      {"unknown_key", "the key is unknown"},
	ErrSignature:       {"signature", "the signature does not verify"},
	ErrExpired:         {"expired", "the token has expired"},
	ErrNotYetValid:     {"not_yet_valid", "the token is not valid yet"},
	ErrIssuer:          {"issuer", "wrong issuer"},
	ErrAudience:        {"audience", "wrong audience"},
	ErrClaim:           {"claim", "a claim is not acceptable"},
	ErrForbidden:       {"forbidden", "the token is not sufficient"},
	ErrKeysUnavailable: {"keys_unavailable", "the issuer's keys are unavailable"},
	ErrUnavailable:     {"unavailable", "a check cannot be made now"},
	ErrCanceled:        {"canceled", "the caller's context ended"},
	ErrMisconfigured:   {"misconfigured", "the program is misconfigured"},
}

// String returns a short name in snake case, such as "unknown_key". Names are
// stable, so that metrics and gRPC reasons can be built on them. Format verbs and
// slog print what Error returns: call String for the name.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return "kind_" + strconv.Itoa(int(k))
	}
	return kinds[k].name
}

// Error returns a generic text that contains nothing of a token.
func (k Kind) Error() string {
	if int(k) >= len(kinds) {
		return "verifier: " + k.String()
	}
	return "verifier: " + kinds[k].text
}

// Is makes every fault of the token match [ErrInvalidToken].
func (k Kind) Is(target error) bool {
	return target == ErrInvalidToken && k >= ErrMalformed && k <= ErrClaim
}

// Error is a refusal of one kind. Its text is exact and for logs, not for clients.
// errors.Is finds its Kind, and its cause if there is one. An Error that Verify returns
// may be that of other calls too, so do not change it.
type Error struct {
	Kind Kind
	// Scope lists the scopes that were required, separated by spaces, where a check
	// made by [Scopes] failed.
	Scope string
	// RetryAfter is how long to wait before another try can succeed, where that is
	// known; see [RetryAfter].
	RetryAfter time.Duration
	// Err is the cause, or nil.
	Err error
}

// Error returns the kind's text and the cause's. A nil *Error, which a Check may
// return by mistake, is an error without a kind.
func (e *Error) Error() string {
	if e == nil {
		return Kind(0).Error()
	}
	if e.Err == nil {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + e.Err.Error()
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e == nil {
		return nil
	}
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// KindOf returns the kind of the first [*Error] or [Kind] in err's chain,
// [ErrCanceled] for a bare error of a context, and 0 for nil and for any other
// error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e.Kind
	}
	if kind, ok := errors.AsType[Kind](err); ok {
		return kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return ErrCanceled
	}
	return 0
}

// RetryAfter returns when a client may try again after err, in whole seconds from
// 1 s to 60 s, or 0 where trying again does not help. Adapters send it.
func RetryAfter(err error) time.Duration {
	switch KindOf(err) {
	case ErrKeysUnavailable, ErrUnavailable:
	case ErrCanceled:
		return time.Second
	default:
		return 0
	}
	var wait time.Duration
	if e, ok := errors.AsType[*Error](err); ok {
		wait = e.RetryAfter
	}
	wait = min(max(wait, time.Second), time.Minute)
	return (wait + time.Second - 1).Truncate(time.Second)
}

// refuse makes an [*Error] with a cause.
func refuse(kind Kind, cause error) *Error { return &Error{Kind: kind, Err: cause} }

// quoted makes an unverified value safe to log: quoted, and cut to 64 bytes.
func quoted(value string) string {
	const most = 64
	if len(value) > most {
		return strconv.QuoteToASCII(value[:most]) + "…"
	}
	return strconv.QuoteToASCII(value)
}
