package difftest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// example is an input whose verdict is known.
type example struct {
	outcome outcome
	why     string // the name of the reason
	recipe  recipe
}

// examples has one for each reason, and for each parameter that is passed over. They
// are seeds of FuzzDifferential.
var examples = []example{
	{bothAccept, "", under(ed25519Signer)},
	{bothAccept, "", under(es256Signer)},
	{bothAccept, "", under(rs256Signer)},
	{bothAccept, "", under(ps256Signer)},
	{bothAccept, "", under(mldsaSigner)},
	{bothAccept, "", header("alg", `"Ed25519"`)},
	{bothAccept, "", header("kid", "")},
	{bothAccept, "", payload("exp", "1767225670.5")},
	{bothAccept, "", payload("iat", "1767225730")},
	{bothAccept, "", payload("aud", `["x","todo-api"]`)},
	{bothAccept, "", payload("x", "1e400")},
	{bothAccept, "", recipe{header: goodHeader.String(), payload: " \n" + goodPayload.String() + "\t"}},

	{bothRefuse, "", recipe{header: goodToken + ".", signer: verbatim}},
	{bothRefuse, "", recipe{header: goodHeader.String(), payload: goodPayload.String(), signer: unsigned}},
	{bothRefuse, "", header("alg", `"none"`)},
	{bothRefuse, "", header("kid", `"unknown"`)},
	{bothRefuse, "", payload("iss", `"https://id.example.com/"`)},
	{bothRefuse, "", payload("aud", `["x"]`)},
	{bothRefuse, "", payload("exp", "1767225669")},
	{bothRefuse, "", payload("nbf", "1767225731")},

	{weRefuse, "token size", payload("x", `"`+strings.Repeat("x", 12_500)+`"`)},
	{weRefuse, "line break", after(under(ed25519Signer), insertSpace, 0, 4)},
	{weRefuse, "trailing bits", after(header("x", "1"), setSpareBits, 0, 3)},
	{weRefuse, "crit", header("crit", "[]")},
	{weRefuse, "b64", header("b64", "true")},
	{weRefuse, "header type", header("kid", "null")},
	{weRefuse, "header size", header("x", `{"a":[{`+members(62)+`}]}`)},
	{weRefuse, "header size", header("typ", `"`+strings.Repeat(`\u0061`, 257)+`"`)},
	{weRefuse, "kid length", under(longSigner)},
	{weRefuse, "duplicate member", payload("x", `{"a":1,"\u0061":1}`)},
	{weRefuse, "text", payload("x", `"\ud800"`)},
	{weRefuse, "depth", payload("x", strings.Repeat("[", 64)+strings.Repeat("]", 64))},
	{weRefuse, "token type", header("typ", `"dpop+jwt"`)},
	{weRefuse, "key use", under(es384Signer)},
	{weRefuse, "key size", under(weakSigner)},
	{weRefuse, "key algorithm", under(rs384Signer)},
	{weRefuse, "PSS salt", under(saltSigner)},
	{weRefuse, "payload spelling", after(payload("x", "1"), setSpareBits, 0, 1)},
	{weRefuse, "claim type", payload("scope", `["todos:read"]`)},
	{weRefuse, "audiences", payload("aud", `["todo-api"`+strings.Repeat(`,"a"`, 512)+`]`)},
	{weRefuse, "time range", payload("exp", "253402300800")},
	{weRefuse, "kind of token", payload("typ", `"ID"`)},
	{weRefuse, "binding", payload("cnf", `{"jkt":"x"}`)},
	{weRefuse, "no expiry", payload("exp", "")},
	{weRefuse, "expiry reached", payload("exp", "1767225670")},
	{weRefuse, "fraction of a second", payload("nbf", "1767225730.25")},

	{goJoseRefuses, "jwk in the header that go-jose cannot read", header("jwk", "{}")},
	{goJoseRefuses, "x5c in the header that go-jose cannot read", header("x5c", `["x"]`)},
	{goJoseRefuses, "nonce in the header that is no string", header("nonce", "1")},
	{goJoseRefuses, "number in the header that no float64 holds", header("x", "1e400")},
}

// members are so many, with names of their own.
func members(n int) string {
	var text []string
	for i := range n {
		text = append(text, fmt.Sprintf(`"%d":0`, i))
	}
	return strings.Join(text, ",")
}

// under is a good token of one signer.
func under(by signer) recipe {
	row := &signers[by]
	header := goodHeader.with("alg", strconv.Quote(row.alg.String())).with("kid", strconv.Quote(row.kid))
	return recipe{header: header.String(), payload: goodPayload.String(), signer: by}
}

// header is a good token but for one member of its header.
func header(name, value string) recipe {
	return recipe{header: goodHeader.with(name, value).String(), payload: goodPayload.String()}
}

// payload is a good token but for one member of its payload.
func payload(name, value string) recipe {
	return recipe{header: goodHeader.String(), payload: goodPayload.with(name, value).String()}
}

// after damages a token.
func after(r recipe, damage ...byte) recipe {
	r.damage = damage
	return r
}

func TestEachReason(t *testing.T) {
	j := newJudge(t)
	shown := map[string]bool{}
	for _, want := range examples {
		got := j.judge(t.Context(), want.recipe.token())
		if got.outcome != want.outcome || got.why != want.why {
			t.Errorf("outcome %d, %q; want %d, %q\n%v", got.outcome, got.why, want.outcome, want.why, want.recipe)
		}
		shown[want.why] = true
	}
	for _, r := range stricter {
		if !shown[r.name] || r.why == "" {
			t.Errorf("the reason %q has no example or no explanation", r.name)
		}
	}
	for _, parameter := range passedOver {
		if !shown[parameter.name] {
			t.Errorf("what is passed over, %q, has no example", parameter.name)
		}
	}
}
