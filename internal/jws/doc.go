// Package jws reads a compact JWS (RFC 7515 §3.1) in one strict way and checks
// its signature with one function per algorithm.
//
// A [Message] is made by [Parse], which reads the header and leaves the payload
// alone; [Message.Verify] checks the signature under a key, and only
// [Message.ReadPayload] after it decodes what was signed. The package decides nothing:
// which algorithms, keys and claims are acceptable is its caller's business.
//
// It is stricter than RFC 7515 asks where laxness would give one token several
// spellings: no line breaks and no padding in base64url, no non-zero trailing
// bits, no duplicate members, no "crit" at all.
package jws
