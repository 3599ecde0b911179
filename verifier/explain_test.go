package verifier_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// maxReport bounds a report, in bytes.
const maxReport = 8 << 10

// wantExplained fails unless Explain decides as Verify does, and its report keeps
// what every report promises. It returns the report.
func wantExplained(tb testing.TB, v *verifier.Verifier, raw string) *verifier.Report {
	tb.Helper()
	_, err := v.Verify(tb.Context(), raw)
	r := v.Explain(tb.Context(), raw)
	if r.Accepted != (err == nil) || verifier.KindOf(r.Err()) != verifier.KindOf(err) {
		tb.Fatalf("Explain says %v, Verify says %v", r.Err(), err)
	}
	if err != nil && r.Kind != verifier.KindOf(err).String() || err == nil && r.Kind+string(r.FailedAt)+r.Reason+r.Hint.Cause != "" {
		tb.Errorf("kind %q at step %q because of %q, Verify says %v", r.Kind, r.FailedAt, r.Reason, err)
	}
	wantOrdered(tb, r)
	encoded, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	var decoded verifier.Report
	if err := json.Unmarshal(encoded, &decoded); err != nil || decoded.String() != r.String() {
		tb.Errorf("the JSON is of another report: %s, %v", encoded, err)
	}
	for _, text := range []string{r.String(), string(encoded), r.Line()} {
		wantFit(tb, text, raw)
	}
	if strings.ContainsAny(r.Line(), "\n\r\t") {
		tb.Errorf("the line is several: %q", r.Line())
	}
	return r
}

// wantOrdered fails unless the steps pass up to one that fails, behind which none is
// reached.
func wantOrdered(tb testing.TB, r *verifier.Report) {
	tb.Helper()
	order := []verifier.Step{
		verifier.StepSize, verifier.StepForm, verifier.StepHeader, verifier.StepAlgorithm, verifier.StepType,
		verifier.StepEncoding, verifier.StepKey, verifier.StepSignature, verifier.StepPayload, verifier.StepKind,
		verifier.StepBinding, verifier.StepTimes, verifier.StepIssuer, verifier.StepAudience, verifier.StepCheck,
	}
	var got []verifier.Step
	want := verifier.StepPassed
	if !r.Accepted && r.FailedAt == "" {
		want = verifier.StepNotReached
	}
	for _, s := range r.Steps {
		if s.Step != verifier.StepRouting {
			got = append(got, s.Step)
		}
		if s.Step == r.FailedAt {
			want = verifier.StepFailed
		}
		if s.Outcome != want {
			tb.Errorf("step %s: %s, want %s, in a report that failed at %q", s.Step, s.Outcome, want, r.FailedAt)
		}
		if s.Outcome == verifier.StepNotReached && s.Found != "" {
			tb.Errorf("step %s was not reached and found %q", s.Step, s.Found)
		}
		if want == verifier.StepFailed {
			want = verifier.StepNotReached
		}
	}
	if !slices.Equal(got, order) {
		tb.Errorf("steps %q, want %q", got, order)
	}
	if r.FailedAt != "" && want != verifier.StepNotReached {
		tb.Errorf("step %q failed, and is not in the report", r.FailedAt)
	}
}

// wantFit fails if a text is too long, unfit for a terminal, or gives the token away.
func wantFit(tb testing.TB, text, raw string) {
	tb.Helper()
	if len(text) > maxReport {
		tb.Errorf("%d bytes, and %d are allowed", len(text), maxReport)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }) {
		tb.Errorf("not fit to be printed: %q", text)
	}
	last := strings.LastIndexByte(raw, '.')
	if signature := raw[last+1:]; len(signature) >= 16 && strings.Contains(text, signature) {
		tb.Errorf("the signature is in %q", text)
	}
	if len(raw) > 80 && strings.Contains(text, raw) {
		tb.Errorf("the token is in %q", text)
	}
}

// stepOf returns one step of a report.
func stepOf(tb testing.TB, r *verifier.Report, s verifier.Step) verifier.StepReport {
	tb.Helper()
	i := slices.IndexFunc(r.Steps, func(report verifier.StepReport) bool { return report.Step == s })
	if i < 0 {
		tb.Fatalf("no step %s", s)
	}
	return r.Steps[i]
}

func TestExplainAnAcceptedToken(t *testing.T) {
	r := wantExplained(t, verifierWith(t), tokenWith())
	if !r.Accepted || r.Line() != "accepted" || !strings.HasPrefix(r.String(), "accepted\n") {
		t.Errorf("%s", r)
	}
	if c := r.Token.Claims; c == nil || !c.Verified || c.Issuer != issuer || !slices.Equal(c.Audience, []string{audience}) || c.AudienceCount != 1 ||
		!c.ExpiresAt.Equal(time.Unix(expires, 0)) || !c.IssuedAt.Equal(time.Unix(issued, 0)) || !c.NotBefore.IsZero() {
		t.Errorf("claims %+v", c)
	}
	if k := r.Token; k.Algorithm != "EdDSA" || k.KeyID != "ed25519" || k.Type != "at+jwt" || k.Bytes != len(tokenWith()) {
		t.Errorf("token %+v", k)
	}
	if !r.Now.Equal(time.Unix(issued+100, 0)) {
		t.Errorf("now is %v", r.Now)
	}
}

// Each row is a token and the step that it fails at, with words of the report's step.
func TestExplainNamesTheStepAndWhatItFound(t *testing.T) {
	good := tokenWith()
	payload := goodPayload.object()
	unsigned := func(header string) string { return jwstest.Encode(header) + "." + jwstest.Encode(payload) + "." }
	forged := jwstest.Encode(goodHeader.object()) + "." + jwstest.Encode(payload) + "." + jwstest.Encode(signature("something else"))
	for name, test := range map[string]struct {
		raw      string
		step     verifier.Step
		expected string
		found    string
	}{
		"too long":        {strings.Repeat("x", 16<<10+1), verifier.StepSize, "at most 16384 bytes", "16385 bytes"},
		"no dots":         {"opaque", verifier.StepForm, "two dots", "0 dots"},
		"five parts":      {good + ".a.b", verifier.StepForm, "two dots", "4 dots"},
		"header":          {"!" + good, verifier.StepHeader, "base64url", "header is not base64url"},
		"header, crit":    {headerWith("crit", `["x"]`), verifier.StepHeader, "without crit", "crit"},
		"alg":             {unsigned(`{"alg":"none"}`), verifier.StepAlgorithm, `alg is "EdDSA"`, `alg is "none"`},
		"typ":             {headerWith("typ", `"dpop+jwt"`), verifier.StepType, `typ is absent or "jwt" or "at+jwt"`, `typ is "dpop+jwt"`},
		"typ absent":      {headerWith("typ", `""`), verifier.StepCheck, "", ""}, // it is accepted
		"signature part":  {good + "=", verifier.StepEncoding, "base64url", "signature is not base64url"},
		"unknown key":     {headerWith("kid", `"other"`), verifier.StepKey, "the issuer has a key", `kid is "other", no key`},
		"signature":       {forged, verifier.StepSignature, "made with the key", "not made with that key"},
		"payload":         {signed(goodHeader.object(), "[]"), verifier.StepPayload, "one JSON object", "payload is not a JSON object"},
		"payload, types":  {tokenWith("exp", `"soon"`), verifier.StepPayload, "right types", "exp is not a number"},
		"ID token":        {tokenWith("typ", `"ID"`), verifier.StepKind, "an access token", "ID token"},
		"bound":           {tokenWith("cnf", `{"jkt":"x"}`), verifier.StepBinding, "no cnf", "cnf is present"},
		"expired":         {tokenWith("exp", "1767225000"), verifier.StepTimes, "within 30s", "exp is 11m40s ago, iat is 1m40s ago"},
		"exp absent":      {tokenWith("exp", ""), verifier.StepTimes, "exp after now", "exp is absent"},
		"nbf":             {tokenWith("nbf", "1767226700"), verifier.StepTimes, "nbf", "nbf is 16m40s from now"},
		"issuer":          {tokenWith("iss", `"https://other.example"`), verifier.StepIssuer, `iss is "https://id.example.com"`, `iss is "https://other.example"`},
		"issuer absent":   {tokenWith("iss", ""), verifier.StepIssuer, `iss is "https://id.example.com"`, "iss is absent"},
		"audience":        {tokenWith("aud", `["account","x"]`), verifier.StepAudience, `aud contains "todo-api"`, `aud is "account", "x"`},
		"audience absent": {tokenWith("aud", ""), verifier.StepAudience, `aud contains "todo-api"`, "aud is absent"},
	} {
		t.Run(name, func(t *testing.T) {
			r := wantExplained(t, verifierWith(t), test.raw)
			if r.Accepted && test.expected == "" {
				return
			}
			if r.FailedAt != test.step {
				t.Fatalf("failed at %q, want %q", r.FailedAt, test.step)
			}
			s := stepOf(t, r, test.step)
			if s.Outcome != verifier.StepFailed || !strings.Contains(s.Expected, test.expected) || !strings.Contains(s.Found, test.found) {
				t.Errorf("%+v, want expected %q, found %q", s, test.expected, test.found)
			}
			if !strings.Contains(r.String(), "FAIL  "+string(test.step)) {
				t.Errorf("the text does not say so:\n%s", r)
			}
			if !strings.HasPrefix(r.Line(), "refused at step "+string(test.step)+" ("+r.Kind+"): "+r.Reason) {
				t.Errorf("line %q", r.Line())
			}
		})
	}
}

func TestExplainConfigCheck(t *testing.T) {
	const secret = "alice@example.com"
	v := verifierWith(t, func(c *verifier.Config) {
		c.Check = func(context.Context, *verifier.Token) error { return errors.New("no account for " + secret) }
	})
	r := wantExplained(t, v, tokenWith())
	if r.FailedAt != verifier.StepCheck || !strings.Contains(stepOf(t, r, verifier.StepCheck).Found, secret) {
		t.Errorf("%s", r)
	}
	if want := "refused at step check (claim): Config.Check refused it"; r.Line() != want {
		t.Errorf("line %q, want %q", r.Line(), want)
	}
	none := wantExplained(t, verifierWith(t), tokenWith())
	if s := stepOf(t, none, verifier.StepCheck); s.Outcome != verifier.StepPassed || !strings.Contains(s.Expected, "no Config.Check") {
		t.Errorf("without a Check: %+v", s)
	}
	// Whatever kind a Check gives its error, its words do not reach the line.
	v = verifierWith(t, func(c *verifier.Config) {
		c.Check = func(context.Context, *verifier.Token) error {
			return &verifier.Error{Kind: verifier.ErrMalformed, Err: errors.New(secret)}
		}
	})
	if r := wantExplained(t, v, tokenWith()); strings.Contains(r.Line(), secret) {
		t.Errorf("line %q", r.Line())
	}
}

func TestExplainSettings(t *testing.T) {
	v := verifierWith(t, func(c *verifier.Config) {
		c.Audience = verifier.InsecureSkipAudience()
		c.InsecureIgnoreConfirmation, c.AcceptIDTokens = true, true
		c.Leeway = time.Minute
	})
	r := wantExplained(t, v, tokenWith("aud", "", "cnf", `{}`, "typ", `"ID"`))
	for step, want := range map[verifier.Step]string{
		verifier.StepAudience: "InsecureSkipAudience",
		verifier.StepBinding:  "InsecureIgnoreConfirmation",
		verifier.StepKind:     "an ID token",
		verifier.StepTimes:    "within 1m0s",
	} {
		if s := stepOf(t, r, step); s.Outcome != verifier.StepPassed || !strings.Contains(s.Expected, want) {
			t.Errorf("%+v, want expected %q", s, want)
		}
	}
	// What is dangerous is loud where the step passes, too.
	for _, want := range []string{"aud is absent, and is not checked (InsecureSkipAudience)", "cnf is present, and is not checked (InsecureIgnoreConfirmation)"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("%q is missing in\n%s", want, r)
		}
	}
}

// A developer wants to see the claims of a token that was refused early, and that
// nobody vouches for them.
func TestExplainMarksUnverifiedClaims(t *testing.T) {
	raw := headerWith("kid", `"other"`)
	r := wantExplained(t, verifierWith(t), raw)
	if r.Token.Claims == nil || r.Token.Claims.Verified || r.Token.Claims.Issuer != issuer {
		t.Errorf("claims %+v", r.Token.Claims)
	}
	if !strings.Contains(r.String(), "UNVERIFIED") {
		t.Errorf("not marked:\n%s", r)
	}
	if r := wantExplained(t, verifierWith(t), tokenWith("aud", `"x"`)); !r.Token.Claims.Verified || strings.Contains(r.String(), "UNVERIFIED") {
		t.Errorf("marked:\n%s", r)
	}
	if r := wantExplained(t, verifierWith(t), "a.b.c"); r.Token.Claims != nil || !strings.Contains(r.String(), "claims: not readable") {
		t.Errorf("claims of nothing:\n%s", r)
	}
}

// What is too long to be verified is too long to be read, too.
func TestExplainReadsNoTokenThatIsTooLong(t *testing.T) {
	v := verifierWith(t, func(c *verifier.Config) { c.MaxTokenBytes = 100 })
	if r := wantExplained(t, v, tokenWith()); r.FailedAt != verifier.StepSize || r.Token.Claims != nil || r.Token.Bytes != len(tokenWith()) {
		t.Errorf("%s", r)
	}
}

func TestExplainCountsTheKeysThatWereTried(t *testing.T) {
	forged := jwstest.Encode(goodHeader.object()) + "." + jwstest.Encode(goodPayload.object()) + "." + jwstest.Encode(signature("something else"))
	key := keyOf(t, "ed25519", verifier.EdDSA)
	v := listing(t, exactly{key, key, key, key, key}, verifier.EdDSA)
	r := wantExplained(t, v, forged)
	if got := stepOf(t, r, verifier.StepKey).Found; got != `kid is "ed25519", 4 keys fit` {
		t.Errorf("found %q", got)
	}
	if got := stepOf(t, r, verifier.StepSignature).Found; got != "not made with any of 4 keys" {
		t.Errorf("found %q", got)
	}
	unnamed := wantExplained(t, v, headerWith("kid", ""))
	if got := stepOf(t, unnamed, verifier.StepKey).Found; got != "kid is absent, and more than 4 keys fit" {
		t.Errorf("found %q", got)
	}
}

// No report has what would be needed to use the token, or whom it is of.
func TestExplainWithholdsTheTokenAndItsUser(t *testing.T) {
	private := []string{"sub", `"subject-7f"`, "jti", `"id-7f"`, "email", `"mail-7f"`, "scope", `"scope-7f"`, "client_id", `"client-7f"`}
	for name, raw := range map[string]string{
		"accepted":   tokenWith(private...),
		"refused":    tokenWith(append([]string{"aud", `"x"`}, private...)...),
		"unverified": signed(goodHeader.object("kid", `"x"`), goodPayload.object(private...)),
	} {
		t.Run(name, func(t *testing.T) {
			r := wantExplained(t, verifierWith(t), raw)
			encoded, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			for part := range strings.SplitSeq(raw, ".") {
				if strings.Contains(r.String()+string(encoded)+r.Line(), part[:20]) {
					t.Errorf("a part of the token is in:\n%s", r)
				}
			}
			if strings.Contains(r.String()+string(encoded)+r.Line(), "-7f") {
				t.Errorf("a claim that nobody needs is in:\n%s", r)
			}
		})
	}
	// Where a claim or the kid repeats the signature, it is withheld.
	last := tokenWith()[strings.LastIndexByte(tokenWith(), '.')+1:]
	forged := jwstest.Encode(goodHeader.object("kid", quote(last))) + "." + jwstest.Encode(goodPayload.object("aud", quote(last+"x"), "azp", quote(last))) + "." + last
	if r := wantExplained(t, verifierWith(t), forged); !strings.Contains(r.String(), "withheld") {
		t.Errorf("%s", r)
	}
}

// What the sender chooses does not reach the one-line form.
func TestExplainLineHasNoValueOfTheToken(t *testing.T) {
	const marked = "mark-7f"
	mark := quote(marked)
	header := func(changes ...string) string { return signed(goodHeader.object(changes...), goodPayload.object()) }
	for name, raw := range map[string]string{
		"alg": header("alg", mark), "typ": header("typ", mark), "kid": header("kid", mark),
		"iss": tokenWith("iss", mark), "aud": tokenWith("aud", mark), "payload typ": tokenWith("typ", mark, "exp", "1"),
		"sub": tokenWith("sub", mark, "exp", "1"), "a member": tokenWith(marked, "1", marked, "2"), "text": marked, "text with dots": marked + "." + marked + "." + marked,
		"a number": tokenWith("exp", mark), "a header member": header(marked, "1", marked, "2"),
	} {
		t.Run(name, func(t *testing.T) {
			if r := wantExplained(t, verifierWith(t), raw); strings.Contains(r.Line(), marked) {
				t.Errorf("line %q", r.Line())
			}
		})
	}
}

// The largest report that a stranger can cause is small.
func TestExplainIsBounded(t *testing.T) {
	long := strings.Repeat("\x01é\"\\", 50)
	aud := "[" + strings.Repeat(quote(long[:100])+",", 20) + quote(long) + "]"
	raw := signed(goodHeader.object("kid", quote(long[:240])), goodPayload.object("iss", quote(long), "aud", aud, "azp", quote(long)))
	v := verifierWith(t, func(c *verifier.Config) {
		c.Keys = described{exactly{}, verifier.KeySetState{
			Source: long, LastError: strings.Repeat(long, 20), SkippedBecause: strings.Repeat(long, 20), KIDs: slices.Repeat([]string{long}, 1000), Keys: 1000,
		}}
	})
	r := wantExplained(t, v, raw)
	if c := r.Token.Claims; c == nil || len(c.Audience) != 8 || c.AudienceCount != 21 || !strings.Contains(r.String(), "and 13 more") {
		t.Errorf("%s", r)
	}
	if len(r.KeySet.KIDs) != 16 || !strings.Contains(r.String(), "and 984 more") {
		t.Errorf("%s", r)
	}
	if claims := r.Token.Claims; len(claims.Issuer) > 64+len("…") {
		t.Errorf("iss has %d bytes", len(claims.Issuer))
	}
}

// A key without kid is no kid that is left out.
func TestExplainCountsKIDsAndNotKeys(t *testing.T) {
	v := verifierWith(t, func(c *verifier.Config) {
		c.Keys = described{exactly{}, verifier.KeySetState{KIDs: []string{"a", "b"}, Keys: 3}}
	})
	if r := v.Explain(t.Context(), signed(goodHeader.object(), goodPayload.object())); r.KeySet.KIDCount != 2 || strings.Contains(r.String(), " more") {
		t.Errorf("%s", r)
	}
}

// The accepted audience is shown, however many there are.
func TestExplainShowsTheAudienceThatMatched(t *testing.T) {
	aud := `["` + strings.Repeat(`x","`, 100) + audience + `"]`
	r := wantExplained(t, verifierWith(t), tokenWith("aud", aud))
	if s := stepOf(t, r, verifier.StepAudience); !strings.Contains(s.Found, quote(audience)) || !strings.Contains(s.Found, "92 more") {
		t.Errorf("%+v", s)
	}
}

func TestExplainSaysWhereLongIssuersDiffer(t *testing.T) {
	long := "https://id.example.com/" + strings.Repeat("x", 60)
	v := verifierWith(t, func(c *verifier.Config) { c.Issuer = long + "/a" })
	r := wantExplained(t, v, tokenWith("iss", quote(long+"/b")))
	if s := stepOf(t, r, verifier.StepIssuer); !strings.Contains(s.Found, "differs from byte 84 on") {
		t.Errorf("%+v", s)
	}
}

// described is a KeySet with a state.
type described struct {
	verifier.KeySet
	state verifier.KeySetState
}

func (d described) Describe(string, verifier.Algorithm) verifier.KeySetState { return d.state }

// witness is a KeySet that remembers what its state was asked for.
type witness struct {
	*source
	described []string
}

func (w *witness) Describe(kid string, alg verifier.Algorithm) verifier.KeySetState {
	w.described = append(w.described, kid+" "+alg.String())
	return verifier.KeySetState{Source: "here", Usable: true, Keys: 2, LookUp: verifier.LookUpRefused, Published: true, KeysForAlgorithm: 1}
}

func TestExplainAsksTheKeySetOnceAndForItsState(t *testing.T) {
	keys := &witness{source: sourceOf(keyOf(t, "ed25519", verifier.EdDSA))}
	v := verifierWith(t, func(c *verifier.Config) { c.Keys = keys })
	r := v.Explain(t.Context(), headerWith("kid", `"other"`))
	if !slices.Equal(keys.asked, []string{"other EdDSA"}) || !slices.Equal(keys.described, []string{"other EdDSA"}) {
		t.Errorf("asked %q, described %q", keys.asked, keys.described)
	}
	if r.KeySet == nil || r.KeySet.Source != "here" || r.KeySet.LookUp != verifier.LookUpRefused || !strings.Contains(r.String(), "refused, because too many unknown kids") {
		t.Errorf("%s", r)
	}
	// Where no key was asked for, there is no look-up to tell of.
	keys.asked, keys.described = nil, nil
	r = v.Explain(t.Context(), headerWith("alg", `"HS256"`))
	if len(keys.asked) != 0 || !slices.Equal(keys.described, []string{"ed25519 "}) || r.KeySet.LookUp != "" {
		t.Errorf("asked %q, described %q: %s", keys.asked, keys.described, r)
	}
	// An unreadable header names no key.
	if r = v.Explain(t.Context(), "x"); r.KeySet.Published || r.KeySet.KeysForAlgorithm != 0 {
		t.Errorf("%s", r)
	}
	// A KeySet need not tell.
	if r := verifierWith(t).Explain(t.Context(), tokenWith()); r.KeySet != nil {
		t.Errorf("key set %+v", r.KeySet)
	}
}

func TestExplainAnOutage(t *testing.T) {
	cause := &verifier.Error{Kind: verifier.ErrKeysUnavailable, Err: errors.New("the issuer is away")}
	v := verifierWith(t, func(c *verifier.Config) { c.Keys = &source{err: cause} })
	r := wantExplained(t, v, tokenWith())
	if r.FailedAt != verifier.StepKey || r.Kind != "keys_unavailable" || stepOf(t, r, verifier.StepKey).Found != "the issuer is away" {
		t.Errorf("%s", r)
	}
	if !strings.HasPrefix(r.String(), "not decided: ") || !strings.HasPrefix(r.Line(), "not decided at step key (keys_unavailable)") {
		t.Errorf("an outage is called a refusal: %s", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v = verifierWith(t, func(c *verifier.Config) { c.Keys = &source{err: context.Canceled} })
	if r := v.Explain(ctx, tokenWith()); r.Kind != "canceled" || r.FailedAt != verifier.StepKey {
		t.Errorf("%s", r)
	}
}

func TestExplainWithARouter(t *testing.T) {
	router, _, _ := twoIssuers(t)
	found, err := verifier.ByIssuerFunc(func(_ context.Context, iss string) (*verifier.Verifier, error) {
		if iss != issuer {
			return nil, verifier.ErrIssuer
		}
		return verifierWith(t), nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*verifier.Verifier{"ByIssuer": router, "ByIssuerFunc": found} {
		t.Run(name, func(t *testing.T) {
			r := wantExplained(t, v, tokenWith("iss", `"https://stranger.example"`))
			if r.FailedAt != verifier.StepRouting || r.Kind != "issuer" || r.Steps[0].Found != `iss is "https://stranger.example"` || r.Token.Claims.Verified {
				t.Errorf("%s", r)
			}
			if r := wantExplained(t, v, "x"); r.FailedAt != verifier.StepRouting || !strings.Contains(r.Steps[0].Found, "no dots") {
				t.Errorf("%s", r)
			}
			if r := wantExplained(t, v, tokenWith("iss", "1")); r.FailedAt != verifier.StepRouting || r.Kind != "claim" {
				t.Errorf("%s", r)
			}
			if r := wantExplained(t, v, strings.Repeat("x", 20<<10)); r.FailedAt != verifier.StepRouting || r.Token.Claims != nil {
				t.Errorf("%s", r)
			}
		})
	}
	r := wantExplained(t, found, tokenWith("aud", `"x"`))
	if r.Steps[0].Step != verifier.StepRouting || r.Steps[0].Outcome != verifier.StepPassed || r.FailedAt != verifier.StepAudience || !r.Token.Claims.Verified {
		t.Errorf("%s", r)
	}
	if s := stepOf(t, r, verifier.StepAudience); !strings.Contains(s.Expected, audience) {
		t.Errorf("the chosen verifier's settings are not told: %+v", s)
	}
	if r := wantExplained(t, found, tokenWith()); !r.Accepted {
		t.Errorf("%s", r)
	}
}

// A source of keys, resolve and Check are others' code, and return errors of any kind
// at a step where the kind is not at home: much of what the report reads is not there.
func TestExplainTakesAnyKindFromWhoeverReturnsIt(t *testing.T) {
	for kind := verifier.ErrInvalidToken; kind <= verifier.ErrMisconfigured; kind++ {
		for form, own := range map[string]error{"kind": kind, "error": &verifier.Error{Kind: kind, Err: errors.New("says somebody")}} {
			router, err := verifier.ByIssuerFunc(failing(own), nil)
			if err != nil {
				t.Fatal(err)
			}
			for at, v := range map[verifier.Step]*verifier.Verifier{
				verifier.StepRouting: router,
				verifier.StepKey:     verifierWith(t, realm, func(c *verifier.Config) { c.Keys = &source{err: own} }),
				verifier.StepCheck: verifierWith(t, realm, func(c *verifier.Config) {
					c.Check = func(context.Context, *verifier.Token) error { return own }
				}),
			} {
				t.Run(string(at)+"/"+kind.String()+"/"+form, func(t *testing.T) {
					r := wantExplained(t, v, from(realmIssuer))
					if r.FailedAt != at || r.Accepted {
						t.Errorf("%s", r)
					}
					if r.Hint.Cause == "other_algorithm" || r.Hint.Cause == "other_audience" {
						t.Errorf("a step that was not reached has a hint: %s", r)
					}
				})
			}
		}
	}
}

func TestExplainWithoutAVerifier(t *testing.T) {
	for name, v := range map[string]*verifier.Verifier{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			r := wantExplained(t, v, tokenWith())
			if r.Kind != "misconfigured" || r.FailedAt != "" {
				t.Errorf("%s", r)
			}
			if want := "not decided at step none (misconfigured): the program is misconfigured"; r.Line() != want {
				t.Errorf("line %q, want %q", r.Line(), want)
			}
		})
	}
	var none *verifier.Report
	if none.Line() != "no report" || none.String() != "no report\n" || new(verifier.Report).Line() != "no report" {
		t.Errorf("a zero Report says %q, %q", none.Line(), none.String())
	}
}

// An Observer counts what was sent, and not what was explained.
func TestExplainTellsNoObserver(t *testing.T) {
	told := 0
	v := verifierWith(t, observedBy(counting{&told}))
	v.Explain(t.Context(), tokenWith())
	v.Explain(t.Context(), "x")
	if told != 0 {
		t.Errorf("told %d times", told)
	}
}

type counting struct{ calls *int }

func (c counting) Verified(context.Context, verifier.Outcome) { *c.calls++ }

// Whatever is sent to whichever verifier, Explain decides as Verify does.
func TestExplainDecidesAsVerifyDoes(t *testing.T) {
	corpus := map[string]string{
		"good": tokenWith(), "expired": tokenWith("exp", "1"), "for another": tokenWith("aud", `"x"`), "another issuer's": tokenWith("iss", `"x"`),
		"bound": tokenWith("cnf", "null"), "ID": tokenWith("typ", `"ID"`), "no kid": headerWith("kid", ""), "RS256": signedBy(verifier.RS256, "rsa-2048"),
		"another key's": jwstest.Sign(jws.RS256, signer("rsa-2048-b"), goodHeader.object("alg", `"RS256"`, "kid", `"rsa-2048"`), goodPayload.object()),
	}
	for _, s := range samples {
		corpus[s.alg.String()] = testdata.Token(s.alg.String())
	}
	router, _, _ := twoIssuers(t)
	verifiers := map[string]*verifier.Verifier{
		"one key": verifierWith(t), "router": router, "no key": verifierWith(t, func(c *verifier.Config) { c.Keys = exactly{} }),
		"many keys":      listing(t, exactly(slices.Repeat([]*verifier.Key{keyOf(t, "ed25519", 0)}, 6)), verifier.EdDSA, verifier.RS256),
		"a nil key":      listing(t, exactly{nil}, verifier.EdDSA),
		"another alg":    listing(t, exactly{keyOf(t, "rsa-2048", verifier.RS512)}, verifier.RS256, verifier.EdDSA),
		"RSA":            listing(t, exactly{keyOf(t, "rsa-2048", 0)}, verifier.RS256),
		"the later time": verifierWith(t, func(c *verifier.Config) { c.Now = at(expires + 31) }),
	}
	kinds := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(corpus)) {
		raw := corpus[name]
		for _, changed := range []string{raw, raw[:len(raw)-1], raw[1:], raw + ".", raw + "\n", strings.ToUpper(raw)} {
			for _, v := range verifiers {
				kinds[wantExplained(t, v, changed).Kind] = true
			}
		}
	}
	for _, want := range []string{"", "malformed", "algorithm", "type", "binding", "unknown_key", "signature", "expired", "issuer", "audience"} {
		if !kinds[want] {
			t.Errorf("the corpus has no %q", want)
		}
	}
}

// Whatever is sent: no panic, Explain decides as Verify does, and the report keeps
// what every report promises.
func FuzzExplain(f *testing.F) {
	for _, raw := range []string{testdata.Token("EdDSA"), testdata.Token("ES256"), tokenWith("aud", `["account"]`), tokenWith("typ", `"Refresh"`), tokenWith("iss", `"http://x/realms/y"`)} {
		f.Add(raw)
		f.Add(raw + ".")
		f.Add(raw[:len(raw)-1])
		f.Add(`"` + raw + `"`)
	}
	f.Add("")
	f.Add("..")
	f.Add("e30.e30.")
	f.Add("Bearer x")
	last := tokenWith()[strings.LastIndexByte(tokenWith(), '.')+1:]
	f.Add(jwstest.Encode(goodHeader.object("kid", quote(last))) + "." + jwstest.Encode(goodPayload.object("aud", quote(last))) + "." + last)
	f.Add(jwstest.Encode(`{"alg":"none","kid":"`+strings.Repeat(`\u0001`, 200)+`"}`) + "." + jwstest.Encode(goodPayload.object("iss", quote(strings.Repeat("\u202e", 50)))) + ".")
	v := listing(f, exactly{keyOf(f, "ed25519", 0), keyOf(f, "p-256", verifier.ES256)}, verifier.EdDSA, verifier.ES256)
	router, err := verifier.ByIssuer(v)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, v := range []*verifier.Verifier{v, router} {
			wantExplained(t, v, raw)
		}
	})
}
