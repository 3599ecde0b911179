package verifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
)

// Report says how Verify decides about one token, and why. It is for people: for a
// ticket, a log, the command bearerproof. [Verifier.Explain] makes one.
//
// It contains neither the token nor its signature, nor the whole of its claims, so that
// the token cannot be put together from it: of the claims it has "iss", "aud", "azp",
// "typ" and the times, and no "sub". A value from the token is written in printable
// ASCII, as between the quotes of a Go string, and cut to 64 bytes; an error's text is
// cut to 200. Claims whose signature was not checked are in it too, and marked. Never
// decide by a Report.
//
// Its JSON has the members that the tags name. Members may be added.
type Report struct {
	// Accepted says that Verify accepts the token now.
	Accepted bool `json:"accepted"`
	// Kind is the name of the refusal's [Kind], such as "audience", or "".
	Kind string `json:"kind,omitzero"`
	// FailedAt is the step that refused, or "".
	FailedAt Step `json:"failed_at,omitzero"`
	// Reason says in general words what was wrong. It contains no value of a claim and
	// no kid.
	Reason string `json:"reason,omitzero"`
	// Hint is the likely cause, as far as one is known, and what to do.
	Hint Hint `json:"hint,omitzero"`
	// Now is the time of Config.Now, in UTC.
	Now time.Time `json:"now,omitzero"`
	// Steps has each step, in order.
	Steps []StepReport `json:"steps"`
	// Token is what the token says of itself.
	Token TokenReport `json:"token"`
	// KeySet is the state of the source of keys, or nil if the source does not tell.
	KeySet *KeySetState `json:"key_set,omitzero"`

	err error
}

// StepReport is what became of one step.
type StepReport struct {
	Step    Step        `json:"step"`
	Outcome StepOutcome `json:"outcome"`
	// Expected is what the verifier asks for.
	Expected string `json:"expected"`
	// Found is what the token, or the key set, has instead or to that effect. It is ""
	// where the step was not reached or there is nothing to say.
	Found string `json:"found,omitzero"`
}

// StepOutcome is how a step ended.
type StepOutcome string

// The outcomes of a step.
const (
	StepPassed     StepOutcome = "pass"
	StepFailed     StepOutcome = "fail"
	StepNotReached StepOutcome = "not_reached" // an earlier step failed
)

// TokenReport is what a token says of itself. Zero values stand for what is absent or
// cannot be read.
type TokenReport struct {
	Bytes     int    `json:"bytes"`
	Algorithm string `json:"alg,omitzero"`
	KeyID     string `json:"kid,omitzero"`
	Type      string `json:"typ,omitzero"`
	// Claims are some of the payload's, or nil if it cannot be read.
	Claims *ClaimsReport `json:"claims,omitzero"`
}

// ClaimsReport has those claims which help to find a fault.
type ClaimsReport struct {
	// Verified says that the issuer signed the claims. If it is false, anybody can have
	// written them.
	Verified bool   `json:"verified"`
	Issuer   string `json:"iss,omitzero"`
	// Audience has the first eight values of "aud", and AudienceCount says how many
	// there are.
	Audience      []string  `json:"aud,omitempty"`
	AudienceCount int       `json:"aud_count"`
	Party         string    `json:"azp,omitzero"`
	Type          string    `json:"typ,omitzero"` // Keycloak's kind of token
	ExpiresAt     time.Time `json:"exp,omitzero"`
	NotBefore     time.Time `json:"nbf,omitzero"`
	IssuedAt      time.Time `json:"iat,omitzero"`
}

// Explain decides about the text of one token exactly as [Verifier.Verify] does, and
// tells all about it. It is no cheaper than Verify and causes what Verify causes: it
// asks the source of keys, within its bounds on fetches, and runs Config.Check. It
// does not tell Config.Observer, so that an explained refusal is not counted twice.
//
// Explain is for developers and operators. Do not send a Report to a client; in a
// service that explains its refusals to its log, bound how often, for anybody can cause
// one. [Report.Line] is the form for that.
func (v *Verifier) Explain(ctx context.Context, raw string) *Report {
	tr := &trace{}
	_, by, err := v.decide(ctx, raw, tr)
	x := &explanation{trace: tr, by: by, raw: raw, err: err, kind: KindOf(err), now: time.Now()}
	if by != nil && by.now != nil {
		x.now = by.now()
	}
	x.read(v)
	x.describeKeys()
	return x.report()
}

// Err returns the error that Verify returns for the token, nil if it is accepted.
// Unlike the rest of the report it is exact; see [Error].
func (r *Report) Err() error { return r.err }

// explanation is all that a report is made from.
type explanation struct {
	*trace

	by         *Verifier // that decided
	raw        string
	err        error
	kind       Kind
	now        time.Time
	unverified *claims // read without a good signature, or nil
	keySet     *KeySetState
}

// read finds out what an unverified payload says. The verifier v is the one that was
// asked.
func (x *explanation) read(v *Verifier) {
	if v == nil || x.claims != nil || len(x.raw) > v.maxTokenBytes {
		return
	}
	var unverified claims
	if jws.ReadUnverified(x.raw, maxPayloadDepth, &unverified) == nil {
		x.unverified = &unverified
	}
}

func (x *explanation) dots() int { return strings.Count(x.raw, ".") }

// anyClaims are the verified claims, or else the unverified ones, or nil.
func (x *explanation) anyClaims() *claims {
	if x.claims != nil {
		return x.claims
	}
	return x.unverified
}

// report puts everything together.
func (x *explanation) report() *Report {
	r := &Report{
		Accepted: x.err == nil,
		Reason:   x.reason(),
		Hint:     x.hint(),
		Now:      x.now.UTC().Round(time.Millisecond),
		Steps:    x.stepReports(),
		Token:    x.tokenReport(),
		KeySet:   x.keySet,
		err:      x.err,
	}
	if x.err != nil {
		r.Kind, r.FailedAt = x.kind.String(), x.step
	}
	return r
}

func (x *explanation) stepReports() []StepReport {
	var reports []StepReport
	outcome := StepPassed
	if x.step == "" {
		outcome = StepNotReached
	}
	for _, s := range steps {
		if s == StepRouting && !x.routed {
			continue
		}
		if s == x.step && x.err != nil {
			outcome = StepFailed
		}
		r := StepReport{Step: s, Outcome: outcome, Expected: x.expected(s)}
		if outcome != StepNotReached {
			r.Found = x.found(s, outcome)
		}
		reports = append(reports, r)
		if outcome == StepFailed {
			outcome = StepNotReached
		}
	}
	return reports
}

// maxShownAudiences bounds a report.
const maxShownAudiences = 8

func (x *explanation) tokenReport() TokenReport {
	r := TokenReport{Bytes: len(x.raw)}
	if x.header != nil {
		r.Algorithm, r.KeyID, r.Type = x.show(x.header.Name), x.show(x.header.KeyID), x.show(x.header.Type)
	}
	c := x.anyClaims()
	if c == nil {
		return r
	}
	r.Claims = &ClaimsReport{
		Verified:      x.claims != nil,
		Issuer:        x.show(c.issuer),
		AudienceCount: len(c.audience),
		Party:         x.show(c.party),
		Type:          x.show(c.typ),
		ExpiresAt:     utc(c.expires),
		NotBefore:     utc(c.notBefore),
		IssuedAt:      utc(c.issued),
	}
	for _, audience := range c.audience[:min(len(c.audience), maxShownAudiences)] {
		r.Claims.Audience = append(r.Claims.Audience, x.show(audience))
	}
	return r
}

// utc keeps the zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// cause is the text of what went wrong, without its kind.
func (x *explanation) cause() string {
	if e, ok := errors.AsType[*Error](x.err); ok && e != nil && e.Err != nil {
		return e.Err.Error()
	}
	return x.err.Error()
}

// reason says in general words what was wrong. Only the steps that read a token have
// causes that repeat nothing of it; others come from a Check or a source of keys.
func (x *explanation) reason() string {
	switch {
	case x.err == nil:
		return ""
	case x.step == StepSize, x.step == StepForm, x.step == StepHeader, x.step == StepEncoding, x.step == StepPayload:
		return x.cause()
	case x.step == StepTimes && x.kind == ErrClaim:
		return x.cause()
	case x.step == StepCheck:
		return "Config.Check refused it"
	case x.kind == ErrAudience && x.anyClaims() != nil && len(x.anyClaims().audience) == 0:
		return "aud is absent"
	case x.kind == ErrIssuer && x.anyClaims() != nil && x.anyClaims().issuer == "":
		return "iss is absent"
	case x.kind == ErrType && x.step == StepType:
		return "the header's typ is none of the expected ones"
	}
	return strings.TrimPrefix(x.kind.Error(), "verifier: ")
}

// Line returns the report's one-line form, for a log: the step, the kind, the reason
// and the hint. It contains no value of a claim and no kid, and nothing else that the
// token's sender chooses.
func (r *Report) Line() string {
	if r == nil || len(r.Steps) == 0 {
		return "no report"
	}
	if r.Accepted {
		return "accepted"
	}
	line := fmt.Sprintf("%s at step %s (%s): %s", r.verdict(), cmp.Or(r.FailedAt, "none"), r.Kind, r.Reason)
	if r.Hint.Advice != "" {
		line += ". Hint (" + r.Hint.Cause + "): " + r.Hint.Advice
	}
	return line
}
