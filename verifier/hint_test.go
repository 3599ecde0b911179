package verifier_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/verifier"
)

// A situation is a token, sent to a verifier whose source of keys is in a state.
type situation struct {
	raw     string
	changes []func(*verifier.Config)
}

func sent(raw string, changes ...func(*verifier.Config)) situation { return situation{raw, changes} }

// realm is a Config for a Keycloak realm.
func realm(c *verifier.Config) { c.Issuer = realmIssuer }

const realmIssuer = "https://id.example.com/realms/todo"

// keysIn gives the source of keys a state. It finds no key but those given.
func keysIn(state verifier.KeySetState, keys ...*verifier.Key) func(*verifier.Config) {
	return func(c *verifier.Config) { c.Keys = described{sourceOf(keys...), state} }
}

// clockAhead is a working source of keys whose issuer's clock differs.
func clockAhead(tb testing.TB, seconds int) func(*verifier.Config) {
	return keysIn(verifier.KeySetState{Keys: 1, ClockSeconds: &seconds}, keyOf(tb, "ed25519", verifier.EdDSA))
}

// away is a source of keys without an answer.
func away(state verifier.KeySetState) func(*verifier.Config) {
	return func(c *verifier.Config) {
		cause := &verifier.Error{Kind: verifier.ErrKeysUnavailable, Err: errors.New("away")}
		c.Keys = described{&source{err: cause}, state}
	}
}

// situations has some for each hint, under its cause, and under "" where there is none.
func situations(tb testing.TB) map[string]map[string]situation {
	good := tokenWith()
	unknown := func(iss string) string {
		return signed(goodHeader.object("kid", `"new"`), goodPayload.object("iss", quote(iss)))
	}
	unsignedBy := func(alg, payload string) string {
		return jwstest.Encode(goodHeader.object("alg", quote(alg))) + "." + jwstest.Encode(payload) + ".AAAA"
	}
	forged := jwstest.Encode(goodHeader.object()) + "." + jwstest.Encode(goodPayload.object()) + "." + jwstest.Encode(signature("something else"))
	keycloak := func(changes ...string) string {
		return tokenWith(append([]string{"iss", quote(realmIssuer), "azp", `"todo-web"`, "typ", `"Bearer"`}, changes...)...)
	}
	return map[string]map[string]situation{
		"": {
			"accepted": sent(good),
			"a check": sent(good, func(c *verifier.Config) {
				c.Check = func(context.Context, *verifier.Token) error { return errors.New("no") }
			}),
			"no exp":           sent(tokenWith("exp", "")),
			"a broken payload": sent(signed(goodHeader.object(), "[]")),
		},
		"stray_characters": {"quotes": sent(`"` + good + `"`), "a line break": sent(good + "\n"), "the scheme": sent("Bearer " + good)},
		"opaque_token":     {"random": sent("2YotnFZFEjr1zCsicMWpAA")},
		"cut_token":        {"in the signature": sent(good[:len(good)-1]), "behind the payload": sent(good[:strings.LastIndexByte(good, '.')])},
		"encrypted_token":  {"JWE": sent(good + ".a.b")},
		"refresh_token": {
			"Keycloak's":      sent(unsignedBy("HS512", goodPayload.object("typ", `"Refresh"`))),
			"signed":          sent(tokenWith("typ", `"Refresh"`)),
			"offline":         sent(tokenWith("typ", `"Offline"`)),
			"of another kid":  sent(signed(goodHeader.object("kid", `"x"`), goodPayload.object("typ", `"Refresh"`))),
			"and it is bound": sent(tokenWith("typ", `"Refresh"`, "cnf", "{}")),
		},
		"logout_token": {"typ": sent(tokenWith("typ", `"Logout"`)), "events": sent(tokenWith("events", "{}")), "header": sent(signed(goodHeader.object("typ", `"logout+jwt"`), goodPayload.object("events", "{}")))},
		"id_token": {
			"Keycloak's":    sent(tokenWith("typ", `"ID"`)),
			"at_hash":       sent(tokenWith("at_hash", `"x"`)),
			"for a client":  sent(tokenWith("aud", `"todo-web"`, "azp", `"todo-web"`)),
			"unknown key's": sent(signed(goodHeader.object("kid", `"x"`), goodPayload.object("typ", `"ID"`))),
		},
		"bound_token":  {"DPoP": sent(tokenWith("cnf", `{"jkt":"x"}`)), "mutual TLS": sent(tokenWith("cnf", `{"x5t#S256":"x"}`))},
		"issuer_slash": {"theirs": sent(tokenWith("iss", quote(issuer+"/"))), "ours": sent(tokenWith("iss", quote(realmIssuer)), func(c *verifier.Config) { c.Issuer = realmIssuer + "/" })},
		"issuer_scheme": {
			"proxy":              sent(tokenWith("iss", `"http://id.example.com/realms/todo"`), realm),
			"and an unknown key": sent(unknown("http://id.example.com/realms/todo"), realm),
		},
		"issuer_address": {
			"container":       sent(tokenWith("iss", `"http://localhost:8080/realms/todo"`), func(c *verifier.Config) { c.Issuer = "http://keycloak:8080/realms/todo" }),
			"another port":    sent(tokenWith("iss", `"http://localhost:8080/realms/todo"`), func(c *verifier.Config) { c.Issuer = "http://localhost:9090/realms/todo" }),
			"public":          sent(tokenWith("iss", `"http://keycloak:8080/realms/todo"`), realm),
			"without a path":  sent(tokenWith("iss", `"http://127.0.0.1:5556"`)),
			"an unknown key":  sent(unknown("http://keycloak:8080/realms/todo"), realm),
			"a wrong key's":   sent(jwstest.Encode(goodHeader.object())+"."+jwstest.Encode(goodPayload.object("iss", `"http://keycloak/realms/todo"`))+"."+jwstest.Encode(signature("x")), realm),
			"from the inside": sent(tokenWith("iss", quote(realmIssuer)), func(c *verifier.Config) { c.Issuer = "http://keycloak:8080/realms/todo" }),
		},
		"wrong_realm": {
			"signed":         sent(tokenWith("iss", `"https://id.example.com/realms/master"`), realm),
			"an unknown key": sent(unknown("https://id.example.com/realms/master"), realm),
		},
		"other_issuer": {
			"signed":         sent(tokenWith("iss", `"https://accounts.example"`)),
			"no URL":         sent(tokenWith("iss", `"%zz"`)),
			"an unknown key": sent(unknown("https://accounts.example/x"), realm),
		},
		"unsigned_token":  {"none": sent(unsignedBy("none", goodPayload.object())), "None": sent(unsignedBy("None", goodPayload.object()))},
		"shared_secret":   {"HS256": sent(unsignedBy("HS256", goodPayload.object()))},
		"other_algorithm": {"RS256": sent(signedBy(verifier.RS256, "rsa-2048")), "nonsense": sent(unsignedBy("XY", goodPayload.object()))},
		"other_type":      {"dpop": sent(headerWith("typ", `"dpop+jwt"`))},
		"issuer_metadata": {"other": sent(good, away(verifier.KeySetState{OtherIssuer: true}))},
		"keys_unreachable": {
			"away":             sent(good, away(verifier.KeySetState{})),
			"without describe": sent(good, func(c *verifier.Config) { c.Keys = &source{err: verifier.ErrKeysUnavailable} }),
		},
		"key_unusable":          {"too small": sent(good, keysIn(verifier.KeySetState{Keys: 1, SkippedBecause: "RSA key has 1024 bits"}))},
		"algorithm_key_missing": {"only others": sent(good, keysIn(verifier.KeySetState{Keys: 2}))},
		"key_algorithm": {"first": sent(signedBy(verifier.RS256, "rsa-2048"), func(c *verifier.Config) {
			c.Algorithms, c.Keys = []verifier.Algorithm{verifier.PS256, verifier.RS256}, sourceOf(keyOf(tb, "rsa-2048", 0))
		})},
		"key_not_looked_up": {"budget": sent(good, keysIn(verifier.KeySetState{Keys: 2, KeysForAlgorithm: 1, LookUp: verifier.LookUpRefused}))},
		"key_rotated": {
			"in vain":          sent(good, keysIn(verifier.KeySetState{Keys: 2, KeysForAlgorithm: 1, LookUp: verifier.LookUpInVain})),
			"without describe": sent(headerWith("kid", `"old"`)),
		},
		"signature": {"forged": sent(forged), "cut": sent(good[:len(good)-6])},
		"clock_skew": {
			"from the future":            sent(tokenWith("iat", "1767225700", "nbf", "1767225700"), func(c *verifier.Config) { c.Now = at(issued) }),
			"nbf by the issuer's clock":  sent(tokenWith("nbf", "1767225800"), clockAhead(tb, 100)),
			"good by the issuer's clock": sent(tokenWith("exp", "1767225660"), clockAhead(tb, -60)),
		},
		"not_yet_valid": {"nbf": sent(tokenWith("nbf", "1767229000")), "though the clock differs": sent(tokenWith("nbf", "1767229000"), clockAhead(tb, 40))},
		"expired": {
			"plainly":                  sent(tokenWith("exp", "1767225600")),
			"though the clock differs": sent(tokenWith("exp", "1767225600"), clockAhead(tb, -60)),
			"and the clock is ahead":   sent(tokenWith("exp", "1767225600"), clockAhead(tb, 600)),
		},
		"audience_mapper": {
			"account alone": sent(keycloak("aud", `"account"`), realm),
			"absent":        sent(keycloak("aud", ""), realm),
			"roles":         sent(keycloak("aud", `["realm-management","account"]`), realm),
		},
		"audience_absent": {"absent": sent(tokenWith("aud", ""))},
		"other_audience":  {"another": sent(tokenWith("aud", `"billing"`)), "Keycloak's": sent(keycloak("aud", `["account","billing"]`), realm)},
	}
}

func TestHints(t *testing.T) {
	for cause, rows := range situations(t) {
		for name, s := range rows {
			t.Run(cause+"/"+name, func(t *testing.T) {
				r := wantExplained(t, verifierWith(t, s.changes...), s.raw)
				if r.Hint.Cause != cause {
					t.Fatalf("hint %q, want %q, in\n%s", r.Hint.Cause, cause, r)
				}
				if cause != "" && (!strings.Contains(r.String(), "hint: "+r.Hint.Advice) || !strings.HasSuffix(r.Line(), ". Hint ("+cause+"): "+r.Hint.Advice)) {
					t.Errorf("the hint is not in %q or\n%s", r.Line(), r)
				}
			})
		}
	}
}

func TestHintOfARouter(t *testing.T) {
	router, _, _ := twoIssuers(t)
	if r := wantExplained(t, router, tokenWith("iss", `"https://stranger.example"`)); r.Hint.Cause != "unknown_issuer" {
		t.Errorf("hint %q", r.Hint.Cause)
	}
	if r := wantExplained(t, router, "x"); r.Hint.Cause != "opaque_token" {
		t.Errorf("hint %q", r.Hint.Cause)
	}
	if r := wantExplained(t, router, strings.Repeat("x", 20<<10)); r.Hint.Cause != "" {
		t.Errorf("hint %q", r.Hint.Cause)
	}
}

func TestEveryHintHasASituationAndSaysWhatToDo(t *testing.T) {
	rows := situations(t)
	seen := map[string]bool{}
	for _, h := range verifier.Hints() {
		if seen[h.Cause] {
			t.Errorf("two hints are called %q", h.Cause)
		}
		seen[h.Cause] = true
		if len(rows[h.Cause]) == 0 && h.Cause != "unknown_issuer" {
			t.Errorf("%q has no situation", h.Cause)
		}
		if len(h.Advice) > 300 || !strings.HasSuffix(h.Advice, ".") {
			t.Errorf("%q is long or no sentence: %q", h.Cause, h.Advice)
		}
	}
	for cause := range rows {
		if cause != "" && !seen[cause] {
			t.Errorf("there is no hint %q", cause)
		}
	}
}

func TestHintsNameWhatKeycloakUsersMiss(t *testing.T) {
	for want, raw := range map[string]string{
		"lightweight": tokenWith("iss", quote(realmIssuer), "aud", ""),
		"mapper":      tokenWith("iss", quote(realmIssuer), "aud", `["other","account"]`),
		"clocks":      tokenWith("iss", quote(realmIssuer), "exp", "1"),
	} {
		if got := verifierWith(t, realm).Explain(t.Context(), raw).Hint.Advice; !strings.Contains(got, want) {
			t.Errorf("%q has no %q", got, want)
		}
	}
}
