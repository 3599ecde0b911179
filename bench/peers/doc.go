// Package peers does the same work through bearerproof and through other Go
// libraries, so that they can be compared: a resource server verifies an access
// token, a JWT, and checks its algorithm, issuer, audience and expiry. Keys come from
// the issuer's JWK set.
//
// [All] lists the libraries. There is one file for each, which configures it as its
// own documentation says and names the place in that documentation. Where a library
// has an option for one of the four checks, it is used; nothing else is added, so
// that what a library does by itself shows. [KeyInHand] lists what these libraries are
// made of, without a key set.
//
// The tests say what each peer refuses. What a verification costs is measured by the
// program in the directory above.
package peers
