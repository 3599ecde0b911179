// Package difftest compares package verifier with go-jose, as one would use that for
// the same work: with the same keys, algorithms, issuer, audience, leeway and clock.
// All of it is tests.
//
// An input is a recipe: a header, a payload, the key that signs them, and damage that
// is done to the token afterwards. A generator makes them from a seed, for
// TestDifferentialRun; Go's fuzzer makes them for FuzzDifferential. More than a third
// of the generator's inputs are mutated before they are signed, so that the mutations
// reach the claims. Both sides are given each token, and a judge compares the answers:
//
//   - What we accept, go-jose accepts with the same payload and the same claims, and it
//     breaks none of the rules by which we are stricter.
//   - What go-jose accepts and we refuse has a reason, one of a closed list. Each reason
//     has a witness: a second reading of the token, which must find what the reason
//     says. So a refusal by mistake is not taken for strictness.
//   - A header parameter that go-jose reads and refuses, and that we pass over as RFC
//     7515 §4 asks, is taken out and the token signed again. Then go-jose must accept it.
//
// The tests make a short run. A long one, here of ten million inputs:
//
//	go test -run DifferentialRun -v -timeout 8h ./internal/difftest -differential.inputs=10000000 -differential.seed=1
package difftest
