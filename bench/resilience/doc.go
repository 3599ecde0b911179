// Package resilience puts the libraries of package peers through the table of faults and
// states that bearerproof's own tests go through. It has tests only:
//
//	GOWORK=off go -C bench test ./resilience -timeout 1h -results docs
//
// at the root of the repository writes docs/resilience-peers.jsonl, a line for each cell
// and peer, docs/resilience-peers.md, the same as tables, and the table of behaviours in
// docs/resilience.md. Without -results, one fault is run for all peers, and the
// documents are compared with the lines that they were made of; -update makes them
// again from these lines.
//
// A cell in which virtual time stands still, because requests wait for a lock while
// another one waits for the issuer, is run again with one request at a time.
//
// The clock faults are not observable here: no peer lets its user set the clock by which
// it judges the age of a key set.
package resilience
