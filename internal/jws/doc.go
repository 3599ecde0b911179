// Package jws reads a compact JWS (RFC 7515 §3.1) in one strict way and checks
// its signature with one function per algorithm.
//
// [Split] finds the parts of a token, and a [Message] of them is read in steps:
// [Message.ReadHeader], [Message.ReadSignature], [Message.Verify] under a key, and only
// then [Message.ReadPayload], which decodes what was signed. [Messages] keeps the memory
// of those that were read, and [Headers] what the headers of signed ones said. The
// package decides nothing: which algorithms, keys and claims are acceptable is its
// caller's business.
//
// It is stricter than RFC 7515 asks where laxness would give one token several
// spellings: no line breaks and no padding in base64url, no non-zero trailing
// bits, no duplicate members, no "crit" at all.
//
// Whatever the token, reading it takes memory for a few copies of it at most, and work
// that grows with its length, but for names, which are sorted.
package jws
