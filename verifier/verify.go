package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// maxCandidates bounds the signature checks that one token can cause.
const maxCandidates = 4

// Verifier verifies the tokens of one issuer, or of several ([ByIssuer],
// [ByIssuerFunc]). It is safe for concurrent use. The zero Verifier refuses
// everything.
type Verifier struct {
	// All fields are set once.

	// Of one for several issuers, which uses nothing else but maxTokenBytes, tooLong,
	// observer and messages.
	router router

	issuer                     string
	audience                   Audience
	algorithms                 []Algorithm
	keys                       KeySet
	rechecker                  interface{ Recheck() } // nil if keys has no such method
	leeway                     time.Duration
	maxTokenBytes              int
	tooLong                    *Error   // for a longer one
	listedTypes                []string // Config.TokenTypes
	tokenTypes                 []string // the same, as mediaType writes them
	acceptIDTokens             bool
	insecureIgnoreConfirmation bool
	check                      Check
	observer                   Observer    // nil: nobody
	watched                    bool        // an observer may have to be told, so the clock is read
	cache                      *tokenCache // nil: none
	now                        func() time.Time

	messages jws.Messages
	headers  *jws.Headers
}

// Verify decides about the text of one token, as it stands behind "Bearer". The
// package comment lists what it checks. The error is an [*Error], except that an
// error of Config.Check, or of the function given to [ByIssuerFunc], which has a kind
// of its own comes back as it is. Verify may wait for the key source, or for that
// function, and no longer than ctx lasts.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	if v == nil || !v.watched {
		t, _, err := v.decide(ctx, raw, nil)
		return t, err
	}
	began := time.Now()
	t, by, err := v.decide(ctx, raw, nil)
	by.tell(ctx, err, time.Since(began))
	return t, err
}

// decide verifies a token, and says which verifier decided about it. The trace is of
// [Verifier.Explain], and nil for Verify.
func (v *Verifier) decide(ctx context.Context, raw string, tr *trace) (*Token, *Verifier, error) {
	if v != nil && v.router != nil {
		return v.routed(ctx, raw, tr)
	}
	t, err := v.verify(ctx, raw, nil, tr)
	return t, v, err
}

// verify verifies a token of the one issuer. The message is the token as a router
// began to read it, or nil.
func (v *Verifier) verify(ctx context.Context, raw string, message *jws.Message, tr *trace) (*Token, error) {
	if v == nil || v.keys == nil {
		return nil, refuse(ErrMisconfigured, errors.New("the Verifier was not made by New"))
	}
	parts, err := v.form(raw, tr)
	if err != nil {
		return nil, err
	}
	cache := v.cache
	if tr != nil {
		cache = nil // Explain walks the whole road
	}
	visit := cache.visit(raw)
	t, key, err := v.authenticate(ctx, tokenText{parts, message}, visit.hit, tr)
	if err == nil {
		err = v.accept(ctx, t, tr)
	}
	if err != nil {
		visit.refused(err)
		return nil, err
	}
	visit.accepted(raw, t, key, v.leeway)
	return t, nil
}

// tokenText is a token of which nothing, or little, was read.
type tokenText struct {
	parts jws.Parts
	begun *jws.Message // nil: nothing
}

// form looks at the size and at the dots, before anything is allocated. What it refuses
// takes no memory, nor more than one look at 16 KiB.
func (v *Verifier) form(raw string, tr *trace) (jws.Parts, error) {
	tr.reach(StepSize)
	if len(raw) > v.maxTokenBytes {
		return jws.Parts{}, v.tooLong
	}
	tr.reach(StepForm)
	parts, wrong := jws.Split(raw)
	if wrong != 0 {
		return jws.Parts{}, errForms[wrong]
	}
	return parts, nil
}

// errForms has the refusal of each jws.Form.
var errForms = [...]*Error{
	jws.NoDots:    refuse(ErrMalformed, jws.NoDots),
	jws.OneDot:    refuse(ErrMalformed, jws.OneDot),
	jws.FiveParts: refuse(ErrMalformed, jws.FiveParts),
	jws.ManyDots:  refuse(ErrMalformed, jws.ManyDots),
}

// limit sets the size of the longest token.
func (v *Verifier) limit(bytes int) {
	v.maxTokenBytes = bytes
	v.tooLong = refuse(ErrMalformed, fmt.Errorf("token is longer than %d bytes", bytes))
}

// authenticate finds out what the issuer signed, and under which key. What it returns
// is authentic and not yet acceptable. A known token, which may be nil, is this very
// one as it was verified before: where its key still is among those that would be
// tried, the signature need not be checked again.
func (v *Verifier) authenticate(ctx context.Context, text tokenText, known *cachedToken, tr *trace) (*Token, *Key, error) {
	if known == nil {
		return v.read(ctx, text, candidates{}, tr)
	}
	keys, err := v.candidates(ctx, known.token.header.keyID, known.token.header.algorithm, tr)
	if err != nil {
		return nil, nil, err
	}
	if key := keys.with(known.thumbprint); key != nil {
		return known.token, key, nil
	}
	return v.read(ctx, text, keys, tr)
}

// read reads a token and checks its signature, with the keys if there are any: then
// they were asked for already.
func (v *Verifier) read(ctx context.Context, text tokenText, keys candidates, tr *trace) (*Token, *Key, error) {
	message := text.begun
	if message == nil {
		message = v.messages.Open(text.parts)
		defer message.Close()
	}
	tr.reach(StepHeader)
	if err := message.ReadHeader(v.headers); err != nil {
		return nil, nil, refuse(ErrMalformed, err)
	}
	h := &message.Header
	tr.read(*h)
	if err := v.admit(h, tr); err != nil {
		return nil, nil, err
	}
	tr.reach(StepEncoding)
	if err := message.ReadSignature(); err != nil {
		return nil, nil, refuse(ErrMalformed, err)
	}
	if keys == (candidates{}) {
		var err error
		if keys, err = v.candidates(ctx, h.KeyID, Algorithm(h.Algorithm), tr); err != nil {
			return nil, nil, err
		}
	}
	key, err := v.checkSignature(message, keys, tr)
	if err != nil {
		return nil, nil, err
	}
	v.headers.Remember(message)
	tr.reach(StepPayload)
	// RFC 7515 §5.2: nothing of the payload is looked at before the signature is good.
	t := &Token{header: tokenHeader{h.KeyID, Algorithm(h.Algorithm), h.Type}}
	if t.payload, err = message.ReadPayload(maxPayloadDepth, &t.claims); err != nil {
		return nil, nil, payloadFault(err)
	}
	tr.trust(&t.claims)
	return t, key, nil
}

// admit holds the header against the allowlists, before anything can ask for a key.
func (v *Verifier) admit(h *jws.Header, tr *trace) error {
	tr.reach(StepAlgorithm)
	// RFC 8725 §3.1; "none" in any spelling (RFC 7518 §3.6) and HMAC end here.
	if !slices.Contains(v.algorithms, Algorithm(h.Algorithm)) {
		return refuse(ErrAlgorithm, fmt.Errorf("alg is %s", quoted(h.Name)))
	}
	tr.reach(StepType)
	// RFC 8725 §3.11, RFC 9068 §4.
	// Most write it as it is listed, and then it need not be written anew.
	if !slices.Contains(v.listedTypes, h.Type) && !slices.Contains(v.tokenTypes, mediaType(h.Type)) {
		return refuse(ErrType, fmt.Errorf("typ is %s", quoted(h.Type)))
	}
	return nil
}

// candidates are the keys that are tried on a token, nil behind the last. The zero
// value has none.
type candidates [maxCandidates]*Key

// with returns the candidate with a thumbprint, or nil.
func (c candidates) with(thumbprint [sha256.Size]byte) *Key {
	for _, key := range c {
		if key != nil && key.thumbprint == thumbprint {
			return key
		}
	}
	return nil
}

// candidates asks the issuer's keys for those of the header's kid and alg. There is
// at least one, or an error.
func (v *Verifier) candidates(ctx context.Context, kid string, alg Algorithm, tr *trace) (candidates, error) {
	tr.reach(StepKey)
	keys, err := v.keys.Keys(ctx, kid, alg)
	if err != nil {
		return candidates{}, noKeys(ctx, err)
	}
	var fit candidates
	n := 0
	for _, key := range keys {
		if key == nil || !key.boundTo(alg, v.algorithms) { // RFC 8725 §3.1: one algorithm a key
			continue
		}
		if n < len(fit) {
			fit[n] = key
		}
		if n++; n > len(fit) {
			break
		}
	}
	tr.candidates(len(keys), n)
	if n == 0 {
		if len(keys) > 0 {
			v.recheck()
		}
		return candidates{}, refuse(ErrUnknownKey, fmt.Errorf("no key for kid %s and alg %v", quoted(kid), alg))
	}
	if n > maxCandidates && kid == "" {
		return candidates{}, refuse(ErrUnknownKey, fmt.Errorf("token has no kid, and more than %d keys fit %v", maxCandidates, alg))
	}
	return fit, nil
}

// checkSignature returns the key that made the signature.
func (v *Verifier) checkSignature(m *jws.Message, keys candidates, tr *trace) (*Key, error) {
	tr.reach(StepSignature)
	alg := m.Header.Algorithm
	for _, key := range keys {
		if key != nil && m.Verify(alg, key.public) == nil {
			return key, nil
		}
	}
	v.recheck()
	return nil, refuse(ErrSignature, fmt.Errorf("under kid %s with alg %v", quoted(m.Header.KeyID), Algorithm(alg)))
}

// noKeys gives an error of the key source its kind.
func noKeys(ctx context.Context, err error) error {
	kind := KindOf(err)
	if e, ok := errors.AsType[*Error](err); ok && e != nil && kind != 0 {
		return err
	}
	// A source's own timeout looks like the caller's, and is an outage all the same.
	if kind == 0 || kind == ErrCanceled && ctx.Err() == nil {
		kind = ErrKeysUnavailable
	}
	return refuse(kind, err)
}

// recheck tells the key source that its keys did not do.
func (v *Verifier) recheck() {
	if v.rechecker != nil {
		v.rechecker.Recheck()
	}
}

// accept decides whether an authentic token is one for us, now.
func (v *Verifier) accept(ctx context.Context, t *Token, tr *trace) error {
	tr.reach(StepKind)
	if err := v.checkKind(&t.claims); err != nil {
		return err
	}
	tr.reach(StepBinding)
	if err := v.checkBinding(&t.claims); err != nil {
		return err
	}
	tr.reach(StepTimes)
	if err := v.checkTimes(&t.claims); err != nil {
		return err
	}
	tr.reach(StepIssuer)
	if t.claims.issuer != v.issuer { // RFC 7519 §4.1.1, RFC 9068 §4
		return refuse(ErrIssuer, fmt.Errorf("iss is %s", quoted(t.claims.issuer)))
	}
	tr.reach(StepAudience)
	if !v.audience.accepts(t.claims.audience) { // RFC 7519 §4.1.3, RFC 9068 §4
		return refuse(ErrAudience, fmt.Errorf("aud is %s", quoted(strings.Join(t.claims.audience, " "))))
	}
	tr.reach(StepCheck)
	if v.check == nil {
		return nil
	}
	return runCheck(ctx, v.check, t, ErrClaim)
}

// checkKind refuses what is not a bearer access token (RFC 8725 §3.12).
func (v *Verifier) checkKind(c *claims) error {
	switch {
	// These first: a hash beside such a typ makes no ID token of it.
	case strings.EqualFold(c.typ, "Refresh"), strings.EqualFold(c.typ, "Offline"), strings.EqualFold(c.typ, "Logout"):
		return refuse(ErrType, fmt.Errorf("typ in the payload is %s", quoted(c.typ)))
	// RFC 8417 §2.2; a logout token is one (OpenID Connect Back-Channel Logout §2.4).
	case c.events:
		return refuse(ErrType, errors.New("this is a security event or logout token"))
	case !v.acceptIDTokens && (strings.EqualFold(c.typ, "ID") || c.tokenHash):
		return refuse(ErrType, errors.New("this is an ID token"))
	}
	return nil
}

// checkBinding refuses a token that is bound to its sender's key.
func (v *Verifier) checkBinding(c *claims) error {
	// RFC 7800 §3.1, RFC 9449 §7.1, RFC 8705 §3: a bound token is no bearer token.
	if c.confirmation && !v.insecureIgnoreConfirmation {
		return refuse(ErrBinding, errors.New("cnf is present"))
	}
	return nil
}

// checkTimes is RFC 7519 §4.1.4 to §4.1.6, with one leeway for all three.
func (v *Verifier) checkTimes(c *claims) error {
	now := v.now()
	if c.expires.IsZero() {
		return refuse(ErrClaim, errors.New("exp is absent")) // RFC 9068 §2.2
	}
	if !now.Before(c.expires.Add(v.leeway)) {
		return refuse(ErrExpired, fmt.Errorf("exp is %v before now, and the leeway is %v", now.Sub(c.expires).Round(time.Millisecond), v.leeway))
	}
	if !c.notBefore.IsZero() && now.Add(v.leeway).Before(c.notBefore) {
		return refuse(ErrNotYetValid, fmt.Errorf("nbf is %v from now, and the leeway is %v", c.notBefore.Sub(now).Round(time.Millisecond), v.leeway))
	}
	if !c.issued.IsZero() && now.Add(v.leeway).Before(c.issued) {
		return refuse(ErrNotYetValid, fmt.Errorf("iat is %v from now, and the leeway is %v", c.issued.Sub(now).Round(time.Millisecond), v.leeway))
	}
	return nil
}
