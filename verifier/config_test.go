package verifier_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// bound is a key source that says whose keys it has.
type bound struct {
	*source
	issuer string
}

func (b bound) Issuer() string { return b.issuer }

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*verifier.Config)
		want   string
	}{
		"no issuer":               {func(c *verifier.Config) { c.Issuer = "" }, "Config.Issuer"},
		"no audience decided":     {func(c *verifier.Config) { c.Audience = verifier.Audience{} }, "Config.Audience"},
		"no audience named":       {func(c *verifier.Config) { c.Audience = verifier.AnyOf() }, "Config.Audience"},
		"an empty audience":       {func(c *verifier.Config) { c.Audience = verifier.AnyOf("api", "") }, "Config.Audience"},
		"no algorithms":           {func(c *verifier.Config) { c.Algorithms = nil }, "Config.Algorithms"},
		"a zero algorithm":        {func(c *verifier.Config) { c.Algorithms = []verifier.Algorithm{verifier.RS256, 0} }, "Config.Algorithms"},
		"no such algorithm":       {func(c *verifier.Config) { c.Algorithms = []verifier.Algorithm{99} }, "Config.Algorithms"},
		"no keys":                 {func(c *verifier.Config) { c.Keys = nil }, "Config.Keys"},
		"keys of another issuer":  {func(c *verifier.Config) { c.Keys = bound{sourceOf(), "https://other.example"} }, "Config.Keys"},
		"keys of nearly the same": {func(c *verifier.Config) { c.Keys = bound{sourceOf(), issuer + "/"} }, "Config.Keys"},
		"negative leeway":         {func(c *verifier.Config) { c.Leeway = -1 }, "Config.Leeway"},
		"too much leeway":         {func(c *verifier.Config) { c.Leeway = 5*time.Minute + 1 }, "Config.Leeway"},
		"negative size":           {func(c *verifier.Config) { c.MaxTokenBytes = -1 }, "Config.MaxTokenBytes"},
		"too large a size":        {func(c *verifier.Config) { c.MaxTokenBytes = 1<<20 + 1 }, "Config.MaxTokenBytes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t)
			test.change(&c)
			v, err := verifier.New(c)
			if v != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New gave %v, %v; want an error that names %s", v != nil, err, test.want)
			}
		})
	}
}

func TestNewTakesWhatIsRight(t *testing.T) {
	for name, change := range map[string]func(*verifier.Config){
		"the least":                         func(*verifier.Config) {},
		"keys of this issuer":               func(c *verifier.Config) { c.Keys = bound{sourceOf(), issuer} },
		"keys of a source that cannot tell": func(c *verifier.Config) { c.Keys = bound{sourceOf(), ""} },
		"any audience":                      func(c *verifier.Config) { c.Audience = verifier.InsecureSkipAudience() },
		"the bounds":                        func(c *verifier.Config) { c.Leeway, c.MaxTokenBytes = 5*time.Minute, 1<<20 },
	} {
		t.Run(name, func(t *testing.T) { verifierWith(t, change) })
	}
}

// R53: what the caller does with its slices afterwards changes no decision.
func TestNewCopiesTheConfig(t *testing.T) {
	algorithms := []verifier.Algorithm{verifier.EdDSA}
	types := []string{"at+jwt"}
	v := verifierWith(t, func(c *verifier.Config) { c.Algorithms, c.TokenTypes = algorithms, types })
	algorithms[0], types[0] = verifier.RS256, "x"
	wantAccepted(t, v, tokenWith())
}

func TestNewAsksForNoKey(t *testing.T) {
	keys := sourceOf()
	verifierWith(t, func(c *verifier.Config) { c.Keys = keys })
	if len(keys.asked) > 0 {
		t.Errorf("New asked for %q", keys.asked)
	}
}

// Without Config.Now the clock is the machine's, which is long past the sample
// token's exp and before the year 9999.
func TestNowDefaultsToTheClock(t *testing.T) {
	v := verifierWith(t, func(c *verifier.Config) { c.Now = nil })
	wantAccepted(t, v, tokenWith("exp", "253402300799", "iat", "1"))
	wantRefused(t, v, tokenWith("exp", "1000000000", "iat", "1"), verifier.ErrExpired)
}

func TestVerifierThatNewDidNotMakeRefusesEverything(t *testing.T) {
	for name, v := range map[string]*verifier.Verifier{"nil": nil, "zero": {}} {
		for _, raw := range []string{tokenWith(), "", "a.b.c"} {
			token, err := v.Verify(t.Context(), raw)
			if token != nil {
				t.Errorf("a %s Verifier returned a token", name)
			}
			wantKind(t, err, verifier.ErrMisconfigured)
		}
	}
}
