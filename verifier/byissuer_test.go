package verifier_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/verifier"
)

const otherIssuer = "https://other.example.com"

// twoIssuers is a router for two issuers that publish different keys under one kid.
func twoIssuers(tb testing.TB) (router *verifier.Verifier, ours, theirs *source) {
	tb.Helper()
	ours = sourceOf(keyNamed(tb, "shared", "ed25519", verifier.EdDSA))
	theirs = sourceOf(keyNamed(tb, "shared", "rsa-2048", verifier.RS256))
	router, err := verifier.ByIssuer(
		verifierWith(tb, func(c *verifier.Config) {
			c.Keys, c.Algorithms = ours, []verifier.Algorithm{verifier.EdDSA, verifier.RS256}
		}),
		verifierWith(tb, func(c *verifier.Config) {
			c.Issuer, c.Keys, c.Algorithms = otherIssuer, theirs, []verifier.Algorithm{verifier.RS256, verifier.EdDSA}
			c.MaxTokenBytes = 800
		}),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return router, ours, theirs
}

func TestR53IssuersKeyNeverVerifiesAnothersToken(t *testing.T) {
	router, ours, theirs := twoIssuers(t)
	fromUs := func(changes ...string) string {
		return jwstest.Sign(jws.EdDSA, signer("ed25519"), `{"alg":"EdDSA","kid":"shared"}`, goodPayload.object(changes...))
	}
	fromThem := func(changes ...string) string {
		return jwstest.Sign(jws.RS256, signer("rsa-2048"), `{"alg":"RS256","kid":"shared"}`, goodPayload.object(changes...))
	}
	if token := wantAccepted(t, router, fromUs()); token.Issuer() != issuer {
		t.Errorf("issuer %q", token.Issuer())
	}
	if token := wantAccepted(t, router, fromThem("iss", quote(otherIssuer))); token.Issuer() != otherIssuer {
		t.Errorf("issuer %q", token.Issuer())
	}
	ours.asked, theirs.asked = nil, nil
	wantRefused(t, router, fromThem(), verifier.ErrUnknownKey) // their key, our name
	if len(theirs.asked) > 0 {
		t.Errorf("their keys were asked for a token in our name: %q", theirs.asked)
	}
	ours.asked = nil
	wantRefused(t, router, fromUs("iss", quote(otherIssuer)), verifier.ErrUnknownKey) // our key, their name
	if len(ours.asked) > 0 {
		t.Errorf("our keys were asked for a token in their name: %q", ours.asked)
	}
}

func TestByIssuerRefusesOthersWithoutALookup(t *testing.T) {
	router, ours, theirs := twoIssuers(t)
	header := `{"alg":"EdDSA","kid":"shared"}`
	twice := goodPayload.object("iss", quote(issuer), "iss", quote(otherIssuer))
	for name, row := range map[string]struct {
		raw  string
		kind verifier.Kind
	}{
		"an unknown issuer":        {tokenWith("iss", `"https://attacker.example"`), verifier.ErrIssuer},
		"nearly ours":              {tokenWith("iss", quote(issuer+"/")), verifier.ErrIssuer},
		"no issuer":                {tokenWith("iss", ""), verifier.ErrIssuer},
		"an empty issuer":          {tokenWith("iss", `""`), verifier.ErrIssuer},
		"iss a number":             {tokenWith("iss", "1"), verifier.ErrClaim},
		"two issuers":              {signed(header, twice), verifier.ErrMalformed},
		"not JSON":                 {signed(header, "x"), verifier.ErrMalformed},
		"nested too deep":          {tokenWith("x", strings.Repeat("[", 64)+strings.Repeat("]", 64)), verifier.ErrMalformed},
		"not a JWT":                {"a.b", verifier.ErrMalformed},
		"five parts":               {tokenWith() + ".a.b", verifier.ErrMalformed},
		"payload not base64":       {"e30.!!!!.AAAA", verifier.ErrMalformed},
		"longer than any may":      {tokenWith("x", `"`+strings.Repeat("x", 16<<10)+`"`), verifier.ErrMalformed},
		"and of an unknown issuer": {tokenWith("iss", `"x"`, "x", `"`+strings.Repeat("x", 16<<10)+`"`), verifier.ErrMalformed},
		"a hostile issuer":         {tokenWith("iss", quote("x\n"+strings.Repeat("y", 100))), verifier.ErrIssuer},
	} {
		t.Run(name, func(t *testing.T) {
			err := wantRefused(t, router, row.raw, row.kind)
			if strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "y") > 70 {
				t.Errorf("not quoted and cut: %q", err)
			}
		})
	}
	if len(ours.asked)+len(theirs.asked) > 0 {
		t.Errorf("keys were asked for: %q, %q", ours.asked, theirs.asked)
	}
}

// The chosen verifier applies all of its own rules, its own limit of size included.
func TestByIssuerVerifiesFromTheStart(t *testing.T) {
	router, _, theirs := twoIssuers(t)
	them := func(changes ...string) string {
		return jwstest.Sign(jws.RS256, signer("rsa-2048"), `{"alg":"RS256","kid":"shared"}`, goodPayload.object(append([]string{"iss", quote(otherIssuer)}, changes...)...))
	}
	wantRefused(t, router, them("exp", "1"), verifier.ErrExpired)
	wantRefused(t, router, them("aud", `"x"`), verifier.ErrAudience)
	raw := them()
	wantRefused(t, router, raw[:len(raw)-342]+jwstest.Encode(make([]byte, 256)), verifier.ErrSignature)
	theirs.asked = nil
	wantRefused(t, router, them("x", `"`+strings.Repeat("x", 400)+`"`), verifier.ErrMalformed)
	if len(theirs.asked) > 0 {
		t.Error("keys were asked for a token that is too long for this issuer's verifier")
	}
}

func TestByIssuerRefusesWhatItCannotRoute(t *testing.T) {
	good := verifierWith(t)
	other := verifierWith(t, func(c *verifier.Config) { c.Issuer = otherIssuer })
	router, err := verifier.ByIssuer(good)
	if err != nil {
		t.Fatal(err)
	}
	wantAccepted(t, router, tokenWith())
	for name, arguments := range map[string][]*verifier.Verifier{
		"nil":                   {nil},
		"zero":                  {{}},
		"nil among others":      {good, nil},
		"one issuer twice":      {good, other, verifierWith(t)},
		"one verifier twice":    {good, good},
		"a router":              {router},
		"a router among others": {other, router},
	} {
		if v, err := verifier.ByIssuer(arguments[0], arguments[1:]...); v != nil || err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Strangers cost a look at the token, however many there are and whatever they send.
func TestByIssuerFloodOfStrangersAsksForNoKeys(t *testing.T) {
	router, ours, theirs := twoIssuers(t)
	garbage := []string{
		tokenWith("iss", quote("https://stranger.example")),
		tokenWith("iss", quote(issuer+"#")),
		tokenWith("iss", `[`+quote(issuer)+`]`),
		tokenWith("iss", `{"`+issuer+`":1}`),
		tokenWith("iss", "null"),
		signed(goodHeader.object(), `{"iss":`+quote(issuer)+`,"\u0069ss":`+quote(otherIssuer)+`}`),
		tokenWith("iss", quote(strings.Repeat("x", 11000))),
		tokenWith("x", strings.Repeat(`{"x":`, 64)+"1"+strings.Repeat("}", 64)),
		tokenWith("iss", quote(strings.Repeat("x", 1<<20))),
		strings.Repeat(".", 1<<20),
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				for _, raw := range garbage {
					if token, err := router.Verify(t.Context(), raw); token != nil || err == nil {
						t.Errorf("accepted %.40q", raw)
					}
				}
			}
		})
	}
	all.Wait()
	if asked := append(ours.asked, theirs.asked...); len(asked)+ours.rechecks+theirs.rechecks > 0 {
		t.Errorf("keys were asked for: %.200q", asked)
	}
	wantAccepted(t, router, jwstest.Sign(jws.EdDSA, signer("ed25519"), `{"alg":"EdDSA","kid":"shared"}`, goodPayload.object()))
}

// Where the verifiers allow tokens of 1 MiB, an issuer may be nearly as long.
func TestByIssuerRefusesAnEndlessIssuerShortly(t *testing.T) {
	keys := sourceOf(keyOf(t, "ed25519", verifier.EdDSA))
	router, err := verifier.ByIssuer(verifierWith(t, func(c *verifier.Config) { c.Keys, c.MaxTokenBytes = keys, 1<<20 }))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		bytes int
		want  verifier.Kind
	}{{700 << 10, verifier.ErrIssuer}, {2 << 20, verifier.ErrMalformed}} {
		if refusal := wantRefused(t, router, tokenWith("iss", quote(strings.Repeat("x", row.bytes))), row.want); len(refusal.Error()) > 200 {
			t.Errorf("a text of %d bytes", len(refusal.Error()))
		}
	}
	if len(keys.asked) > 0 {
		t.Errorf("keys were asked for: %q", keys.asked)
	}
}

// What the router does not read, the chosen verifier does.
func TestByIssuerLeavesTheOtherClaimsToTheVerifier(t *testing.T) {
	router, ours, _ := twoIssuers(t)
	sign := func(changes ...string) string {
		return jwstest.Sign(jws.EdDSA, signer("ed25519"), `{"alg":"EdDSA","kid":"shared"}`, goodPayload.object(changes...))
	}
	for _, raw := range []string{sign("exp", `"x"`), sign("aud", "1"), sign("sub", "{}")} {
		wantRefused(t, router, raw, verifier.ErrClaim)
	}
	if len(ours.asked) != 3 {
		t.Errorf("the signature was not looked at first: %q", ours.asked)
	}
}
