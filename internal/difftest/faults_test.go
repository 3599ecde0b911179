package difftest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// unavailable is a KeySet that cannot answer.
type unavailable struct{}

func (unavailable) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	return nil, verifier.ErrKeysUnavailable
}

// A judge whose verifier has a fault finds it.
func TestTheJudgeFindsFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault  func(*verifier.Config)
		recipe recipe
		want   string
	}{
		"accepts expired tokens":   {func(c *verifier.Config) { c.Leeway = time.Minute }, payload("exp", "1767225650"), "go-jose refuses it"},
		"accepts them at exp":      {func(c *verifier.Config) { c.Leeway += time.Nanosecond }, payload("exp", "1767225670"), "this rule: expiry reached"},
		"accepts tokens too early": {func(c *verifier.Config) { c.Leeway = time.Minute }, payload("nbf", "1767225750"), "go-jose refuses it"},
		"accepts another audience": {func(c *verifier.Config) { c.Audience = verifier.AnyOf("x") }, payload("aud", `"x"`), "go-jose refuses it"},
		"accepts no audience":      {func(c *verifier.Config) { c.Audience = verifier.InsecureSkipAudience() }, payload("aud", ""), "go-jose refuses it"},
		"accepts another issuer":   {func(c *verifier.Config) { c.Issuer = "x" }, payload("iss", `"x"`), "go-jose refuses it"},
		"accepts ID tokens":        {func(c *verifier.Config) { c.AcceptIDTokens = true }, payload("at_hash", "1"), "this rule: kind of token"},
		"accepts bound tokens":     {func(c *verifier.Config) { c.InsecureIgnoreConfirmation = true }, payload("cnf", "{}"), "this rule: binding"},
		"accepts other types":      {func(c *verifier.Config) { c.TokenTypes = []string{"dpop+jwt"} }, header("typ", `"dpop+jwt"`), "this rule: token type"},
		"accepts long tokens":      {func(c *verifier.Config) { c.MaxTokenBytes = 1 << 20 }, payload("x", `"`+strings.Repeat("x", 12_500)+`"`), "this rule: token size"},
		"knows no audience":        {func(c *verifier.Config) { c.Audience = verifier.AnyOf("x") }, under(ed25519Signer), "no reason is found"},
		"knows another issuer":     {func(c *verifier.Config) { c.Issuer = "x" }, under(ed25519Signer), "no reason is found"},
		"lacks an algorithm":       {func(c *verifier.Config) { c.Algorithms = c.Algorithms[1:] }, under(ed25519Signer), "no reason is found"},
		"refuses without reason": {
			func(c *verifier.Config) {
				c.Check = func(context.Context, *verifier.Token) error { return errors.New("no") }
			},
			under(ed25519Signer), "no reason is found",
		},
		// A reason for one kind is none for another.
		"refuses for another reason": {
			func(c *verifier.Config) {
				c.Check = func(context.Context, *verifier.Token) error { return verifier.ErrAudience }
			},
			payload("nbf", "1767225700"), "no reason is found",
		},
		"has no keys":             {func(c *verifier.Config) { c.Keys = unavailable{} }, under(ed25519Signer), "no fault of the token"},
		"accepts, jwk or not":     {func(c *verifier.Config) { c.Leeway = time.Minute }, recipe{header: goodHeader.with("jwk", "{}").String(), payload: goodPayload.with("exp", "1767225650").String()}, "refuses it without the jwk"},
		"has another clock":       {func(c *verifier.Config) { c.Now = func() time.Time { return time.Unix(now+1000, 0) } }, under(ed25519Signer), "no reason is found"},
		"has a clock that is old": {func(c *verifier.Config) { c.Now = func() time.Time { return time.Unix(now-200, 0) } }, under(ed25519Signer), "no reason is found"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newJudge(t, test.fault).judge(t.Context(), test.recipe.token())
			if v.outcome != faulty || !strings.Contains(v.why, test.want) {
				t.Errorf("outcome %d, %q; want a fault that says %q", v.outcome, v.why, test.want)
			}
		})
	}
}

// What the two sides read is compared, not only whether they accept.
func TestTheJudgeComparesClaims(t *testing.T) {
	j := newJudge(t)
	raw := payload("nbf", "1767225600.5").token()
	token, err := j.verifier.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if o := j.reference.read(raw); o.err != nil {
		t.Fatal(o.err)
	}
	for name, change := range map[string]func(*opinion){
		"payload": func(o *opinion) { o.payload = append([]byte(nil), o.payload[1:]...) },
		"iss":     func(o *opinion) { o.claims.Issuer += "/" },
		"sub":     func(o *opinion) { o.claims.Subject = "" },
		"jti":     func(o *opinion) { o.claims.ID = "two" },
		"aud":     func(o *opinion) { o.claims.Audience = append(o.claims.Audience, "x") },
		"exp":     func(o *opinion) { *o.claims.Expiry++ },
		"nbf":     func(o *opinion) { o.claims.NotBefore = nil },
		"iat":     func(o *opinion) { *o.claims.IssuedAt-- },
		"kid":     func(o *opinion) { o.header.KeyID = "" },
		"alg":     func(o *opinion) { o.header.Algorithm = "ES256" },
	} {
		o := j.reference.read(raw)
		if outcome, why := same(token, &o); outcome != bothAccept {
			t.Fatalf("unchanged: %q", why)
		}
		change(&o)
		if outcome, why := same(token, &o); outcome != faulty || !strings.HasPrefix(why, name) {
			t.Errorf("%s is changed: outcome %d, %q", name, outcome, why)
		}
	}
}
