// Package conformance runs attacks on the library: tokens and credentials that must be
// refused, each for a stated reason, and a few odd ones that must not.
//
// The attacks are data, in attacks/*.json, one file for each family. A file is an array
// of rows, and a row is one [Row]:
//
//	{
//	  "name": "none with an empty signature",
//	  "requirement": "R34",
//	  "cve": "CVE-2022-23540", "library": "jsonwebtoken",
//	  "recipe": {"header": {"set": {"alg": "none"}}, "sign": {"with": "nothing"}},
//	  "expect": "algorithm"
//	}
//
// A recipe changes a good token, step by step as a [Recipe] lists them; one without
// steps is the good token itself. A row can also change how a request carries the token
// ([Credential]), and the verifier or its keys ([Config]). The requirement is a row of
// the project's requirements. What is expected is the name of a verifier.Kind, or
// "accepted". Attacks that are known from other libraries bear the CVE's number.
// Characters beyond ASCII are escaped in the files, so that what looks alike is told
// apart.
//
// Each row is sent through every door: Verify itself; net/http, chi and gRPC, on
// servers of the tests' own whose clocks stand at [Now]; and the example server, which
// is built and run as a process with an issuer's keys on a socket, over HTTP and over
// gRPC. Requests are written to the sockets octet by octet, because HTTP clients refuse
// to send some of them. Each door must answer with the row's kind, as the status, the
// challenge and its description, or the details of a gRPC status show it, and must
// accept a good token right after. Where a transport refuses by itself, that is expected
// and counted apart; so are the rows that a door has no setting for. The test prints
// how many rows of each family ended how at each door:
//
//	go test -v -run 'Doors|CostLittle' . | grep -v -e '--- PASS' -e '^==='
//	go test -run '^$' -bench Worst .
//
// The first also prints what the attacks cost at the most: bytes of the token that are
// read, bytes allocated, and signature checks, each of which has a bound. The second
// reports the CPU time of the worst.
//
// Its tests also run vectors that others published: those of Wycheproof that are about
// JWKs, about signed tokens, or about signatures of an algorithm that the library has;
// and the examples of RFC 7515 appendix A, RFC 7520 §4, RFC 8037 and RFC 9964, which
// are in rfc/*.json. A token goes through the JWK reader, the compact reader, the
// signature check and the verifier; a bare signature through the JWK reader and the
// check. Each vector ends in one of four ways: it passed; the library is stricter than
// the vector; the vector is not applicable; or it failed. The second and the third have
// a reason, which is one of a closed list and follows from what is in the vector, and
// which excuses only the answer that it predicts. The tests print a table of it all and
// hold every count, so that another version of Wycheproof cannot change one unnoticed,
// nor add a file on which nobody has decided.
//
//	go test -v -run 'Wycheproof|RFC' .
package conformance
