// Package conformance runs attacks on the library: tokens that must be refused, each
// for a stated reason, and a few odd ones that must not.
//
// The attacks are data, in attacks/*.json. A file is an array of rows, and a row is
// one token:
//
//	{
//	  "name": "none with an empty signature",
//	  "requirement": "R34",
//	  "recipe": {"header": {"set": {"alg": "none"}}, "sign": {"with": "nothing"}},
//	  "config": {},
//	  "expect": "algorithm"
//	}
//
// A recipe changes a good token, step by step as a [Recipe] lists them; one without
// steps is the good token itself. The requirement is a row of the project's
// requirements. What is expected is the name of a verifier.Kind, or "accepted". The
// clock stands at [Now].
package conformance
