package difftest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// judge compares the two sides.
type judge struct {
	verifier  *verifier.Verifier
	reference *reference
}

// newJudge makes both sides of one JWK set. The changes are for judges that must find
// a fault.
func newJudge(tb testing.TB, changes ...func(*verifier.Config)) *judge {
	tb.Helper()
	set := publishedSet()
	keys, err := jwks.NewStatic(set)
	if err != nil {
		tb.Fatal(err)
	}
	c := verifier.Config{
		Issuer:   issuer,
		Audience: verifier.AnyOf(audience),
		Keys:     keys,
		Leeway:   leeway * time.Second,
		Now:      func() time.Time { return time.Unix(now, 0) },
	}
	for _, name := range algorithms {
		alg, err := verifier.ParseAlgorithm(string(name))
		if err != nil {
			tb.Fatal(err)
		}
		c.Algorithms = append(c.Algorithms, alg)
	}
	for _, change := range changes {
		change(&c)
	}
	v, err := verifier.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	r := &reference{}
	if err := json.Unmarshal(set, &r.set); err != nil {
		tb.Fatal(err)
	}
	return &judge{v, r}
}

// outcome is how the two answers compare.
type outcome uint8

const (
	faulty outcome = iota
	bothAccept
	bothRefuse
	weRefuse
	goJoseRefuses // for a header parameter that we pass over
)

// verdict is the outcome of one input.
type verdict struct {
	outcome  outcome
	why      string // the name of a reason, or what is at fault
	verified bool   // go-jose found the signature good, so the claims were reached
}

// judge gives one token to both sides.
func (j *judge) judge(ctx context.Context, raw string) verdict {
	token, refusal := j.verifier.Verify(ctx, raw)
	if (token == nil) == (refusal == nil) {
		return verdict{why: fmt.Sprintf("token %v, error %v", token, refusal)}
	}
	o := j.reference.read(raw)
	v := verdict{verified: o.kid != ""}
	switch {
	case refusal != nil && !errors.Is(refusal, verifier.ErrInvalidToken):
		v.why = fmt.Sprintf("%v is no fault of the token", refusal)
	case refusal == nil && o.err != nil:
		v.outcome, v.why = j.spare(raw, token)
	case refusal == nil:
		v.outcome, v.why = compare(token, gather(raw, &o))
	case o.err == nil:
		v.outcome, v.why = reasonFor(refusal, gather(raw, &o))
	default:
		v.outcome = bothRefuse
	}
	return v
}

// compare looks for a difference between a token that both sides accept.
func compare(token *verifier.Token, e *evidence) (outcome, string) {
	for _, r := range stricter {
		if r.witness(e) {
			return faulty, "accepted in spite of this rule: " + r.name
		}
	}
	return same(token, e.opinion)
}

// same compares what the two sides read.
func same(token *verifier.Token, o *opinion) (outcome, string) {
	payload, err := verifier.Claims[jsontext.Value](token)
	if err != nil || !bytes.Equal(payload, bytes.Trim(o.payload, " \t\r\n")) {
		return faulty, fmt.Sprintf("payload %q (%v), and go-jose has %q", payload, err, o.payload)
	}
	c := &o.claims
	for _, claim := range []struct {
		name         string
		ours, theirs any
	}{
		{"iss", token.Issuer(), c.Issuer},
		{"sub", token.Subject(), c.Subject},
		{"jti", token.ID(), c.ID},
		{"kid", token.KeyID(), o.header.KeyID},
		{"alg", token.Algorithm().String(), o.header.Algorithm},
		{"exp", seconds(token.ExpiresAt()), dated(c.Expiry)},
		{"nbf", seconds(token.NotBefore()), dated(c.NotBefore)},
		{"iat", seconds(token.IssuedAt()), dated(c.IssuedAt)},
	} {
		if claim.ours != claim.theirs {
			return faulty, fmt.Sprintf("%s is %v, and go-jose has %v", claim.name, claim.ours, claim.theirs)
		}
	}
	if !slices.Equal(token.Audience(), c.Audience) {
		return faulty, fmt.Sprintf("aud is %q, and go-jose has %q", token.Audience(), c.Audience)
	}
	return bothAccept, ""
}

// absent is a time that a token does not have.
const absent = -1

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return absent
	}
	return t.Unix()
}

func dated(n *jwt.NumericDate) int64 {
	if n == nil {
		return absent
	}
	return int64(*n)
}

// reasonFor finds why we refuse what go-jose accepts.
func reasonFor(refusal error, e *evidence) (outcome, string) {
	for _, r := range stricter {
		if r.refusedFor(verifier.KindOf(refusal), e) && r.witness(e) {
			return weRefuse, r.name
		}
	}
	return faulty, fmt.Sprintf("go-jose accepts it, and no reason is found for %q", refusal)
}

// spare takes out of a token that we accept the header parameters that go-jose need
// not read. Then go-jose must accept it.
func (j *judge) spare(raw string, token *verifier.Token) (outcome, string) {
	e := gather(raw, &opinion{})
	for _, parameter := range passedOver {
		if !parameter.witness(e.header) {
			continue
		}
		o := j.reference.read(respelled(e, token))
		if o.err != nil {
			return faulty, fmt.Sprintf("accepted, and go-jose refuses it without the %s too: %v", parameter.name, o.err)
		}
		e.opinion, e.payload = &o, readDocument(o.payload)
		if compared, why := compare(token, e); compared == faulty {
			return faulty, why
		}
		return goJoseRefuses, parameter.name
	}
	return faulty, fmt.Sprintf("accepted, and go-jose refuses it: %v", j.reference.read(raw).err)
}

// respelled signs the token's payload again, under a header of alg and kid only.
func respelled(e *evidence, token *verifier.Token) string {
	header := "{" + `"alg":` + string(e.header.members["alg"])
	if e.header.has("kid") {
		header += `,"kid":` + string(e.header.members["kid"])
	}
	alg := cmp.Or(map[verifier.Algorithm]signer{
		verifier.ES256: es256Signer, verifier.RS256: rs256Signer, verifier.PS256: ps256Signer, verifier.MLDSA44: mldsaSigner,
	}[token.Algorithm()], ed25519Signer)
	return alg.sign(header+"}", string(lenient(e.parts[1])))
}
