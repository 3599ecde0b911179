// Package verifier decides whether a JWT access token is authentic, meant for this
// service and still valid, and says who is calling.
//
// A [Verifier] is made once, from one [Config] that names the issuer, the audience,
// the algorithms and a source of keys (package jwks has several). [Verifier.Verify]
// takes the text behind "Bearer" and returns a [Token]. Only Verify makes a usable
// Token, so a function that takes one cannot be reached by an unverified caller.
// The package does no I/O of its own; a key source may.
//
//	v, err := verifier.New(verifier.Config{
//		Issuer:     "https://id.example.com/realms/myrealm",
//		Audience:   verifier.AnyOf("todo-api"),
//		Algorithms: []verifier.Algorithm{verifier.RS256},
//		Keys:       keys,
//	})
//
// # What Verify checks, in this order
//
//  1. the length, and that there are exactly two dots;
//  2. the header: strict base64url, one JSON object without duplicate members, "alg"
//     and "kid" strings, no "crit", no "b64" (RFC 7515 §4, RFC 7797 §7);
//  3. "alg" is among Config.Algorithms (RFC 8725 §3.1), then "typ" among
//     Config.TokenTypes (RFC 8725 §3.11), before anything can ask for a key; and the
//     signature part is readable;
//  4. there is a key for "kid" and "alg", bound to that one algorithm (RFC 8725 §3.1,
//     RFC 7517 §4.4); keys that the header brings along are never used;
//  5. the signature;
//  6. the payload: strict base64url, one JSON object without duplicate members, claims
//     of the right types (RFC 7519 §4);
//  7. the kind of token: none whose claims show that it is an ID, refresh, offline,
//     logout or event token (RFC 8725 §3.12: Keycloak's "typ", "at_hash", "c_hash",
//     "events"), and none that is bound to a key which nobody checked ("cnf", RFC 7800);
//  8. "exp" (required), "nbf" and "iat", with one leeway; "iss" equal; "aud" contains
//     one of ours (RFC 7519 §4.1, RFC 9068 §4);
//  9. Config.Check.
//
// # Tokens that come again
//
// A client sends one token many times. A token that was accepted is remembered, by the
// SHA-256 of its whole text and without the text, and its signature is not checked
// again, nor is it read again. All else is asked on every use: the source of keys, as
// for a new token, and the key that made the signature must be among those that would be
// tried now; then steps 7 to 9. So the answer is the same as without, whatever happens
// to the clock, the keys and Config.Check, and a withdrawn key ends its tokens at once.
// Refusals are not remembered. Config.CacheSize sets the size, and [NoCache] switches it
// off; the memory is bounded, and tokens that are used once take no place from those in
// use.
//
// # Errors
//
// An error of Verify is an [*Error] of one [Kind]. A fault of the token matches
// [ErrInvalidToken]; a key source that cannot answer is [ErrKeysUnavailable] and is
// no fault of the token. Error texts are for logs. What they take from an
// unverified token is quoted and cut to 64 bytes.
//
// [Verifier.Explain] tells a developer all about one decision: each step, what was
// expected and found, and the likely cause.
//
// # Several issuers
//
// [ByIssuer] combines verifiers of issuers that are known when the program starts, and
// [ByIssuerFunc] looks the tenants of a service up. Key sets are never merged.
//
// # Demands beyond the token's validity
//
// A [Check] is one demand. [Scopes] makes one; package keycloak makes more; any
// function of its shape is one.
//
// # Metrics and logs
//
// An [Observer] is told how each call of Verify ended; [NewLogObserver] makes one for a
// log.
package verifier
