package jwks

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// Limits of a JWK set.
const (
	maxSetBytes = 1 << 20
	maxSetKeys  = 1024
	// triedKeys is how many keys of one kid a verifier tries.
	triedKeys = 4
)

// keySet is a JWK set as read (RFC 7517 §5). It is immutable.
type keySet struct {
	keys    []*verifier.Key
	byID    map[lookup][]*verifier.Key // "" finds every key
	kids    map[string]struct{}        // of every JWK, the skipped ones included
	skipped []SkippedKey

	// Of a set that was fetched:

	began    time.Time     // the start of the fetch that brought or confirmed it
	read     time.Time     // the start of the fetch that brought it
	interval time.Duration // in force for it
	fresh    time.Duration // the age at which it is to be refreshed: the interval, varied
	url      string
	marks    validators
	restored bool // from a snapshot
}

// lookup is what a token's header says of its key.
type lookup struct {
	kid string
	alg verifier.Algorithm
}

// find returns the keys that may verify a token with this header.
func (s *keySet) find(kid string, alg verifier.Algorithm) []*verifier.Key {
	return s.byID[lookup{kid, alg}]
}

// knows reports whether the document has a JWK with this kid. A token without kid
// names none, so there is nothing to look for.
func (s *keySet) knows(kid string) bool {
	if s == nil {
		return false
	}
	_, known := s.kids[kid]
	return known || kid == ""
}

// due reports whether a set that was fetched is to be refreshed. One from a snapshot
// always is: this process has not reached the issuer yet.
func (s *keySet) due(now time.Time) bool { return s.restored || elapsed(s.began, now) >= s.fresh }

// confirmed returns the set as a fetch found it unchanged.
func (s *keySet) confirmed() *keySet {
	same := *s
	return &same
}

// algorithms lists what keys can be looked up for.
var algorithms = [...]verifier.Algorithm{
	verifier.RS256, verifier.RS384, verifier.RS512, verifier.PS256, verifier.PS384, verifier.PS512,
	verifier.ES256, verifier.ES384, verifier.ES512, verifier.EdDSA, verifier.Ed25519,
	verifier.MLDSA44, verifier.MLDSA65, verifier.MLDSA87,
}

// readSet reads a JWK set. Keys that cannot be used are skipped one by one; a set
// without a usable key is an error. Errors repeat nothing of the data.
func readSet(data []byte) (*keySet, error) {
	jwks, err := splitSet(data)
	if err != nil {
		return nil, err
	}
	set := &keySet{byID: make(map[lookup][]*verifier.Key), kids: make(map[string]struct{})}
	seen := make(map[identity]struct{})
	for i, raw := range jwks {
		kid, key, reason := readJWK(raw)
		if kid != "" {
			set.kids[kid] = struct{}{}
		}
		if reason != "" {
			set.skipped = append(set.skipped, SkippedKey{Index: i, ID: kid, Reason: reason})
			continue
		}
		id := identify(key)
		if _, twice := seen[id]; !twice {
			seen[id] = struct{}{}
			set.add(key)
		}
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("jwks: the set has no usable key among %d", len(jwks))
	}
	return set, nil
}

// identity tells keys apart: one that is published twice counts once.
type identity struct {
	kid        string
	alg        verifier.Algorithm
	thumbprint string
}

func identify(key *verifier.Key) identity {
	return identity{key.ID(), key.Algorithm(), key.Thumbprint()}
}

// add enters a key under its kid and under none, for each algorithm that it fits.
func (s *keySet) add(key *verifier.Key) {
	s.keys = append(s.keys, key)
	for _, alg := range algorithms {
		if !key.Fits(alg) {
			continue
		}
		without := lookup{"", alg}
		s.byID[without] = append(s.byID[without], key)
		if key.ID() != "" {
			with := lookup{key.ID(), alg}
			s.byID[with] = append(s.byID[with], key)
		}
	}
}

// difference lists the keys that other does not have.
func (s *keySet) difference(other *keySet) []*verifier.Key {
	if s == nil {
		return nil
	}
	has := make(map[identity]struct{})
	if other != nil {
		for _, key := range other.keys {
			has[identify(key)] = struct{}{}
		}
	}
	var keys []*verifier.Key
	for _, key := range s.keys {
		if _, both := has[identify(key)]; !both {
			keys = append(keys, key)
		}
	}
	return keys
}

// newlySkipped lists the skipped JWKs that were not skipped, for the same reason,
// in the set before.
func (s *keySet) newlySkipped(before *keySet) []SkippedKey {
	if before == nil {
		return s.skipped
	}
	var news []SkippedKey
	for _, skipped := range s.skipped {
		same := func(old SkippedKey) bool { return old.ID == skipped.ID && old.Reason == skipped.Reason }
		if !slices.ContainsFunc(before.skipped, same) {
			news = append(news, skipped)
		}
	}
	return news
}

// crowded lists the kids under which there are more keys than a verifier tries.
func (s *keySet) crowded() []string {
	count := make(map[string]int)
	var kids []string
	for _, key := range s.keys {
		count[key.ID()]++
		if count[key.ID()] == triedKeys+1 {
			kids = append(kids, key.ID())
		}
	}
	return kids
}

// splitSet finds the JWKs of a set (RFC 7517 §5) without judging any of them.
func splitSet(data []byte) ([]jsontext.Value, error) {
	// What is wrong inside one JWK is that JWK's trouble: readJWK is strict.
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if dec.PeekKind() != jsontext.KindBeginObject {
		return nil, errNotSet
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, errNotSet
	}
	var keys []jsontext.Value
	found := false
	for dec.PeekKind() == jsontext.KindString {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, errNotSet
		}
		if name.String() != "keys" {
			if err := dec.SkipValue(); err != nil {
				return nil, errNotSet
			}
			continue
		}
		if found {
			return nil, errors.New("jwks: the set has two members called keys")
		}
		found = true
		if keys, err = splitKeys(dec); err != nil {
			return nil, err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, errNotSet
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errNotSet
	}
	if !found {
		return nil, errors.New("jwks: the set has no member called keys")
	}
	return keys, nil
}

// splitKeys reads the array behind "keys".
func splitKeys(dec *jsontext.Decoder) ([]jsontext.Value, error) {
	if dec.PeekKind() != jsontext.KindBeginArray {
		return nil, errors.New("jwks: the member called keys is not an array")
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, errNotSet
	}
	var keys []jsontext.Value
	for dec.PeekKind() != jsontext.KindEndArray {
		value, err := dec.ReadValue()
		if err != nil {
			return nil, errNotSet
		}
		if keys = append(keys, value.Clone()); len(keys) > maxSetKeys {
			return nil, fmt.Errorf("jwks: the set has more than %d keys", maxSetKeys)
		}
	}
	_, err := dec.ReadToken()
	return keys, err
}

var (
	errNotSet  = errors.New("jwks: the set is not a JSON object")
	errTooLong = fmt.Errorf("jwks: the set is longer than %d bytes", maxSetBytes)
)
