package verifier

import (
	"context"
	"errors"
	"fmt"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// ByIssuer returns a verifier that accepts the tokens of several issuers. It reads
// "iss" of the unverified token only to choose the verifier whose Config.Issuer
// equals it; that one then verifies the token from the start, with its own keys, so
// that no issuer's key is ever tried on another's token (RFC 8725 §3.8). A token of
// any other issuer is refused with [ErrIssuer] before a key source is asked. Two
// verifiers of one issuer are an error.
//
// Each verifier tells its own Config.Observer of the tokens that it decides about. A
// token for which none was chosen (it is longer than any of them allows, cannot be
// read, or is another issuer's) is told, with an empty Outcome.Issuer, to the
// observer of the first of the verifiers that has one.
//
// Where the issuers are not known when the program starts, see [ByIssuerFunc].
func ByIssuer(first *Verifier, more ...*Verifier) (*Verifier, error) {
	issuers := make(fixedIssuers, 1+len(more))
	combined := &Verifier{router: issuers}
	for _, v := range append([]*Verifier{first}, more...) {
		if v == nil || v.keys == nil {
			return nil, errors.New("verifier: ByIssuer: a Verifier was not made by New")
		}
		if issuers[v.issuer] != nil {
			return nil, fmt.Errorf("verifier: ByIssuer: two verifiers for the issuer %q", v.issuer)
		}
		issuers[v.issuer] = &tenant{verifier: v}
		combined.limit(max(combined.maxTokenBytes, v.maxTokenBytes))
		if combined.observer == nil {
			combined.observer, combined.watched = v.observer, v.watched
		}
	}
	return combined, nil
}

// router knows the verifiers of several issuers.
type router interface {
	// choose returns the verifier for an issuer, which is what an unverified token says.
	choose(ctx context.Context, issuer string) (*tenant, error)
	// accepted is told that the chosen verifier has accepted the token.
	accepted(by *tenant)
}

// fixedIssuers is the router of ByIssuer.
type fixedIssuers map[string]*tenant

func (f fixedIssuers) choose(_ context.Context, issuer string) (*tenant, error) {
	if chosen := f[issuer]; chosen != nil {
		return chosen, nil
	}
	return nil, refuse(ErrIssuer, fmt.Errorf("iss is %s", quoted(issuer)))
}

func (fixedIssuers) accepted(*tenant) {}

// routed lets the verifier of the token's issuer decide.
func (v *Verifier) routed(ctx context.Context, raw string, tr *trace) (*Token, *Verifier, error) {
	tr.reach(StepRouting)
	parts, err := v.form(raw, nil)
	if err != nil {
		return nil, v, err
	}
	message := v.messages.Open(parts)
	defer message.Close()
	issuer, err := peek(message)
	if err != nil {
		return nil, v, err
	}
	chosen, err := v.router.choose(ctx, issuer)
	if err != nil {
		return nil, v, err
	}
	t, err := chosen.verifier.verify(ctx, raw, message, tr)
	if err != nil {
		return nil, chosen.verifier, err
	}
	v.router.accepted(chosen)
	return t, chosen.verifier, nil
}

// peek reads "iss" of a token that nobody has verified. What it returns is part of
// the token's payload: whoever keeps it keeps all of that.
func peek(message *jws.Message) (string, error) {
	var unverified issuerClaim
	if err := message.Peek(maxPayloadDepth, &unverified); err != nil {
		return "", payloadFault(err)
	}
	return string(unverified), nil
}

// issuerClaim reads "iss" and nothing else of a payload.
type issuerClaim string

// Member implements [jws.Members].
func (c *issuerClaim) Member(name jws.Name, value jws.Value) error {
	if !name.Is("iss") {
		return value.Skip()
	}
	issuer, err := value.Text()
	if wrong, ok := errors.AsType[jws.WrongType](err); ok {
		return claimError{"iss", wrong}
	}
	*c = issuerClaim(issuer)
	return err
}
