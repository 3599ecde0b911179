package main

import (
	"encoding/json/v2"
	"fmt"
	"strings"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// inspection is what the subcommand keys finds out.
type inspection struct {
	Issuer      string         `json:"issuer,omitzero"`
	MetadataURL string         `json:"metadata_url,omitzero"`
	KeysURL     string         `json:"keys_url,omitzero"`
	Usable      bool           `json:"usable"` // there is a key set that can be used
	Checks      []check        `json:"checks"`
	Keys        []publishedKey `json:"keys"`
}

// check is one question to an issuer.
type check struct {
	Name    string `json:"check"`
	Outcome string `json:"outcome"` // pass, warn or fail
	Found   string `json:"found"`
}

const (
	passed = "pass"
	warned = "warn"
	failed = "fail"
)

// Differences of clocks, in seconds. The verifier forgives the second by default.
const (
	noticedClock = 5
	wrongClock   = 30
)

// inspect looks at what came, and at what the source made of it.
func (s *settings) inspect(seen *recorder, source *jwks.Remote, failure error) *inspection {
	status := source.Status()
	i := &inspection{Issuer: s.issuer, KeysURL: status.URL, Usable: failure == nil, Keys: []publishedKey{}}
	if s.jwksURL == "" {
		i.checkMetadata(s.issuer, seen)
	}
	if set := seen.keySet(); set != nil {
		i.Keys = append(i.Keys, publishedKeys(set.text(), status.Skipped)...)
	}
	if failure != nil {
		for k := range i.Keys {
			i.Keys[k].Usable = false // nobody has said so
		}
		i.say("keys", failed, cause(failure))
		return i
	}
	i.checkKeys(status)
	i.checkAlgorithms(s.algorithms, source)
	i.checkSizes()
	i.checkTransport(status.URL)
	i.checkClock(source.Describe("", 0))
	return i
}

func (i *inspection) say(name, outcome, found string) {
	i.Checks = append(i.Checks, check{name, outcome, found})
}

// cause is the text behind the kind of an error.
func cause(err error) string {
	text := strings.TrimPrefix(err.Error(), verifier.ErrKeysUnavailable.Error()+": ")
	return strings.TrimPrefix(text, "jwks: ")
}

// checkMetadata is about OpenID Connect Discovery §4.3 and RFC 8414 §3.3. Package jwks
// has refused what it says no to.
func (i *inspection) checkMetadata(issuer string, seen *recorder) {
	found := seen.metadata()
	switch {
	case found != nil:
	case seen.isMissing():
		i.say("discovery", failed, "there is no metadata below the issuer: is its path right (Keycloak: /realms/ and the realm's name)?")
		return
	default:
		i.say("discovery", failed, "the metadata could not be had")
		return
	}
	i.MetadataURL = found.url
	i.say("discovery", passed, found.url)
	var metadata struct {
		Issuer string `json:"issuer"`
	}
	switch err := json.Unmarshal(found.text(), &metadata); {
	case err != nil:
		i.say("issuer", failed, "the metadata is not the JSON of an issuer")
	case metadata.Issuer != issuer:
		i.say("issuer", failed, fmt.Sprintf(`the metadata names "%s", and not "%s": use that name, or correct the issuer's public URL (Keycloak: KC_HOSTNAME)`, shown(metadata.Issuer), shown(issuer)))
	default:
		i.say("issuer", passed, "the metadata names the issuer itself")
	}
}

func (i *inspection) checkKeys(status jwks.Status) {
	found := fmt.Sprintf("%d usable, %d not", len(status.Keys), len(status.Skipped))
	outcome := passed
	if len(status.Crowded) > 0 {
		outcome = warned
		found += fmt.Sprintf("; %d kids have more keys than are tried", len(status.Crowded))
	}
	for _, key := range status.Keys {
		if key.ID == "" {
			outcome = warned
			found += "; a key without kid is tried for tokens without kid alone"
			break
		}
	}
	i.say("keys", outcome, found)
}

// checkAlgorithms asks for a key for each of the wanted algorithms.
func (i *inspection) checkAlgorithms(wanted []verifier.Algorithm, source *jwks.Remote) {
	for _, algorithm := range wanted {
		if n := source.Describe("", algorithm).KeysForAlgorithm; n > 0 {
			i.say("algorithm", passed, fmt.Sprintf("%v: %d usable", algorithm, n))
			continue
		}
		i.say("algorithm", failed, fmt.Sprintf("%v: no usable key; add one at the issuer, or allow another algorithm", algorithm))
	}
}

// checkSizes is about keys that are too small or too large, which package jwks passes
// over like other unfit ones.
func (i *inspection) checkSizes() {
	for _, key := range i.Keys {
		if !key.Usable && key.Type == "RSA" && strings.HasPrefix(key.Reason, "RSA key has") && (key.Use == "" || key.Use == "sig") {
			i.say("key size", failed, fmt.Sprintf("key %d: %s", key.Index, key.Reason))
			return
		}
	}
	i.say("key size", passed, "no signing key is too small or too large")
}

func (i *inspection) checkTransport(url string) {
	if strings.HasPrefix(url, "https://") {
		i.say("transport", passed, "https")
		return
	}
	i.say("transport", warned, "http: whoever can change an answer on its way can sign tokens")
}

func (i *inspection) checkClock(state verifier.KeySetState) {
	if state.ClockSeconds == nil {
		i.say("clock", warned, "not known, for the answer has no usable Date (Keycloak sends none)")
		return
	}
	ahead := *state.ClockSeconds
	distance, found := ahead, fmt.Sprintf("%d s ahead of this host's", ahead)
	if ahead < 0 {
		distance, found = -ahead, fmt.Sprintf("%d s behind this host's", -ahead)
	}
	switch {
	case ahead == 0:
		i.say("clock", passed, "as this host's")
	case distance > wrongClock:
		i.say("clock", failed, found+"; set both by NTP")
	case distance > noticedClock:
		i.say("clock", warned, found+"; set both by NTP")
	default:
		i.say("clock", passed, found)
	}
}

// exit is the exit code.
func (i *inspection) exit() int {
	if !i.Usable {
		return exitUnusable
	}
	for _, c := range i.Checks {
		if c.Outcome == failed {
			return exitBad
		}
	}
	return exitGood
}

// String returns the answer as text.
func (i *inspection) String() string {
	var b strings.Builder
	for _, c := range i.Checks {
		word := c.Outcome
		if word == failed {
			word = "FAIL"
		}
		fmt.Fprintf(&b, "%s  %-10s  %s\n", word, c.Name, c.Found)
	}
	if len(i.Keys) > 0 {
		fmt.Fprintf(&b, "\nkeys at %s:\n", i.KeysURL)
	}
	for _, key := range i.Keys {
		b.WriteString(key.String() + "\n")
	}
	return b.String()
}
