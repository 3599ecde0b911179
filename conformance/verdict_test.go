package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// ending is how one vector ends.
type ending uint8

const (
	passed        ending = iota + 1 // the library says what the vector says
	stricter                        // the library refuses, on purpose, what the vector allows
	notApplicable                   // the vector is about something that the library does not do
	failed                          // none of these, so the library is wrong
)

// reason says why a vector did not simply pass. The constants are all there are.
type reason string

// Why a vector is not applicable.
const (
	noHMAC     reason = "the library has no HMAC"
	noJWE      reason = "the library reads no encrypted token (JWE)"
	noJSON     reason = "the library reads no JSON serialization (RFC 7515 §7.2)"
	noSuchHash reason = "JOSE has no signature algorithm with this hash"
	noContext  reason = "JOSE signs with an empty ML-DSA context (RFC 9964)"
	otherPSS   reason = "the vector is for other PSS parameters, so a refusal says nothing"
	joseSalt   reason = "the vector forbids the salt length that JOSE asks for (RFC 7518 §3.5)"
)

// Why the library is stricter.
const (
	smallRSA     reason = "the RSA key is shorter than 2048 bits (RFC 7518 §3.3)"
	otherSalt    reason = "the PSS salt is not as long as the hash (RFC 7518 §3.5)"
	otherMGFHash reason = "MGF1 has another hash than the message (RFC 7518 §3.5)"
	noNull       reason = "the DigestInfo has no NULL (RFC 8017 §9.2 asks for one)"
	otherAlg     reason = "the key states another alg than the token (RFC 8725 §3.1)"
	unknownAlg   reason = "the key states an alg that does not exist"
	notBase64url reason = "a character is not of base64url (RFC 7515 §2)"
	unsigned     reason = "alg is none, so nothing is signed (RFC 8725 §3.2)"
)

// ending returns what a vector with this reason ends as, or 0 for no reason.
func (r reason) ending() ending {
	switch r {
	case noHMAC, noJWE, noJSON, noSuchHash, noContext, otherPSS, joseSalt:
		return notApplicable
	case smallRSA, otherSalt, otherMGFHash, noNull, otherAlg, unknownAlg, notBase64url, unsigned:
		return stricter
	}
	return 0
}

// vector is what a verdict needs to know of a vector.
type vector struct {
	id     string
	result string // "valid", "invalid" or "acceptable", which leaves it to the library
	why    reason // why the library should say something else, or ""
}

// verdict judges what the library said of the vector. A reason excuses one answer
// only: with the other one, the vector has failed.
func (v vector) verdict(said answer) ending {
	wanted := refused
	switch {
	case v.why == joseSalt:
		wanted = accepted
	case v.why == "" && (v.result == "valid" || v.result == "acceptable"):
		wanted = accepted
	}
	switch {
	case said != wanted:
		return failed
	case v.why != "":
		return v.why.ending()
	}
	return passed
}

// answer is what the library said.
type answer uint8

const (
	refused answer = iota + 1
	accepted
)

// answerOf turns an error into what it means here.
func answerOf(err error) answer {
	if err != nil {
		return refused
	}
	return accepted
}

// counts are how many vectors of a file ended in each way.
type counts struct{ passed, stricter, notApplicable, failed int }

func (c counts) plus(other counts) counts {
	return counts{c.passed + other.passed, c.stricter + other.stricter, c.notApplicable + other.notApplicable, c.failed + other.failed}
}

func (c counts) all() int { return c.passed + c.stricter + c.notApplicable + c.failed }

// tally gathers the verdicts on the vectors of one file.
type tally struct {
	file    string
	counts  counts
	reasons map[reason]int
	failed  []string // the ids
}

// add judges one vector.
func (a *tally) add(v vector, said answer) {
	switch v.verdict(said) {
	case passed:
		a.counts.passed++
	case stricter:
		a.counts.stricter++
	case notApplicable:
		a.counts.notApplicable++
	case failed:
		a.counts.failed++
		a.failed = append(a.failed, v.id)
	}
	if v.why != "" {
		if a.reasons == nil {
			a.reasons = map[reason]int{}
		}
		a.reasons[v.why]++
	}
}

// report prints the tallies as one table, with the reasons below, and holds how often
// each reason was given.
func report(t *testing.T, tallies []tally, want map[reason]int) {
	t.Helper()
	var table strings.Builder
	row := func(name string, c counts) {
		fmt.Fprintf(&table, "\n%-50s %7d %7d %9d %15d %7d", name, c.all(), c.passed, c.stricter, c.notApplicable, c.failed)
	}
	fmt.Fprintf(&table, "\n%-50s %7s %7s %9s %15s %7s", "file", "vectors", "passed", "stricter", "not applicable", "failed")
	var total counts
	reasons := map[reason]int{}
	for _, a := range tallies {
		row(a.file, a.counts)
		total = total.plus(a.counts)
		for why, n := range a.reasons {
			reasons[why] += n
		}
	}
	row("in all", total)
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&table, "\n%7d %s: %s", reasons[why], why.ending(), why)
	}
	for _, a := range tallies {
		for _, id := range a.failed {
			fmt.Fprintf(&table, "\nfailed: %s %s", a.file, id)
		}
	}
	t.Log(table.String())
	if !maps.Equal(reasons, want) {
		t.Errorf("the reasons are %v, want %v", reasons, want)
	}
}

func (e ending) String() string {
	return [...]string{"", "passed", "stricter", "not applicable", "failed"}[e]
}
