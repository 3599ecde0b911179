package main

import (
	"encoding/json/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// explainAt explains a token to the audience "api".
func explainAt(idp *issuertest.Issuer, token string, flags ...string) result {
	return command(token, append([]string{"explain", "--issuer", idp.URL(), "--audience", "api"}, flags...)...)
}

func TestExplainAcceptsAGoodToken(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	token := idp.Token(nil)
	for name, input := range map[string]string{
		"plain": token, "a line": token + "\n", "white space": "\r\n\t " + token + " \n",
		"the scheme": "Bearer " + token, "lower case": "bearer  " + token + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := explainAt(idp, input)
			r.want(t, exitGood, "accepted", "pass  signature", "claims, signed by the issuer", idp.Key().ID(), "the issuer's clock: ")
			if r.stderr != "" {
				t.Errorf("stderr %q", r.stderr)
			}
			if strings.Contains(r.stdout, "\x1b") {
				t.Error("there are colours, and nobody looks at a terminal")
			}
		})
	}
}

func TestExplainRefuses(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	for name, test := range map[string]struct {
		token string
		step  string
		hint  string
	}{
		"another audience": {idp.Token(issuertest.Claims{"aud": "billing"}), "audience", "for another service"},
		"expired":          {idp.Token(issuertest.Claims{"exp": time.Now().Add(-time.Hour)}), "times", "time is over"},
		"a refresh token":  {idp.Token(issuertest.Claims{"typ": "Refresh"}), "kind", "refresh token"},
		"an unknown key":   {idp.NewKey(verifier.RS256).Token(nil), "key", "does not publish the token's key"},
		"another alg":      {idp.NewKey(verifier.ES256).Token(nil), "algorithm", "Config.Algorithms"},
		"nonsense":         {"nonsense", "form", "no JWT"},
	} {
		t.Run(name, func(t *testing.T) {
			r := explainAt(idp, test.token)
			r.want(t, exitBad, "refused: ", "FAIL  "+test.step, test.hint)
			last := test.token[strings.LastIndexByte(test.token, '.')+1:]
			if len(last) > 20 && strings.Contains(r.stdout+r.stderr, last) {
				t.Error("the signature is printed")
			}
		})
	}
}

func TestExplainPrintsJSON(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	r := explainAt(idp, idp.Token(issuertest.Claims{"aud": "billing"}), "--json")
	r.want(t, exitBad)
	var report verifier.Report
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatalf("%v: %s", err, r.stdout)
	}
	if report.Kind != "audience" || report.Hint.Cause != "other_audience" || report.KeySet == nil || report.KeySet.Keys != 1 {
		t.Errorf("%+v", report)
	}
}

func TestExplainHasTheVerifiersSettings(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	old := idp.Token(issuertest.Claims{"exp": time.Now().Add(-time.Minute)})
	explainAt(idp, old).want(t, exitBad, "within 30s")
	explainAt(idp, old, "--leeway", "2m").want(t, exitGood)
	justNow := idp.Token(issuertest.Claims{"exp": time.Now().Add(-10 * time.Second)})
	explainAt(idp, justNow, "--leeway", "0").want(t, exitBad, "FAIL  times")
	key := idp.AddKey(verifier.ES256)
	explainAt(idp, key.Token(nil), "--alg", "RS256, ES256").want(t, exitGood)
	explainAt(idp, key.Token(nil), "--alg", "RS256", "--alg", "ES256").want(t, exitGood)
	explainAt(idp, idp.Token(issuertest.Claims{"aud": "two"}), "--alg", "ES256", "--audience", "two").want(t, exitGood)
	command(key.Token(nil), "explain", "--issuer", idp.URL(), "--jwks-url", idp.KeySet().URL(), "--audience", "api", "--alg", "ES256").want(t, exitGood)
}

func TestExplainWarnsLoudlyOfAnyAudience(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	r := command(idp.Token(issuertest.Claims{"aud": nil}), "explain", "--issuer", idp.URL(), "--any-audience")
	r.want(t, exitGood, "InsecureSkipAudience")
	if !strings.Contains(r.stderr, "WARNING") {
		t.Errorf("stderr %q", r.stderr)
	}
}

// Without keys there is no verdict.
func TestExplainWithoutAnIssuer(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	token := idp.Token(nil)
	idp.Stop()
	explainAt(idp, token).want(t, exitUnusable, "keys_unavailable", "FAIL  key", "NOT USABLE", "Check its address")
	// What can be refused without keys is.
	explainAt(idp, "nonsense").want(t, exitBad, "FAIL  form")
}

// An issuer that hangs is waited for as long as was asked, and no longer.
func TestExplainEndsWithItsTimeout(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	token := idp.Token(nil)
	idp.Break(issuertest.Hang())
	explainAt(idp, token, "--timeout", "50ms").want(t, exitUnusable, "FAIL  key")
}

func TestExplainReadsAFile(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("Bearer "+idp.Token(nil)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	explainAt(idp, "not read", path).want(t, exitGood, "accepted")
	explainAt(idp, idp.Token(nil), "-").want(t, exitGood, "accepted")
	if r := explainAt(idp, "", path+"x"); strings.Contains(r.stderr, path) {
		t.Errorf("the argument, which may be part of a token, is repeated: %q", r.stderr)
	}
	explainAt(idp, "", path+"x").wantError(t, "no such file")
	explainAt(idp, "", t.TempDir()).wantError(t, "cannot be read")
	explainAt(idp, "", path, path).wantError(t, "more than one file")
	explainAt(idp, " \n").wantError(t, "the input is empty")
	explainAt(idp, "Bearer").want(t, exitBad)
	explainAt(idp, strings.Repeat("x", 1<<20+1)).wantError(t, "longer than 1048576 bytes")
}

// A token on the command line is in the shell's history; it does not get into a log
// through the error, too.
func TestExplainRefusesATokenAsAnArgument(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	token := idp.Token(nil)
	opaque := strings.Repeat("AbC.", 50)
	for name, args := range map[string][]string{
		"alone": {token}, "with its scheme": {"Bearer " + token}, "behind its scheme": {"bearer", token},
		"behind a file": {"file", token}, "before flags": {token, "--json"}, "of no known form": {opaque},
	} {
		t.Run(name, func(t *testing.T) {
			r := explainAt(idp, "", args...)
			r.wantError(t, "looks like a token")
			if strings.Contains(r.stderr, "eyJ") || strings.Contains(r.stderr, "AbC") {
				t.Errorf("the token is repeated: %q", r.stderr)
			}
			r = command("", append([]string{"explain"}, args...)...)
			r.wantError(t, "looks like a token")
		})
	}
	r := command("", token)
	r.wantError(t, "usage:")
	if strings.Contains(r.stderr, "eyJ") {
		t.Errorf("the token is repeated: %q", r.stderr)
	}
}

// A variable that is empty, or pasted at the wrong place, puts the token into a flag.
func TestNoFlagRepeatsAToken(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	token := idp.Token(nil)
	for _, subcommand := range []string{"explain", "keys"} {
		for _, flag := range []string{"--issuer", "--audience", "--alg", "--jwks-url", "--leeway", "--timeout", "--nonsense"} {
			for name, args := range map[string][]string{
				"behind it": {flag, token}, "within it": {flag + "=" + token}, "with its scheme": {flag, "Bearer " + token}, "without its header": {flag, token[strings.IndexByte(token, '.')+1:]},
			} {
				t.Run(subcommand+"/"+flag+"/"+name, func(t *testing.T) {
					r := command("", append([]string{subcommand}, args...)...)
					r.wantError(t, "looks like a token")
					if last := token[strings.LastIndexByte(token, '.')+1:]; strings.Contains(r.stderr, "eyJ") || strings.Contains(r.stderr, last) {
						t.Errorf("the token is repeated: %q", r.stderr)
					}
				})
			}
		}
	}
	// A long address is none.
	long := idp.URL() + "/" + strings.Repeat("realms.of.", 20)
	command("", "keys", "--issuer", long).want(t, exitUnusable, "FAIL  discovery")
}

func TestExplainSaysWhatIsMissingOrWrong(t *testing.T) {
	const url = "https://id.example.com"
	for want, args := range map[string][]string{
		"--issuer is missing":              {"--audience", "api"},
		"--audience is missing":            {"--issuer", url},
		"exclude each other":               {"--issuer", url, "--audience", "api", "--any-audience"},
		"not an algorithm":                 {"--issuer", url, "--audience", "api", "--alg", "HS256"},
		"--timeout is not positive":        {"--issuer", url, "--audience", "api", "--timeout", "0s"},
		"Leeway":                           {"--issuer", url, "--audience", "api", "--leeway", "1h"},
		"is not https":                     {"--issuer", "http://id.example.com", "--audience", "api"},
		"is not an absolute URL":           {"--issuer", "id.example.com", "--audience", "api"},
		"flag provided but not defined":    {"--nonsense"},
		"has an empty name":                {"--issuer", url, "--audience", ""},
		"URL \"x\" is not an absolute URL": {"--issuer", url, "--audience", "api", "--jwks-url", "x"},
	} {
		t.Run(want, func(t *testing.T) {
			command("x", append([]string{"explain"}, args...)...).wantError(t, want)
		})
	}
}

func TestHelp(t *testing.T) {
	command("", "help").want(t, exitGood, "usage:")
	command("").wantError(t, "usage:")
	command("", "nonsense").wantError(t, "usage:")
	for _, name := range []string{"explain", "keys"} {
		r := command("", name, "-h")
		r.want(t, exitGood)
		if !strings.Contains(r.stderr, "-insecure-http") || strings.Contains(r.stderr, "bearerproof: ") {
			t.Errorf("stderr %q", r.stderr)
		}
	}
}

// The Docker case: the issuer's documents are reached under one name, and have another.
func TestExplainHintsAtTheIssuersOtherName(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	token := idp.Token(issuertest.Claims{"iss": "http://keycloak:8080/realms/todo"})
	command(token, "explain", "--issuer", "http://localhost:8080/realms/todo", "--jwks-url", idp.KeySet().URL(), "--audience", "api").
		want(t, exitBad, "FAIL  issuer", "hint: The token names its issuer at another address")
	content := strings.Replace(string(idp.Discovery().Content()), idp.URL(), "https://id.example.com", 1)
	idp.Discovery().SetContent([]byte(content))
	explainAt(idp, idp.Token(nil)).want(t, exitUnusable, "hint: The issuer's discovery document names another issuer", `"https://id.example.com"`)
}
