package verifier

import "github.com/bearerproof/bearerproof/internal/jws"

// Step is one of the checks of Verify, as a [Report] names it.
type Step string

// The steps, in the order in which Verify takes them; the package comment says more of
// each.
const (
	StepRouting   Step = "routing"        // "iss" chooses a verifier; [ByIssuer] and [ByIssuerFunc] alone
	StepSize      Step = "size"           // the token is not too long
	StepForm      Step = "form"           // there are exactly two dots
	StepHeader    Step = "header"         // the header can be read
	StepAlgorithm Step = "algorithm"      // "alg" is in Config.Algorithms
	StepType      Step = "type"           // the header's "typ" is in Config.TokenTypes
	StepEncoding  Step = "signature_part" // the signature part can be read
	StepKey       Step = "key"            // the issuer has a key for "kid" and "alg"
	StepSignature Step = "signature"      // one of them made the signature
	StepPayload   Step = "payload"        // the payload can be read
	StepKind      Step = "kind"           // the claims are an access token's
	StepBinding   Step = "binding"        // the token is not bound to a key that nobody checked
	StepTimes     Step = "times"          // "exp", "nbf" and "iat"
	StepIssuer    Step = "issuer"         // "iss" is Config.Issuer
	StepAudience  Step = "audience"       // "aud" names this service
	StepCheck     Step = "check"          // Config.Check
)

// steps lists the steps in their order.
var steps = [...]Step{
	StepRouting, StepSize, StepForm, StepHeader, StepAlgorithm, StepType, StepEncoding, StepKey,
	StepSignature, StepPayload, StepKind, StepBinding, StepTimes, StepIssuer, StepAudience, StepCheck,
}

// trace is what [Verifier.Explain] learns of one call. The steps of Verify fill it; a
// nil trace, which is Verify's, takes nothing and costs nothing.
type trace struct {
	routed  bool        // a router had to choose
	step    Step        // the one that was begun last, or "" for none
	header  *jws.Header // nil: not read
	claims  *claims     // nil: not read after a good signature
	offered int         // keys that the source returned
	fit     int         // of them, those that were bound to the algorithm; at most one more than are tried
}

// reach is called when a step begins.
func (tr *trace) reach(s Step) {
	if tr == nil {
		return
	}
	tr.routed = tr.routed || s == StepRouting
	tr.step = s
}

// read is called when the header has been read.
func (tr *trace) read(h jws.Header) {
	if tr != nil {
		kept := h // a message does not last
		tr.header = &kept
	}
}

// candidates is called when the source of keys has answered.
func (tr *trace) candidates(offered, fit int) {
	if tr != nil {
		tr.offered, tr.fit = offered, fit
	}
}

// trust is called when the payload of a signed token has been read.
func (tr *trace) trust(c *claims) {
	if tr != nil {
		tr.claims = c
	}
}
