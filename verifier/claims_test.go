package verifier_test

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// instants are moments around the bound of a claim of time.
type instants map[string]struct {
	now    time.Time
	leeway time.Duration // 0 is the default, 30 s
	kind   verifier.Kind // 0 where the token is accepted
}

func (rows instants) run(t *testing.T, raw string) {
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			v := verifierWith(t, func(c *verifier.Config) {
				c.Now = func() time.Time { return row.now }
				c.Leeway = row.leeway
			})
			if row.kind == 0 {
				wantAccepted(t, v, raw)
				return
			}
			wantRefused(t, v, raw, row.kind)
		})
	}
}

func TestR54ExpEqualsNowIsExpired(t *testing.T) {
	exp := time.Unix(expires, 0)
	const none = time.Nanosecond
	instants{
		"a nanosecond before exp and the leeway": {exp.Add(30*time.Second - 1), 0, 0},
		"exactly exp and the leeway":             {exp.Add(30 * time.Second), 0, verifier.ErrExpired},
		"long after":                             {exp.AddDate(100, 0, 0), 0, verifier.ErrExpired},
		"exp, with as good as no leeway":         {exp, none, 0},
		"exp and that leeway":                    {exp.Add(none), none, verifier.ErrExpired},
		"with the most leeway, just before":      {exp.Add(5*time.Minute - 1), 5 * time.Minute, 0},
		"with the most leeway":                   {exp.Add(5 * time.Minute), 5 * time.Minute, verifier.ErrExpired},
	}.run(t, tokenWith())
	wantRefused(t, verifierWith(t), tokenWith("exp", "0"), verifier.ErrExpired)
	wantRefused(t, verifierWith(t), tokenWith("exp", "-0"), verifier.ErrExpired)
	wantRefused(t, verifierWith(t), tokenWith("exp", "1e-400"), verifier.ErrExpired)
}

func TestR55ExpIsRequired(t *testing.T) {
	refusals{
		"absent":     {tokenWith("exp", ""), verifier.ErrClaim, wasAsked},
		"named EXP":  {tokenWith("exp", "", "EXP", fmt.Sprint(expires)), verifier.ErrClaim, wasAsked},
		"further in": {tokenWith("exp", "", "x", `{"exp":1767229200}`), verifier.ErrClaim, wasAsked},
	}.run(t)
}

func TestR56NbfIsReached(t *testing.T) {
	nbf := time.Unix(issued+600, 0)
	instants{
		"exactly the leeway before": {nbf.Add(-30 * time.Second), 0, 0},
		"a nanosecond earlier":      {nbf.Add(-30*time.Second - 1), 0, verifier.ErrNotYetValid},
		"after":                     {nbf.Add(time.Second), 0, 0},
		"at nbf with no leeway":     {nbf, time.Nanosecond, 0},
		"before it with no leeway":  {nbf.Add(-2), time.Nanosecond, verifier.ErrNotYetValid},
	}.run(t, tokenWith("nbf", fmt.Sprint(issued+600)))
}

func TestR57IatIsNotInTheFuture(t *testing.T) {
	iat := time.Unix(issued, 0)
	instants{
		"exactly the leeway before": {iat.Add(-30 * time.Second), 0, 0},
		"a nanosecond earlier":      {iat.Add(-30*time.Second - 1), 0, verifier.ErrNotYetValid},
		"after":                     {iat.Add(time.Second), 0, 0},
	}.run(t, tokenWith())
	wantAccepted(t, verifierWith(t), tokenWith("iat", ""))
}

func TestR58NumericDateIsANumberInRange(t *testing.T) {
	rows := refusals{}
	for _, claim := range []string{"exp", "nbf", "iat"} {
		for name, raw := range map[string]string{
			"a string": `"1767229200"`, "true": "true", "null": "null", "an object": "{}", "an array": "[1767229200]",
			"negative": "-1", "beyond a float64": "1e400", "huge": "1e300", "the year 10000": "253402300800", "a string NaN": `"NaN"`,
			"milliseconds": "1767229200000",
		} {
			rows[claim+" is "+name] = refusal{tokenWith(claim, raw), verifier.ErrClaim, wasAsked}
		}
	}
	rows.run(t)
	for claim, raw := range map[string]string{"exp": "1767229200.75", "iat": "1.7672256e9", "nbf": "0"} {
		wantAccepted(t, verifierWith(t), tokenWith(claim, raw))
	}
	token := wantAccepted(t, verifierWith(t), tokenWith("exp", "1767229200.5", "iat", "1767225600.25", "nbf", "1E3"))
	if got := token.ExpiresAt(); !got.Equal(time.UnixMilli(1767229200500)) {
		t.Errorf("exp is %v", got)
	}
	if got := token.IssuedAt(); !got.Equal(time.UnixMilli(1767225600250)) {
		t.Errorf("iat is %v", got)
	}
	if got := token.NotBefore(); !got.Equal(time.Unix(1000, 0)) {
		t.Errorf("nbf is %v", got)
	}
	// A fraction counts.
	exact := verifierWith(t, func(c *verifier.Config) {
		c.Now, c.Leeway = func() time.Time { return time.UnixMilli(1767229200400) }, time.Nanosecond
	})
	wantAccepted(t, exact, tokenWith("exp", "1767229200.5"))
	wantRefused(t, exact, tokenWith("exp", "1767229200.25"), verifier.ErrExpired)
	wantAccepted(t, verifierWith(t), tokenWith("exp", "253402300799"))
}

func TestR59IssuerIsEqualByteForByte(t *testing.T) {
	rows := refusals{
		"absent":   {tokenWith("iss", ""), verifier.ErrIssuer, wasAsked},
		"a number": {tokenWith("iss", "1"), verifier.ErrClaim, wasAsked},
		"null":     {tokenWith("iss", "null"), verifier.ErrClaim, wasAsked},
		"an array": {tokenWith("iss", `["`+issuer+`"]`), verifier.ErrClaim, wasAsked},
	}
	for _, other := range []string{
		"", issuer + "/", issuer[:len(issuer)-1], issuer + ".attacker.example", "https://ID.example.com", "HTTPS://id.example.com",
		"http://id.example.com", "https://id.example.com:443", " " + issuer, issuer + " ", issuer + "\x00", "https://id.example.com/%2e", "id.example.com",
	} {
		rows["iss is "+quote(other)] = refusal{tokenWith("iss", quote(other)), verifier.ErrIssuer, wasAsked}
	}
	rows.run(t)
	wantAccepted(t, verifierWith(t), tokenWith("iss", `"https:\/\/id.example.com"`)) // the same string

	composed := func(c *verifier.Config) { c.Issuer = "https://id.example.com/é" }
	wantAccepted(t, verifierWith(t, composed), tokenWith("iss", `"https://id.example.com/é"`))
	wantRefused(t, verifierWith(t, composed), tokenWith("iss", `"https://id.example.com/e\u0301"`), verifier.ErrIssuer)
}

func TestR60AudienceContainsOneOfOurs(t *testing.T) {
	rows := refusals{
		"absent":                   {tokenWith("aud", ""), verifier.ErrAudience, wasAsked},
		"an empty array":           {tokenWith("aud", "[]"), verifier.ErrAudience, wasAsked},
		"foreign ones":             {tokenWith("aud", `["account","other"]`), verifier.ErrAudience, wasAsked},
		"ours in a foreign member": {tokenWith("aud", `"other"`, "azp", `"todo-api"`), verifier.ErrAudience, wasAsked},
	}
	for _, other := range []string{"", "other", "TODO-API", "todo-api ", " todo-api", "todo", "todo-api2", "todo-api other", "todo-api,other", "*"} {
		rows["aud is "+quote(other)] = refusal{tokenWith("aud", quote(other)), verifier.ErrAudience, wasAsked}
		rows["aud has "+quote(other)] = refusal{tokenWith("aud", "["+quote(other)+"]"), verifier.ErrAudience, wasAsked}
	}
	rows.run(t)
	v := verifierWith(t)
	wantAccepted(t, v, tokenWith("aud", `"todo-api"`))
	wantAccepted(t, v, tokenWith("aud", `["todo-api"]`))
	token := wantAccepted(t, v, tokenWith("aud", `["account","todo-api","x","y","z","account"]`))
	if got := strings.Join(token.Audience(), " "); got != "account todo-api x y z account" {
		t.Errorf("audience %q", got)
	}
	two := verifierWith(t, func(c *verifier.Config) { c.Audience = verifier.AnyOf("a", "b") })
	wantAccepted(t, two, tokenWith("aud", `["x","b"]`))
	wantRefused(t, two, tokenWith("aud", `["x","todo-api"]`), verifier.ErrAudience)

	skip := verifierWith(t, func(c *verifier.Config) { c.Audience = verifier.InsecureSkipAudience() })
	wantAccepted(t, skip, tokenWith("aud", ""))
	wantAccepted(t, skip, tokenWith("aud", `"other"`))
	wantRefused(t, skip, tokenWith("aud", "1"), verifier.ErrClaim)
}

func TestAudienceIsCopied(t *testing.T) {
	names := []string{"todo-api"}
	v := verifierWith(t, func(c *verifier.Config) { c.Audience = verifier.AnyOf(names...) })
	names[0] = "other"
	token := wantAccepted(t, v, tokenWith())
	token.Audience()[0] = "changed"
	if got := token.Audience()[0]; got != "todo-api" {
		t.Errorf("a caller changed the audience to %q", got)
	}
}

func TestR61ClaimsOfTheWrongTypeAreRefused(t *testing.T) {
	rows := refusals{
		"aud with a number":   {tokenWith("aud", `["todo-api",1]`), verifier.ErrClaim, wasAsked},
		"aud with null":       {tokenWith("aud", `["todo-api",null]`), verifier.ErrClaim, wasAsked},
		"aud with an array":   {tokenWith("aud", `["todo-api",["x"]]`), verifier.ErrClaim, wasAsked},
		"aud an object":       {tokenWith("aud", `{"todo-api":true}`), verifier.ErrClaim, wasAsked},
		"aud null":            {tokenWith("aud", `null`), verifier.ErrClaim, wasAsked},
		"scope an array":      {tokenWith("scope", `["todos:read"]`), verifier.ErrClaim, wasAsked},
		"aud number, expired": {tokenWith("aud", `1`, "exp", "1"), verifier.ErrClaim, wasAsked},
	}
	for _, claim := range []string{"sub", "jti", "scope", "client_id", "azp", "typ"} {
		for name, raw := range map[string]string{"a number": "1", "null": "null", "a bool": "false", "an object": `{"a":1}`, "an array": `["alice"]`} {
			rows[claim+" is "+name] = refusal{tokenWith(claim, raw), verifier.ErrClaim, wasAsked}
		}
	}
	rows.run(t)
	err := wantRefused(t, verifierWith(t), tokenWith("sub", "1"), verifier.ErrClaim)
	if !strings.Contains(err.Error(), "sub is not a string") {
		t.Errorf("the error does not name the claim: %v", err)
	}
}

func TestR62TypIsComparedWithoutCaseAndApplication(t *testing.T) {
	for _, typ := range []string{"JWT", "jwt", "application/jwt", "APPLICATION/JWT", "at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt", ""} {
		token := wantAccepted(t, verifierWith(t), headerWith("typ", quote(typ)))
		if token.Type() != typ {
			t.Errorf("type %q, want %q as written", token.Type(), typ)
		}
	}
	wantAccepted(t, verifierWith(t), headerWith("typ", ""))
	only := func(types ...string) func(*verifier.Config) {
		return func(c *verifier.Config) { c.TokenTypes = types }
	}
	v := verifierWith(t, only("application/AT+JWT"))
	wantAccepted(t, v, headerWith("typ", `"at+jwt"`))
	wantAccepted(t, v, headerWith("typ", `"application/at+jwt"`))
	wantRefused(t, v, headerWith("typ", `"JWT"`), verifier.ErrType)
	wantRefused(t, v, headerWith("typ", ""), verifier.ErrType)
	wantAccepted(t, verifierWith(t, only("vnd.example")), headerWith("typ", `"application/vnd.example"`))
	// "application/" stands before a value without another slash, and before no other.
	slash := verifierWith(t, only("example/jwt"))
	wantAccepted(t, slash, headerWith("typ", `"Example/JWT"`))
	wantRefused(t, slash, headerWith("typ", `"application/example/jwt"`), verifier.ErrType)
}

func TestR63OtherKindsAreNoAccessTokens(t *testing.T) {
	rows := refusals{}
	for _, typ := range []string{
		"logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "statuslist+jwt", "id+jwt", "JOSE", "oauth-authz-req+jwt", "client-authentication+jwt", "entity-statement+jwt",
		"application/", "application/application/jwt", "application/x/jwt", "text/jwt", "/jwt", "jwt ", "at+jwt;x", "at jwt", "x",
	} {
		rows["typ "+typ] = refusal{headerWith("typ", quote(typ)), verifier.ErrType, unasked}
		if !strings.Contains(typ, "/") {
			rows["typ application/"+typ] = refusal{headerWith("typ", quote("application/"+typ)), verifier.ErrType, unasked}
		}
	}
	rows["ID token by at_hash"] = refusal{tokenWith("at_hash", `"x"`), verifier.ErrType, wasAsked}
	rows["ID token by c_hash"] = refusal{tokenWith("c_hash", `"x"`), verifier.ErrType, wasAsked}
	rows["security event by events"] = refusal{tokenWith("events", `{}`), verifier.ErrType, wasAsked}
	rows["ID token by a null at_hash"] = refusal{tokenWith("at_hash", `null`), verifier.ErrType, wasAsked}
	rows.run(t)
}

func TestR64KeycloaksOtherTokensAreRefused(t *testing.T) {
	rows := refusals{}
	for _, typ := range []string{"ID", "Refresh", "Offline", "Logout", "id", "REFRESH", "offline", "logout"} {
		rows[typ] = refusal{signed(goodHeader.object("typ", `"JWT"`), goodPayload.object("typ", quote(typ))), verifier.ErrType, wasAsked}
	}
	rows.run(t)
	wantAccepted(t, verifierWith(t), tokenWith("typ", `"Bearer"`))
}

func TestKindIsDecidedBeforeTimesAndAudience(t *testing.T) {
	refusals{
		"an ID token for a client":    {tokenWith("typ", `"ID"`, "aud", `"todo-web"`), verifier.ErrType, wasAsked},
		"an ID token that expired":    {tokenWith("at_hash", `"x"`, "exp", "1"), verifier.ErrType, wasAsked},
		"a bound token, foreign":      {tokenWith("cnf", `{"jkt":"x"}`, "aud", `"x"`), verifier.ErrBinding, wasAsked},
		"a refresh token, foreign":    {tokenWith("typ", `"Refresh"`, "iss", `"x"`), verifier.ErrType, wasAsked},
		"expired, of another issuer":  {tokenWith("exp", "1", "iss", `"x"`), verifier.ErrExpired, wasAsked},
		"another issuer and audience": {tokenWith("iss", `"x"`, "aud", `"x"`), verifier.ErrIssuer, wasAsked},
		"alg before typ":              {headerWith("alg", `"none"`, "typ", `"x"`), verifier.ErrAlgorithm, unasked},
	}.run(t)
}

func TestAcceptIDTokens(t *testing.T) {
	accept := func(c *verifier.Config) { c.AcceptIDTokens = true }
	v := verifierWith(t, accept)
	wantAccepted(t, v, tokenWith("at_hash", `"x"`, "c_hash", `"x"`))
	wantAccepted(t, v, tokenWith("typ", `"ID"`))
	refusals{
		"a refresh token":           {tokenWith("typ", `"Refresh"`), verifier.ErrType, wasAsked},
		"a refresh token, at_hash":  {tokenWith("typ", `"Refresh"`, "at_hash", `"x"`), verifier.ErrType, wasAsked},
		"a logout token":            {tokenWith("typ", `"Logout"`), verifier.ErrType, wasAsked},
		"an ID token for another":   {tokenWith("typ", `"ID"`, "aud", `"x"`), verifier.ErrAudience, wasAsked},
		"a logout token by events":  {tokenWith("events", `{}`, "typ", `"ID"`), verifier.ErrType, wasAsked},
		"a bound ID token":          {tokenWith("typ", `"ID"`, "cnf", `{}`), verifier.ErrBinding, wasAsked},
		"an ID token that expired":  {tokenWith("typ", `"ID"`, "exp", "1"), verifier.ErrExpired, wasAsked},
		"an ID token of somebody":   {tokenWith("typ", `"ID"`, "iss", `"x"`), verifier.ErrIssuer, wasAsked},
		"an offline token, at_hash": {tokenWith("typ", `"Offline"`, "at_hash", `"x"`), verifier.ErrType, wasAsked},
	}.run(t, accept)
}

func TestR84R88BoundTokensAreRefused(t *testing.T) {
	rows := refusals{}
	for _, cnf := range []string{`{"jkt":"x"}`, `{"x5t#S256":"x"}`, `{"x":1}`, `{}`, `null`, `"x"`, `[]`, `false`} {
		rows["cnf "+cnf] = refusal{tokenWith("cnf", cnf), verifier.ErrBinding, wasAsked}
		ignore := verifierWith(t, func(c *verifier.Config) { c.InsecureIgnoreConfirmation = true })
		wantAccepted(t, ignore, tokenWith("cnf", cnf))
		wantRefused(t, ignore, tokenWith("cnf", cnf, "typ", `"ID"`), verifier.ErrType)
	}
	rows.run(t)
}

func TestR68ScopesAreMatchedWhole(t *testing.T) {
	for name, test := range map[string]struct {
		scope string // raw JSON, "" for absent
		list  []string
		has   []string
		lacks []string
	}{
		"two":                     {`"todos:read todos:write"`, []string{"todos:read", "todos:write"}, []string{"todos:read", "todos:write"}, []string{"todos", "todos:", "read", "todos:rea", "todos:read ", "todos:read todos:write", "", " ", "TODOS:READ"}},
		"absent":                  {"", nil, nil, []string{"", "todos:read"}},
		"empty":                   {`""`, nil, nil, []string{""}},
		"only spaces":             {`"   "`, nil, nil, []string{"", " "}},
		"several spaces":          {`"  a   b "`, []string{"a", "b"}, []string{"a", "b"}, []string{"", "a b"}},
		"a tab is no separator":   {`"a\tb"`, []string{"a\tb"}, []string{"a\tb"}, []string{"a", "b"}},
		"nor is a hard space":     {`"a\u00a0b"`, []string{"a\u00a0b"}, []string{"a\u00a0b"}, []string{"a", "b"}},
		"nor is a comma":          {`"a,b"`, []string{"a,b"}, []string{"a,b"}, []string{"a", "b"}},
		"escaped":                 {`"a\u0020b"`, []string{"a", "b"}, []string{"a", "b"}, nil},
		"scp is not read instead": {"", nil, nil, []string{"todos:read"}},
	} {
		t.Run(name, func(t *testing.T) {
			token := wantAccepted(t, verifierWith(t), tokenWith("scope", test.scope, "scp", `"todos:read"`))
			if got := token.Scopes(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", test.list) {
				t.Errorf("scopes %q, want %q", got, test.list)
			}
			for _, scope := range test.has {
				if !token.HasScope(scope) {
					t.Errorf("lacks %q", scope)
				}
			}
			for _, scope := range test.lacks {
				if token.HasScope(scope) {
					t.Errorf("has %q", scope)
				}
			}
		})
	}
}

func TestClaimsDecodeThePayload(t *testing.T) {
	token := wantAccepted(t, verifierWith(t), tokenWith("email", `"alice@example.com"`, "n", "1", "x", `{"y":[1,2]}`))
	t.Run("into a struct", func(t *testing.T) {
		c, err := verifier.Claims[struct {
			Email string `json:"email"`
			X     struct {
				Y []int `json:"y"`
			} `json:"x"`
		}](token)
		if err != nil || c.Email != "alice@example.com" || len(c.X.Y) != 2 {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("names match exactly", func(t *testing.T) {
		c, err := verifier.Claims[struct {
			Email string `json:"EMAIL"`
		}](token)
		if err != nil || c.Email != "" {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("into a map, which the caller owns", func(t *testing.T) {
		c, err := verifier.Claims[map[string]jsontext.Value](token)
		if err != nil || string(c["n"]) != "1" {
			t.Fatalf("got %v, %v", c, err)
		}
		c["n"][0] = '2'
		again, err := verifier.Claims[map[string]jsontext.Value](token)
		if err != nil || string(again["n"]) != "1" {
			t.Errorf("a caller changed the claims: %s, %v", again["n"], err)
		}
	})
	t.Run("not where they do not fit", func(t *testing.T) {
		c, err := verifier.Claims[struct {
			Subject string `json:"sub"`
			Email   int    `json:"email"`
		}](token)
		wantKind(t, err, verifier.ErrClaim)
		if c.Subject != "" || strings.Contains(err.Error(), "alice") {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("nothing of a token that nobody verified", func(t *testing.T) {
		for _, none := range []*verifier.Token{nil, {}} {
			_, err := verifier.Claims[map[string]any](none)
			wantKind(t, err, verifier.ErrMisconfigured)
			if errors.Is(err, verifier.ErrInvalidToken) {
				t.Error("the token is blamed for a bug of the program")
			}
		}
	})
}
