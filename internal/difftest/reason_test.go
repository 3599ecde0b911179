package difftest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/bearerproof/bearerproof/verifier"
)

// evidence is what a reason's witness looks at: the token, and second readings of it.
type evidence struct {
	raw             string
	parts           []string
	header, payload *document
	opinion         *opinion
}

func gather(raw string, o *opinion) *evidence {
	e := &evidence{raw: raw, parts: strings.Split(raw, "."), opinion: o}
	e.header = readDocument(lenient(e.parts[0]))
	e.payload = readDocument(o.payload)
	return e
}

// reason is one in which we are stricter than go-jose.
type reason struct {
	name string
	why  string
	kind verifier.Kind // of our refusal; see also refusedFor
	// witness finds in a token that go-jose accepts what the reason says.
	witness func(*evidence) bool
}

// refusedFor reports whether a refusal of this kind can have the reason. Where a token
// has no kid, the keys that are left are tried in place of one that is unfit, and it is
// the signature that fails.
func (r *reason) refusedFor(kind verifier.Kind, e *evidence) bool {
	return kind == r.kind || r.kind == verifier.ErrUnknownKey && kind == verifier.ErrSignature && e.opinion.header.KeyID == ""
}

// stricter is the closed list. Of two reasons that fit, the first one counts.
var stricter = [...]reason{
	{
		"token size", "a token is at most 16 KiB, so that nobody makes us read more (CVE-2025-61920)", verifier.ErrMalformed,
		func(e *evidence) bool { return len(e.raw) > 16<<10 },
	},
	{
		"line break", "base64url has no line breaks (RFC 7515 §2); with them one token would have many spellings", verifier.ErrMalformed,
		func(e *evidence) bool { return strings.ContainsAny(e.raw, "\r\n") },
	},
	{
		"trailing bits", "bits behind the last octet must be zero, or one token would have many spellings", verifier.ErrMalformed,
		func(e *evidence) bool {
			for _, part := range e.parts {
				if part != base64.RawURLEncoding.EncodeToString(lenient(part)) && !strings.ContainsAny(part, "\r\n") {
					return true
				}
			}
			return false
		},
	},
	{
		"crit", "no extension is understood, and an empty list is forbidden (RFC 7515 §4.1.11)", verifier.ErrMalformed,
		func(e *evidence) bool { return e.header.has("crit") },
	},
	{
		"b64", "a JWT must not use it (RFC 7797 §7)", verifier.ErrMalformed,
		func(e *evidence) bool { return e.header.has("b64") },
	},
	{
		"header type", "kid and typ are strings (RFC 7515 §4.1.4, §4.1.9), and null is not an absent one", verifier.ErrMalformed,
		func(e *evidence) bool { return e.header.notText("alg", "kid", "typ") },
	},
	{
		"header size", "a header has at most 64 members, inner ones included, and alg, kid and typ are 1538 octets at most, so that one that nobody signed costs little", verifier.ErrMalformed,
		func(e *evidence) bool { return e.header.names > 64 || e.header.longer(1538, "alg", "kid", "typ") },
	},
	{
		"kid length", "a kid is at most 256 octets, as it is looked up and logged", verifier.ErrMalformed,
		func(e *evidence) bool { kid, _ := e.header.text("kid"); return len(kid) > 256 },
	},
	{
		"duplicate member", "names are unique at every depth (RFC 8725 §2.4), and not only where go-jose reads", verifier.ErrMalformed,
		func(e *evidence) bool { return e.header.duplicate || e.payload.duplicate },
	},
	{
		"text", "JSON is valid UTF-8 (RFC 7519 §7.2), and half a surrogate pair is no character; go-jose replaces both", verifier.ErrMalformed,
		func(e *evidence) bool { return e.header.badText || e.payload.badText },
	},
	{
		"depth", "nesting is bounded, in headers by 32 and in payloads by 64 (CVE-2025-53864)", verifier.ErrMalformed,
		func(e *evidence) bool { return e.header.depth > 32 || e.payload.depth > 64 },
	},
	{
		"token type", "the header's typ is on a list (RFC 8725 §3.11), so that no other kind of JWT passes for an access token", verifier.ErrType,
		func(e *evidence) bool {
			allowed := e.header.isOneOf("typ", "", "JWT", "at+jwt", "application/JWT", "application/at+jwt")
			return e.header.has("typ") && !allowed
		},
	},
	{
		"key use", "a key whose use is not sig verifies nothing (RFC 7517 §4.2)", verifier.ErrUnknownKey,
		func(e *evidence) bool { return e.opinion.kid == "enc" },
	},
	{
		"key size", "an RSA key has 2048 bits at least (RFC 7518 §3.3)", verifier.ErrUnknownKey,
		func(e *evidence) bool { return e.opinion.kid == "weak" },
	},
	{
		"key algorithm", "a key is used with one algorithm (RFC 8725 §3.1), its own or the first of ours that fits it", verifier.ErrUnknownKey,
		func(e *evidence) bool {
			bound := map[string]string{"ed": "EdDSA Ed25519", "ec": "ES256", "rsa": "RS256", "pss": "PS256", "mldsa": "ML-DSA-44"}[e.opinion.kid]
			return !strings.Contains(" "+bound+" ", " "+e.opinion.header.Algorithm+" ")
		},
	},
	{
		"payload spelling", "the signature is checked over the payload as it is spelled, and go-jose spells it anew", verifier.ErrSignature,
		func(e *evidence) bool { return e.parts[1] != base64.RawURLEncoding.EncodeToString(e.opinion.payload) },
	},
	{
		"PSS salt", "the salt is as long as the hash (RFC 7518 §3.5)", verifier.ErrSignature,
		func(e *evidence) bool {
			if e.opinion.kid != "pss" {
				return false
			}
			sum := sha256.Sum256([]byte(e.parts[0] + "." + e.parts[1]))
			public := signers[ps256Signer].key.Public().(*rsa.PublicKey)
			options := &rsa.PSSOptions{SaltLength: 20}
			return rsa.VerifyPSS(public, crypto.SHA256, sum[:], lenient(e.parts[2]), options) == nil
		},
	},
	{
		"claim type", "a claim of the wrong type is an error and not an absent one (RFC 7519 §4.1)", verifier.ErrClaim,
		func(e *evidence) bool {
			for _, name := range []string{"exp", "nbf", "iat"} {
				if _, ok := e.payload.number(name); !ok && e.payload.has(name) {
					return true
				}
			}
			return e.payload.notText("iss", "sub", "jti", "scope", "client_id", "azp", "typ")
		},
	},
	{
		"audiences", "aud has at most 512 strings, so that a token costs little", verifier.ErrClaim,
		func(e *evidence) bool { return e.payload.elements("aud") > 512 },
	},
	{
		"time range", "a time lies between the years 1970 and 9999", verifier.ErrClaim,
		func(e *evidence) bool {
			for _, name := range []string{"exp", "nbf", "iat"} {
				if seconds, ok := e.payload.number(name); ok && (seconds < 0 || seconds > 253402300799) {
					return true
				}
			}
			return false
		},
	},
	{
		"kind of token", "an ID, refresh, offline, logout or event token is no access token (RFC 8725 §3.12)", verifier.ErrType,
		func(e *evidence) bool {
			return e.payload.has("at_hash") || e.payload.has("c_hash") || e.payload.has("events") ||
				e.payload.isOneOf("typ", "ID", "Refresh", "Offline", "Logout")
		},
	},
	{
		"binding", "a token that is bound to its sender's key is no bearer token (RFC 7800 §3.1, RFC 9449 §7.1)", verifier.ErrBinding,
		func(e *evidence) bool { return e.payload.has("cnf") },
	},
	{
		"no expiry", "exp is required (RFC 9068 §2.2)", verifier.ErrClaim,
		func(e *evidence) bool { return !e.payload.has("exp") },
	},
	{
		"expiry reached", "a token is refused at the very instant of exp and the leeway (RFC 7519 §4.1.4)", verifier.ErrExpired,
		func(e *evidence) bool { exp, ok := e.payload.number("exp"); return ok && exp == now-leeway },
	},
	{
		"fraction of a second", "nbf and iat are compared with their fractions, which go-jose cuts off", verifier.ErrNotYetValid,
		func(e *evidence) bool {
			nbf, _ := e.payload.number("nbf")
			iat, _ := e.payload.number("iat")
			latest := max(nbf, iat)
			return latest > now+leeway && latest < now+leeway+1
		},
	},
}

// passedOver lists what we accept and go-jose refuses. They are header parameters that
// are none of our business, which RFC 7515 §4 says to ignore. go-jose reads them.
var passedOver = [...]struct {
	name    string
	witness func(header *document) bool
}{
	{"jwk in the header that go-jose cannot read", func(header *document) bool { return header.has("jwk") }},
	{"x5c in the header that go-jose cannot read", func(header *document) bool { return header.has("x5c") }},
	{"nonce in the header that is no string", func(header *document) bool { return header.notText("nonce") }},
	{"number in the header that no float64 holds", func(header *document) bool { return header.hugeNumber }},
}
