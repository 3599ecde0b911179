package verifier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxShown     = 64  // bytes of a value from a token
	maxShownText = 200 // bytes of an error's text, and of what is configured
	// A signature shorter than this is none; any text would contain it.
	shortestSignature = 16
)

// show makes a value from the token fit to be shown: printable ASCII as between the
// quotes of a Go string, cut, and not its signature.
func (x *explanation) show(value string) string {
	return x.withhold(value, asciiOnly(value, maxShown))
}

// tell makes the text of an error, or what a source of keys says, fit to be shown.
func (x *explanation) tell(text string) string {
	return x.withhold(text, printable(text, maxShownText))
}

// withhold returns what is shown of a value, unless that contains the signature.
func (x *explanation) withhold(value, shown string) string {
	signature := x.raw[strings.LastIndexByte(x.raw, '.')+1:]
	if len(signature) >= shortestSignature && strings.Contains(value, signature) {
		return "(withheld, because it contains the signature)"
	}
	return shown
}

// asciiOnly escapes quotes and all that is not printable ASCII.
func asciiOnly(value string, most int) string {
	return rewrite(value, most, func(one string) string {
		quoted := strconv.QuoteToASCII(one)
		return quoted[1 : len(quoted)-1]
	})
}

// printable escapes what would disturb a line of text, such as control characters.
func printable(text string, most int) string {
	return rewrite(text, most, func(one string) string {
		if one == `"` || one == `\` {
			return one
		}
		quoted := strconv.Quote(one)
		return quoted[1 : len(quoted)-1]
	})
}

// rewrite rewrites each character of a text, and cuts the result to so many bytes.
func rewrite(text string, most int, character func(one string) string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		_, size := utf8.DecodeRuneInString(rest)
		one := character(rest[:size])
		if b.Len()+len(one) > most {
			return b.String() + "…"
		}
		b.WriteString(one)
		rest = rest[size:]
	}
	return b.String()
}

// named writes a shown value between quotes, or says that there is none.
func (x *explanation) named(name, value string) string {
	if value == "" {
		return name + " is absent"
	}
	return name + ` is "` + x.show(value) + `"`
}

// listed writes values that were configured.
func listed(values []string, between string) string {
	var shown []string
	for _, value := range values[:min(len(values), maxShownAudiences)] {
		if value == "" {
			shown = append(shown, "absent")
			continue
		}
		shown = append(shown, `"`+asciiOnly(value, maxShown)+`"`)
	}
	if more := len(values) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	return strings.Join(shown, between)
}

// expected is what a step asks for.
func (x *explanation) expected(s Step) string {
	v := x.by
	if v == nil || v.router == nil && v.keys == nil {
		return "a Verifier that was made by New"
	}
	switch s {
	case StepRouting:
		return "iss is an issuer that has a verifier"
	case StepSize:
		return fmt.Sprintf("at most %d bytes", v.maxTokenBytes)
	case StepForm:
		return "two dots"
	case StepHeader:
		return "strict base64url of one JSON object, with alg and without crit and b64"
	case StepEncoding:
		return "strict base64url"
	case StepSignature:
		return "made with the key that was found"
	case StepPayload:
		return "strict base64url of one JSON object, with claims of the right types"
	default:
		return x.configured(s)
	}
}

// configured is what a step asks for that depends on the Config.
func (x *explanation) configured(s Step) string {
	v := x.by
	if v.router != nil {
		return "what the issuer's verifier asks for"
	}
	switch s {
	case StepAlgorithm:
		return "alg is " + listed(names(v.algorithms), " or ")
	case StepType:
		return "typ is " + listed(v.tokenTypes, " or ")
	case StepKey:
		return "the issuer has a key for kid and alg"
	case StepKind:
		if v.acceptIDTokens {
			return "an access token or an ID token"
		}
		return "an access token"
	case StepBinding:
		if v.insecureIgnoreConfirmation {
			return "anything (InsecureIgnoreConfirmation)"
		}
		return "no cnf"
	case StepTimes:
		return fmt.Sprintf("exp after now, nbf and iat not after now, each within %v", v.leeway)
	case StepIssuer:
		return `iss is "` + asciiOnly(v.issuer, maxShownText) + `"`
	case StepAudience:
		if v.audience.skip {
			return "any audience (InsecureSkipAudience)"
		}
		return "aud contains " + listed(v.audience.anyOf, " or ")
	default:
		if v.check == nil {
			return "nothing (no Config.Check)"
		}
		return "Config.Check allows it"
	}
}

func names(algorithms []Algorithm) []string {
	var names []string
	for _, a := range algorithms {
		names = append(names, a.String())
	}
	return names
}

// found is what a step that was reached came upon.
func (x *explanation) found(s Step, outcome StepOutcome) string {
	switch s {
	case StepRouting:
		return x.foundRouting(outcome)
	case StepSize:
		return fmt.Sprintf("%d bytes", len(x.raw))
	case StepForm:
		return fmt.Sprintf("%d dots", x.dots())
	case StepAlgorithm:
		return x.named("alg", x.header.Name)
	case StepType:
		return x.named("typ", x.header.Type)
	case StepKey:
		return x.foundKey(outcome)
	case StepSignature:
		return x.foundSignature(outcome)
	case StepHeader, StepEncoding, StepPayload, StepCheck:
		if outcome == StepFailed {
			return x.tell(x.cause())
		}
		return ""
	default:
		return x.foundClaim(s, outcome)
	}
}

func (x *explanation) foundRouting(outcome StepOutcome) string {
	c := x.anyClaims()
	switch {
	case outcome == StepFailed && (x.kind != ErrIssuer || c == nil):
		return x.tell(x.cause())
	case c == nil:
		return ""
	}
	return x.named("iss", c.issuer)
}

// foundKey is about the answer of the source of keys.
func (x *explanation) foundKey(outcome StepOutcome) string {
	kid := x.named("kid", x.header.KeyID)
	switch {
	case outcome == StepPassed && x.fit == 1:
		return kid + ", one key fits"
	case outcome == StepPassed:
		return fmt.Sprintf("%s, %d keys fit", kid, min(x.fit, maxCandidates))
	case x.kind != ErrUnknownKey:
		return x.tell(x.cause())
	case x.fit > maxCandidates:
		return fmt.Sprintf("%s, and more than %d keys fit", kid, maxCandidates)
	case x.offered > 0:
		return fmt.Sprintf("%s, and its key is used with another algorithm", kid)
	case x.keySet != nil && x.keySet.SkippedBecause != "":
		return fmt.Sprintf("%s, and its key is not usable: %s", kid, x.keySet.SkippedBecause)
	case x.keySet != nil && x.keySet.Published && x.header.KeyID != "":
		return fmt.Sprintf("%s, and its key does not fit %s", kid, x.show(x.header.Name))
	}
	return kid + ", no key"
}

func (x *explanation) foundSignature(outcome StepOutcome) string {
	switch {
	case outcome == StepPassed:
		return ""
	case x.fit == 1:
		return "not made with that key"
	}
	return fmt.Sprintf("not made with any of %d keys", min(x.fit, maxCandidates))
}

// foundClaim is about the payload.
func (x *explanation) foundClaim(s Step, outcome StepOutcome) string {
	c := x.claims
	switch s {
	case StepKind:
		if outcome == StepFailed {
			return x.tell(x.cause())
		}
		return ""
	case StepBinding:
		return x.foundBinding(c, outcome)
	case StepTimes:
		return x.foundTimes(c)
	case StepIssuer:
		return x.foundIssuer(c)
	default:
		return x.foundAudience(c)
	}
}

func (x *explanation) foundBinding(c *claims, outcome StepOutcome) string {
	switch {
	case !c.confirmation:
		return "no cnf"
	case outcome == StepPassed:
		return "cnf is present, and is not checked (InsecureIgnoreConfirmation)"
	}
	return "cnf is present"
}

// foundTimes tells the times by their distance from now.
func (x *explanation) foundTimes(c *claims) string {
	found := []string{"exp is " + x.distance(c.expires)}
	if !c.notBefore.IsZero() {
		found = append(found, "nbf is "+x.distance(c.notBefore))
	}
	if !c.issued.IsZero() {
		found = append(found, "iat is "+x.distance(c.issued))
	}
	return strings.Join(found, ", ")
}

func (x *explanation) distance(t time.Time) string {
	switch d := t.Sub(x.now).Round(time.Second); {
	case t.IsZero():
		return "absent"
	case d > 0:
		return fmt.Sprintf("%v from now", d)
	case d < 0:
		return fmt.Sprintf("%v ago", -d)
	default:
		return "now"
	}
}

// foundIssuer says where two issuers differ that look the same as far as they are
// shown.
func (x *explanation) foundIssuer(c *claims) string {
	found := x.named("iss", c.issuer)
	if ours := x.by.issuer; c.issuer != ours && c.issuer != "" && asciiOnly(c.issuer, maxShown) == asciiOnly(ours, maxShown) {
		return fmt.Sprintf("%s; it differs from byte %d on", found, common(c.issuer, ours))
	}
	return found
}

// common is the length of what two texts begin with.
func common(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func (x *explanation) foundAudience(c *claims) string {
	unchecked := ""
	if x.by.audience.skip {
		unchecked = ", and is not checked (InsecureSkipAudience)"
	}
	if len(c.audience) == 0 {
		return "aud is absent" + unchecked
	}
	var shown []string
	for _, audience := range c.audience {
		// The one that was accepted is worth more than the first ones.
		if len(shown) < maxShownAudiences || slices.Contains(x.by.audience.anyOf, audience) {
			shown = append(shown, `"`+x.show(audience)+`"`)
		}
		if len(shown) > 2*maxShownAudiences {
			break
		}
	}
	if more := len(c.audience) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	return "aud is " + strings.Join(shown, ", ") + unchecked
}
