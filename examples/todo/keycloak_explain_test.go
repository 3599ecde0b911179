//go:build keycloak

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// The exit codes of the command bearerproof.
const (
	explainAccepted = 0
	explainRefused  = 1
	explainUnusable = 2
)

// TestKeycloakExplain runs the built command bearerproof as somebody does who stares at
// a 401: with the tokens of a real Keycloak. The last of its parts starts Keycloak anew.
func TestKeycloakExplain(t *testing.T) {
	k := bootKeycloak(t)
	k.admin(t, "POST", "/clients", clientOf("no-mapper", nil), http.StatusCreated)
	b := bearerproof{keycloak: k, path: buildCommand(t), logout: k.logoutToken(t)}
	for _, part := range []struct {
		name string
		test func(*testing.T, bearerproof)
	}{
		{"tokens are as the page shows them", explainPage},
		{"an access token is accepted", explainAccess},
		{"what is refused", explainRefusals},
		{"an expired token", explainExpired},
		{"no verdict", explainNoVerdict},
		{"the keys", explainKeys},
		{"the log of the todo server", explainLog},
		{"a key that was given up", explainDisabledKey},
		{"another name than the issuer's", explainOtherName},
		{"an issuer that is called as it is asked", explainNamelessIssuer},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, b) })
	}
}

// bearerproof is the built command, and the Keycloak that it is asked about.
type bearerproof struct {
	keycloak *realKeycloak
	path     string
	logout   string // a logout token of Keycloak's
}

// buildCommand builds the command bearerproof and returns the path of the program.
func buildCommand(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bearerproof")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "github.com/bearerproof/bearerproof/cmd/bearerproof")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// run runs the command with a text on its standard input, and ends the test if that
// prints a piece of a token.
func (b bearerproof) run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended {
			t.Fatal(err)
		}
	}
	if piece := pieceOf(strings.TrimSpace(stdin), out.String()+errs.String()); piece != "" {
		t.Fatalf("the answer to %q, which is not shown, contains %d bytes of the token", args[:1], len(piece))
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// pieceOf returns a piece of the claims or the signature of a token, as long as no
// accident explains it, that is in the text, or "".
func pieceOf(token, text string) string {
	const long = 16
	parts := strings.Split(token, ".")
	for _, part := range parts[1:] {
		for i := range len(part) - long + 1 {
			if piece := part[i : i+long]; strings.Contains(text, piece) {
				return piece
			}
		}
	}
	return ""
}

// explain explains a token to the service of the realm, as text and as JSON.
func (b bearerproof) explain(t *testing.T, token string, flags ...string) explained {
	t.Helper()
	args := append([]string{"explain", "--issuer", b.keycloak.issuer(), "--audience", "todo-api"}, flags...)
	code, text, stderr := b.run(t, token+"\n", args...)
	jsonCode, encoded, jsonStderr := b.run(t, token+"\n", append(args, "--json")...)
	if stderr+jsonStderr != "" || jsonCode != code {
		t.Fatalf("as text: exit code %d, %s; as JSON: %d, %s", code, stderr, jsonCode, jsonStderr)
	}
	return explained{code: code, text: text, Report: fromJSON[verifier.Report](t, encoded)}
}

// explained is the answer of the subcommand explain.
type explained struct {
	code int
	text string
	verifier.Report
}

// want fails unless a token was refused, or not decided about, at the step and for the
// cause, and the text says so too.
func (e explained) want(t *testing.T, code int, step verifier.Step, cause string) {
	t.Helper()
	if e.code != code || e.Accepted || e.FailedAt != step || e.Hint.Cause != cause {
		t.Errorf("exit code %d at step %q with the hint %q, want %d at %q with %q", e.code, e.FailedAt, e.Hint.Cause, code, step, cause)
	}
	verdict := "refused: " + e.Reason
	if code == explainUnusable {
		verdict = "not decided: " + e.Reason
	}
	for _, line := range []string{verdict + " (kind " + e.Kind + ")\n", "hint: " + e.Hint.Advice + "\n", fmt.Sprintf("FAIL  %-14s  ", step)} {
		if !strings.Contains(e.text, line) {
			t.Errorf("%q is missing", line)
		}
	}
	outcome := verifier.StepPassed
	for _, s := range e.Steps {
		if s.Step == step {
			outcome = verifier.StepFailed
		}
		if s.Outcome != outcome {
			t.Errorf("step %s: %s, want %s", s.Step, s.Outcome, outcome)
		}
		if outcome == verifier.StepFailed {
			outcome = verifier.StepNotReached
		}
	}
	if t.Failed() {
		t.Log(e.text)
	}
}

func explainAccess(t *testing.T, b bearerproof) {
	token := b.keycloak.login(t, "todo-cli", "alice").Access
	got := b.explain(t, token)
	if got.code != explainAccepted || !got.Accepted || !strings.HasPrefix(got.text, "accepted\n") {
		t.Fatalf("exit code %d:\n%s", got.code, got.text)
	}
	if c := got.Token.Claims; !c.Verified || c.Issuer != b.keycloak.issuer() || !slices.Equal(c.Audience, []string{"todo-api", "account"}) || c.Type != "Bearer" || c.Party != "todo-cli" {
		t.Errorf("claims %+v", c)
	}
	if s := got.KeySet; s == nil || s.Keys != 1 || s.Skipped != 1 || !slices.Equal(s.KIDs, []string{kidOf(t, token)}) {
		t.Errorf("key set %+v", s)
	}
	if got := b.explain(t, b.keycloak.lightToken(t, "light-and-mapped", true)); got.code != explainAccepted {
		t.Errorf("a lightweight token with the audience: exit code %d:\n%s", got.code, got.text)
	}
	for _, input := range []string{"Bearer " + token, "  bearer " + token + "\r\n"} {
		if code, text, _ := b.run(t, input, "explain", "--issuer", b.keycloak.issuer(), "--audience", "todo-api"); code != explainAccepted {
			t.Errorf("with its scheme: exit code %d:\n%s", code, text)
		}
	}
}

func explainRefusals(t *testing.T, b bearerproof) {
	k := b.keycloak
	alice, bob := k.login(t, "todo-cli", "alice"), k.login(t, "todo-cli", "bob")
	offline := k.token(t, "myrealm", form{"grant_type": "password", "client_id": "todo-cli", "username": "alice", "password": "alice", "scope": "openid offline_access"})
	if typ := claimsOf(t, offline.Refresh)["typ"]; typ != "Offline" {
		t.Fatalf("the offline token is of type %v", typ)
	}
	for _, row := range []struct {
		what, token string
		step        verifier.Step
		cause       string
	}{
		{"an ID token", alice.ID, verifier.StepKind, "id_token"},
		{"an ID token for our audience", k.login(t, "todo-cli-idaud", "alice").ID, verifier.StepKind, "id_token"},
		{"a refresh token", alice.Refresh, verifier.StepAlgorithm, "refresh_token"},
		{"an offline token", offline.Refresh, verifier.StepAlgorithm, "refresh_token"},
		{"a logout token", b.logout, verifier.StepType, "logout_token"},
		{"a token of another realm", k.token(t, "master", form{"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"}).Access, verifier.StepKey, "wrong_realm"},
		{"a token of a client without the audience mapper", k.login(t, "no-mapper", "alice").Access, verifier.StepAudience, "audience_mapper"},
		{"a lightweight token, which the mapper does not reach", k.lightToken(t, "light", false), verifier.StepAudience, "audience_mapper"},
		{"a token that is bound to a key", k.boundToken(t), verifier.StepBinding, "bound_token"},
		{"a token for another service", k.login(t, "other-cli", "alice").Access, verifier.StepAudience, "other_audience"},
		{"a token with another subject", k.forge(t, alice.Access, 1, members{"sub": claimsOf(t, bob.Access)["sub"]}), verifier.StepSignature, "signature"},
		{"a token with the signature of another", alice.Access[:strings.LastIndex(alice.Access, ".")] + bob.Access[strings.LastIndex(bob.Access, "."):], verifier.StepSignature, "signature"},
		{"a token without a signature", k.unsigned(t, alice.Access), verifier.StepAlgorithm, "unsigned_token"},
		{"a token under a key that nobody has", k.forge(t, alice.Access, 0, members{"kid": "nobody's"}), verifier.StepKey, "key_rotated"},
		{"a token that was cut", alice.Access[:strings.LastIndex(alice.Access, ".")], verifier.StepForm, "cut_token"},
		{"the token response", `{"access_token":"` + alice.Access + `"}`, verifier.StepHeader, "stray_characters"},
		{"no JWT", "2YotnFZFEjr1zCsicMWpAA", verifier.StepForm, "opaque_token"},
	} {
		t.Run(row.what, func(t *testing.T) { b.explain(t, row.token).want(t, explainRefused, row.step, row.cause) })
	}
}

func explainExpired(t *testing.T, b bearerproof) {
	token := b.keycloak.login(t, "todo-cli-short", "alice").Access
	late := time.After(time.Minute)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		got := b.explain(t, token, "--leeway", "1s")
		if got.code != explainAccepted {
			got.want(t, explainRefused, verifier.StepTimes, "expired")
			break
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("a token of 5 s does not expire")
		}
	}
	if got := b.explain(t, token, "--leeway", "5m"); got.code != explainAccepted {
		t.Errorf("with more leeway: exit code %d\n%s", got.code, got.text)
	}
}

func explainNoVerdict(t *testing.T, b bearerproof) {
	token := b.keycloak.login(t, "todo-cli", "alice").Access
	for what, issuer := range map[string]string{
		"nobody listens":         "http://" + freeAddr(t) + "/realms/myrealm",
		"the realm is misspelt":  b.keycloak.base + "/realms/myreaml",
		"http is taken for TLS":  strings.Replace(b.keycloak.issuer(), "http:", "https:", 1),
		"the path of old has it": b.keycloak.base + "/auth/realms/myrealm",
	} {
		t.Run(what, func(t *testing.T) {
			b.explain(t, token, "--issuer", issuer).want(t, explainUnusable, verifier.StepKey, "keys_unreachable")
			if code, text, _ := b.run(t, "", "keys", "--issuer", issuer); code != explainUnusable || !strings.Contains(text, "FAIL  discovery") || !strings.Contains(text, "FAIL  keys") {
				t.Errorf("keys: exit code %d\n%s", code, text)
			}
		})
	}
	for want, args := range map[string][]string{
		"the input is empty":    nil,
		"looks like a token":    {token},
		"no such file":          {"no-token-here"},
		"is not an absolute":    {"--issuer", "nonsense"},
		"--audience is missing": {"explain", "--issuer", b.keycloak.issuer()},
	} {
		t.Run(want, func(t *testing.T) {
			if len(args) == 0 || args[0] != "explain" {
				args = append([]string{"explain", "--issuer", b.keycloak.issuer(), "--audience", "todo-api"}, args...)
			}
			code, stdout, stderr := b.run(t, "", args...)
			if code != explainUnusable || stdout != "" || !strings.Contains(stderr, want) || pieceOf(token, stderr) != "" {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
		})
	}
}

// inspected is the JSON of the subcommand keys, as far as it is looked at here.
type inspected struct {
	KeysURL string `json:"keys_url"`
	Checks  []struct {
		Name    string `json:"check"`
		Outcome string `json:"outcome"`
	} `json:"checks"`
	Keys []struct {
		ID        string `json:"kid"`
		Algorithm string `json:"alg"`
		Size      string `json:"size"`
		Usable    bool   `json:"usable"`
		Reason    string `json:"reason"`
	} `json:"keys"`
}

// keys asks what the issuer publishes.
func (b bearerproof) keys(t *testing.T, flags ...string) (int, inspected) {
	t.Helper()
	code, text, stderr := b.run(t, "", append([]string{"keys", "--json", "--issuer", b.keycloak.issuer()}, flags...)...)
	if stderr != "" {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	return code, fromJSON[inspected](t, text)
}

// outcomes are the checks and how each ended.
func (i inspected) outcomes() (outcomes []string) {
	for _, c := range i.Checks {
		outcomes = append(outcomes, c.Name+" "+c.Outcome)
	}
	return outcomes
}

func explainKeys(t *testing.T, b bearerproof) {
	code, got := b.keys(t)
	// Keycloak itself speaks http here, and sends no Date.
	want := []string{"discovery pass", "issuer pass", "keys pass", "algorithm pass", "key size pass", "transport warn", "clock warn"}
	if code != explainAccepted || !slices.Equal(got.outcomes(), want) || got.KeysURL != b.keycloak.issuer()+"/protocol/openid-connect/certs" {
		t.Errorf("exit code %d: %+v", code, got)
	}
	signing := kidOf(t, b.keycloak.login(t, "todo-cli", "alice").Access)
	if len(got.Keys) != 2 {
		t.Fatalf("keys %+v", got.Keys)
	}
	for _, key := range got.Keys {
		ours := key.ID == signing
		if key.Usable != ours || ours != (key.Algorithm == "RS256") || !ours && (key.Algorithm != "RSA-OAEP" || key.Reason != "use is not sig") || key.Size != "2048 bits" {
			t.Errorf("key %+v", key)
		}
	}
	if code, got := b.keys(t, "--alg", "RS256,ES256"); code != explainRefused || !slices.Contains(got.outcomes(), "algorithm fail") {
		t.Errorf("with an algorithm that the realm has no key for: exit code %d, %v", code, got.outcomes())
	}
	if code, got := b.keys(t, "--issuer", b.keycloak.issuer()+"/"); code != explainUnusable || !slices.Equal(got.outcomes(), []string{"discovery pass", "issuer fail", "keys fail"}) {
		t.Errorf("with a slash too many: exit code %d, %v", code, got.outcomes())
	}
}

func explainLog(t *testing.T, b bearerproof) {
	k := b.keycloak
	s := k.serve(t, "explained", quiet)
	alice := k.login(t, "todo-cli", "alice")
	s.serves(t, alice.Access)
	// As many as are explained at once.
	for _, row := range []struct{ token, want string }{
		{alice.ID, "refused at step kind (type): wrong type of token. Hint (id_token): "},
		{alice.Refresh, "refused at step algorithm (algorithm): the algorithm is not allowed. Hint (refresh_token): "},
		{k.login(t, "no-mapper", "alice").Access, "refused at step audience (audience): wrong audience. Hint (audience_mapper): Keycloak writes "},
		{k.token(t, "master", form{"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"}).Access, "refused at step key (unknown_key): the key is unknown. Hint (wrong_realm): "},
		{k.forge(t, alice.Access, 1, members{"aud": "someone"}), "refused at step signature (signature): the signature does not verify. Hint (signature): "},
	} {
		if got := s.do(t, request{method: "GET", path: "/todos", token: row.token}); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", row.want, got.status)
		}
		line := s.awaitLine(t, row.want)
		claims := claimsOf(t, row.token)
		for _, private := range []any{claims["sub"], claims["sid"], claims["jti"], claims["azp"], headerOf(t, row.token)["kid"], "/realms/"} {
			if text, ok := private.(string); ok && strings.Contains(line, text) {
				t.Errorf("the line contains %q", text)
			}
		}
	}
}

// awaitLine waits for the line of the server's log that has the text. What the server
// writes is here a moment after its answer.
func (s *todoServer) awaitLine(t *testing.T, text string) (line string) {
	t.Helper()
	s.until(t, fmt.Sprintf("line with %q", text), 10*time.Second, 10*time.Millisecond, func() bool {
		for l := range strings.Lines(s.log.String()) {
			if strings.Contains(l, text) {
				line = strings.TrimSuffix(l, "\n")
			}
		}
		return line != ""
	})
	t.Log(line)
	return line
}

func explainDisabledKey(t *testing.T, b bearerproof) {
	old := b.keycloak.login(t, "todo-cli", "alice").Access
	kid := b.keycloak.addKey(t)
	if _, got := b.keys(t); len(got.Keys) != 3 {
		t.Errorf("keys with a new one: %+v", got.Keys)
	}
	if got := b.explain(t, old); got.code != explainAccepted {
		t.Errorf("the old key is passive, and its token is not accepted:\n%s", got.text)
	}
	b.keycloak.disableKey(t, kidOf(t, old))
	got := b.explain(t, old)
	got.want(t, explainRefused, verifier.StepKey, "key_rotated")
	if got.KeySet.LookUp != verifier.LookUpInVain || !slices.Equal(got.KeySet.KIDs, []string{kid}) || got.Token.Claims.Verified {
		t.Errorf("%+v, %+v", got.KeySet, got.Token.Claims)
	}
	if got := b.explain(t, b.keycloak.login(t, "todo-cli", "alice").Access); got.code != explainAccepted {
		t.Errorf("a token of the new key is not accepted:\n%s", got.text)
	}
}

// throughLocalhost is an address of Keycloak under its other name.
func throughLocalhost(address string) string {
	return strings.Replace(address, "127.0.0.1", "localhost", 1)
}

// explainOtherName is about a service that knows Keycloak by an address which is not its
// public name, KC_HOSTNAME.
func explainOtherName(t *testing.T, b bearerproof) {
	k := b.keycloak
	token := k.login(t, "todo-cli", "alice").Access
	inner := throughLocalhost(k.issuer())
	certs := inner + "/protocol/openid-connect/certs"
	b.explain(t, token, "--issuer", inner).want(t, explainUnusable, verifier.StepKey, "issuer_metadata")
	if code, got := b.keys(t, "--issuer", inner); code != explainUnusable || !slices.Contains(got.outcomes(), "issuer fail") {
		t.Errorf("exit code %d, %v", code, got.outcomes())
	}
	// The remedy is halfway there: the keys are found, the name is still another.
	b.explain(t, token, "--issuer", inner, "--jwks-url", certs).want(t, explainRefused, verifier.StepIssuer, "issuer_address")
	if got := b.explain(t, token, "--jwks-url", certs); got.code != explainAccepted {
		t.Errorf("with the remedy, exit code %d:\n%s", got.code, got.text)
	}
	s := k.serveWith(t, "other name", nil, "TODO_ISSUER="+inner, "TODO_JWKS_URL="+certs)
	s.do(t, request{method: "GET", path: "/todos", token: token})
	line := s.awaitLine(t, "refused at step issuer (issuer): wrong issuer. Hint (issuer_address): ")
	if !strings.Contains(line, "KC_HOSTNAME") || strings.Contains(line, "/realms/") {
		t.Errorf("line %q", line)
	}
}

// explainNamelessIssuer is about a Keycloak without KC_HOSTNAME, as start-dev has it: a
// browser gets tokens of another issuer than the one that the service asks for keys.
func explainNamelessIssuer(t *testing.T, b bearerproof) {
	k := b.keycloak
	k.startNameless(t)
	there := &realKeycloak{base: throughLocalhost(k.base)} // as the browser sees it
	for _, at := range []*realKeycloak{k, there} {
		if code, got := b.keys(t, "--issuer", at.issuer()); code != explainAccepted {
			t.Errorf("%s names another issuer: exit code %d, %v", at.issuer(), code, got.outcomes())
		}
	}
	token := there.login(t, "todo-cli", "alice").Access
	k.remember(token)
	if iss := claimsOf(t, token)["iss"]; iss != there.issuer() {
		t.Fatalf("a token asked for at %s is of %v, and proves nothing", there.issuer(), iss)
	}
	got := b.explain(t, token)
	got.want(t, explainRefused, verifier.StepIssuer, "issuer_address")
	if !got.Token.Claims.Verified {
		t.Error("the signature was not checked, although the keys are the same")
	}
}

// startNameless starts Keycloak anew without a public name.
func (k *realKeycloak) startNameless(t *testing.T) {
	t.Helper()
	launchers, err := filepath.Glob(filepath.Join(k.dir, "run", "keycloak-*", "bin", "kc.sh"))
	if err != nil || len(launchers) != 1 {
		t.Fatalf("launchers %q, %v", launchers, err)
	}
	at, err := url.Parse(k.base)
	if err != nil {
		t.Fatal(err)
	}
	k.stop(t)
	k.launch(t, exec.Command(launchers[0], "start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1", "--http-port="+at.Port(), "--hostname-strict=false", "--cache=local"))
}
