package main

import (
	"context"
	"slices"
	"strings"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// What is measured, as the lines of the results name it.
const (
	firstVerify   = "first verify"
	fullCache     = "first verify, cache full"
	repeatedToken = "repeated token"
	oneProcessor  = "1 processor"
	twoProcessors = "2 processors"
	refusedToken  = "refused"
	keySetSize    = "keys in the set"
	handlerCall   = "handler in process"
	cacheMemory   = "memory of the cache"
	overHTTP      = "net/http"
	overGRPC      = "gRPC"

	distinct = "distinct tokens"
	repeated = "repeated token"

	expired  = "expired"
	forged   = "bad signature"
	stranger = "unknown kid"
	manyDots = "16 KiB, many dots"
	twoDots  = "16 KiB, two dots"
	oneMiB   = "1 MiB"
	withAuth = "with httpauth"
	noAuth   = "without"
	thousand = "1,000 tokens like Keycloak's"
	typical  = "full of tokens like Keycloak's"
	largest  = "full of the largest tokens"
)

// scale says how many tokens there are to be measured with.
type scale struct {
	pass int // tokens that differ in a pass
	long int // the same where processors wait for each other at the end of a pass, and for servers
	fill int // tokens that fill a cache of the default size
}

func wholeScale() scale { return scale{pass: 1000, long: 4000, fill: 5000} }

// algorithms are those that a first verification is measured with.
func algorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

func refusals() []string { return []string{expired, forged, stranger, manyDots, twoDots, oneMiB} }

func keyCounts() []string { return []string{"1", "100", "1000"} }

// id says which figures belong to a cell.
type id struct {
	Case    string `json:"case"`
	Of      string `json:"of"`
	Library string `json:"library"`
}

// garbage reports whether what is refused is no token at all. The cryptography has
// nothing to do then, and its SHA-256 is the measure.
func garbage(of string) bool { return slices.Contains([]string{manyDots, twoDots, oneMiB}, of) }

// preparation returns what a library is to do, and what ends it afterwards.
type preparation func(ctx context.Context, library string) (t task, end func(), err error)

// study is something that is done by all contenders, one after the other in each round.
type study struct {
	name, of   string
	libraries  []string
	processors int
	prepare    preparation
}

func (s study) id(library string) id { return id{s.name, s.of, library} }

func names(of []peers.Peer) []string {
	all := make([]string, len(of))
	for i, p := range of {
		all[i] = p.Name
	}
	return all
}

// studies are those that are made within this process. The scenes are needed to run them,
// not to list them.
func (l *lab) studies() []study {
	var all []study
	add := func(name, of string, processors int, libraries []string, prepare preparation) {
		all = append(all, study{name, of, libraries, processors, prepare})
	}
	everybody, withKeySet := names(contenders()), names(fetching())
	for _, algorithm := range algorithms() {
		add(firstVerify, algorithm, 1, everybody, l.first(algorithm, l.scale.pass))
	}
	add(fullCache, "RS256", 1, []string{bare, ours}, l.full)
	add(repeatedToken, "RS256", 1, everybody, l.repeated)
	for i, name := range []string{oneProcessor, twoProcessors} {
		add(name, distinct, i+1, everybody, l.first("RS256", l.scale.long))
		add(name, repeated, i+1, everybody, l.repeated)
	}
	for _, of := range refusals() {
		add(refusedToken, of, 1, everybody, l.refused(of))
	}
	for _, of := range keyCounts() {
		add(keySetSize, of, 1, withKeySet, l.keys(of))
	}
	add(handlerCall, withAuth, 1, []string{ours}, l.handler(withAuth))
	add(handlerCall, noAuth, 1, []string{ours}, l.handler(noAuth))
	return all
}

// ring are the operations of a subject on tokens.
func ring(ctx context.Context, subject peers.Subject, tokens []string) ([]operation, error) {
	all := make([]operation, len(tokens))
	for i, raw := range tokens {
		if preparer, ok := subject.(peers.Preparer); ok {
			var err error
			if all[i], err = preparer.Prepare(raw); err != nil {
				return nil, err
			}
			continue
		}
		all[i] = func() error { return subject.Verify(ctx, raw) }
	}
	return all, nil
}

// large is a text of letters, with a dot in each place that is said.
func large(size int, dot func(i int) bool) string {
	var b strings.Builder
	for i := range size {
		if dot(i) {
			b.WriteByte('.')
		} else {
			b.WriteByte("abcdefghijklmnopqrstuvwxyz"[i%26])
		}
	}
	return b.String()
}
