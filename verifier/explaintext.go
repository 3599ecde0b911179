package verifier

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String returns the report as lines of text, for a terminal or a ticket. The form
// may change; programs read the JSON.
func (r *Report) String() string {
	if r == nil || len(r.Steps) == 0 {
		return r.Line() + "\n"
	}
	var b strings.Builder
	r.writeVerdict(&b)
	for _, s := range r.Steps {
		s.write(&b)
	}
	b.WriteString("\n")
	r.Token.write(&b)
	if r.KeySet != nil {
		r.KeySet.write(&b)
	}
	fmt.Fprintf(&b, "\nnow: %s\nThis report contains neither the token nor its signature.\n", stamp(r.Now))
	return b.String()
}

func (r *Report) writeVerdict(b *strings.Builder) {
	if r.Accepted {
		b.WriteString("accepted\n\n")
		return
	}
	fmt.Fprintf(b, "%s: %s (kind %s)\n", r.verdict(), r.Reason, r.Kind)
	if r.Hint.Advice != "" {
		fmt.Fprintf(b, "hint: %s\n", r.Hint.Advice)
	}
	b.WriteString("\n")
}

// verdict tells a fault of the token from the lack of a decision.
func (r *Report) verdict() string {
	switch r.Kind {
	case ErrKeysUnavailable.String(), ErrUnavailable.String(), ErrCanceled.String(), ErrMisconfigured.String():
		return "not decided"
	}
	return "refused"
}

// write gives a step one line, and two where it failed.
func (s StepReport) write(b *strings.Builder) {
	switch s.Outcome {
	case StepPassed:
		fmt.Fprintf(b, "pass  %-14s  %s\n", s.Step, cmp.Or(s.Found, s.Expected))
	case StepFailed:
		fmt.Fprintf(b, "FAIL  %-14s  %s\n      %-14s  expected: %s\n", s.Step, cmp.Or(s.Found, "not so"), "", s.Expected)
	default:
		fmt.Fprintf(b, "-     %-14s  not reached; expected: %s\n", s.Step, s.Expected)
	}
}

func (t *TokenReport) write(b *strings.Builder) {
	fmt.Fprintf(b, "token: %d bytes", t.Bytes)
	writeMembers(b, ", ", []member{{"alg", t.Algorithm}, {"kid", t.KeyID}, {"typ", t.Type}})
	b.WriteString("\n")
	c := t.Claims
	if c == nil {
		b.WriteString("claims: not readable\n")
		return
	}
	if c.Verified {
		b.WriteString("claims, signed by the issuer:\n")
	} else {
		b.WriteString("claims, UNVERIFIED (anybody can have written them):\n")
	}
	var all strings.Builder
	writeMembers(&all, "\n  ", []member{{"iss", c.Issuer}, {"azp", c.Party}, {"typ", c.Type}})
	b.WriteString(strings.TrimPrefix(all.String(), "\n"))
	if all.Len() > 0 {
		b.WriteString("\n")
	}
	c.writeAudience(b)
	for _, t := range []struct {
		name string
		time time.Time
	}{{"exp", c.ExpiresAt}, {"nbf", c.NotBefore}, {"iat", c.IssuedAt}} {
		if !t.time.IsZero() {
			fmt.Fprintf(b, "  %s %s\n", t.name, stamp(t.time))
		}
	}
}

func (c *ClaimsReport) writeAudience(b *strings.Builder) {
	if c.AudienceCount == 0 {
		return
	}
	b.WriteString("  aud")
	for _, audience := range c.Audience {
		b.WriteString(` "` + audience + `"`)
	}
	if more := c.AudienceCount - len(c.Audience); more > 0 {
		fmt.Fprintf(b, " and %d more", more)
	}
	b.WriteString("\n")
}

// member is a name and a value that is fit to be shown.
type member struct{ name, value string }

// writeMembers writes those that are there.
func writeMembers(b *strings.Builder, before string, members []member) {
	for _, m := range members {
		if m.value != "" {
			b.WriteString(before + m.name + ` "` + m.value + `"`)
		}
	}
}

func (s *KeySetState) write(b *strings.Builder) {
	state := fmt.Sprintf("usable, %d s old", s.AgeSeconds)
	switch {
	case !s.Usable && s.Keys == 0:
		state = "NOT USABLE: there is none"
	case !s.Usable:
		state = fmt.Sprintf("NOT USABLE, %d s old", s.AgeSeconds)
	}
	fmt.Fprintf(b, "key set: %s, %s\n", s.Source, state)
	fmt.Fprintf(b, "  keys: %d, of them %d for the token's alg; %d skipped\n", s.Keys, s.KeysForAlgorithm, s.Skipped)
	if len(s.KIDs) > 0 {
		b.WriteString("  kids:")
		for _, kid := range s.KIDs {
			b.WriteString(` "` + kid + `"`)
		}
		if more := s.KIDCount - len(s.KIDs); more > 0 {
			fmt.Fprintf(b, " and %d more", more)
		}
		b.WriteString("\n")
	}
	if s.SkippedBecause != "" {
		fmt.Fprintf(b, "  the token's key is not usable: %s\n", s.SkippedBecause)
	}
	fmt.Fprintf(b, "  look-up for the token's kid: %s\n", s.LookUp)
	if s.LastError != "" {
		fmt.Fprintf(b, "  last error: %s\n", s.LastError)
	}
	fmt.Fprintf(b, "  the issuer's clock: %s\n", s.clock())
}

// clock says how the issuer's clock stands to ours.
func (s *KeySetState) clock() string {
	switch {
	case s.ClockSeconds == nil:
		return "not known"
	case *s.ClockSeconds == 0:
		return "as ours"
	case *s.ClockSeconds > 0:
		return strconv.Itoa(*s.ClockSeconds) + " s ahead of ours"
	default:
		return strconv.Itoa(-*s.ClockSeconds) + " s behind ours"
	}
}

// stamp writes a time to the second.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
