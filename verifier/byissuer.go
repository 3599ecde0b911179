package verifier

import (
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
func ByIssuer(first *Verifier, more ...*Verifier) (*Verifier, error) {
	router := &Verifier{byIssuer: make(map[string]*Verifier, 1+len(more))}
	for _, v := range append([]*Verifier{first}, more...) {
		if v == nil || v.keys == nil {
			return nil, errors.New("verifier: ByIssuer: a Verifier was not made by New")
		}
		if router.byIssuer[v.issuer] != nil {
			return nil, fmt.Errorf("verifier: ByIssuer: two verifiers for the issuer %q", v.issuer)
		}
		router.byIssuer[v.issuer] = v
		router.maxTokenBytes = max(router.maxTokenBytes, v.maxTokenBytes)
	}
	return router, nil
}

// route chooses the verifier for a token that nobody has verified.
func (v *Verifier) route(raw string) (*Verifier, error) {
	if err := v.measure(raw); err != nil {
		return nil, err
	}
	var unverified claims
	if err := jws.ReadUnverified(raw, maxPayloadDepth, &unverified); err != nil {
		return nil, payloadFault(err)
	}
	chosen := v.byIssuer[unverified.issuer]
	if chosen == nil {
		return nil, refuse(ErrIssuer, fmt.Errorf("iss is %s", quoted(unverified.issuer)))
	}
	return chosen, nil
}
