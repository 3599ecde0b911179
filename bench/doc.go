// Package bench does the same work through bearerproof and through other Go
// libraries, so that they can be compared: a resource server verifies an access
// token, a JWT signed with RS256, and checks its issuer, audience and expiry. Keys
// come from the issuer's JWK set.
//
// [Peers] lists the libraries. There is one file for each, which configures it as its
// own documentation says and names the place in that documentation. Where a library
// has an option for one of the four checks, it is used; nothing else is added, so
// that what a library does by itself shows.
//
// The tests say what each peer refuses, the benchmarks what a verification costs. The
// README says how to run them.
package bench
