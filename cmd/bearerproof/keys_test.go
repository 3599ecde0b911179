package main

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func keysAt(idp *issuertest.Issuer, flags ...string) result {
	return command("", append([]string{"keys", "--issuer", idp.URL()}, flags...)...)
}

func TestKeysOfAHealthyIssuer(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	first, second := idp.Key(), idp.AddKey(verifier.ES256)
	r := keysAt(idp, "--alg", "RS256,ES256")
	r.want(t, exitGood,
		"pass  discovery", "pass  issuer", "pass  keys        2 usable, 0 not", "pass  algorithm   RS256: 1 usable", "pass  algorithm   ES256: 1 usable",
		"pass  key size", "warn  transport", "keys at "+idp.KeySet().URL(),
		fmt.Sprintf("pass  0  kid %q  RSA 2048 bits  alg RS256", first.ID()), fmt.Sprintf("pass  1  kid %q  EC P-256  alg ES256", second.ID()))
	if r.stderr != "" || strings.Contains(r.stdout, "FAIL") {
		t.Errorf("stderr %q", r.stderr)
	}
}

func TestKeysSaysWhyAKeyIsNotUsed(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	idp.Key()
	idp.AddKey(verifier.ES256).SetMember("use", "enc")
	r := keysAt(idp)
	r.want(t, exitGood, "1 usable, 1 not", "not used: use is not sig")
	keysAt(idp, "--alg", "ES256").want(t, exitBad, "FAIL  algorithm   ES256: no usable key")
	small := `{"kty":"RSA","kid":"small","alg":"RS256","use":"sig","e":"AQAB","n":"` + strings.Repeat("_", 171) + `"}`
	set := string(idp.KeySet().Content())
	idp.KeySet().SetContent([]byte(strings.TrimSuffix(set, "]}") + "," + small + "]}"))
	keysAt(idp).want(t, exitBad, "FAIL  key size", "RSA key has 1024 bits", `kid "small"  RSA 1024 bits`)
}

func TestKeysPrintsJSON(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	r := keysAt(idp, "--json")
	r.want(t, exitGood)
	var got inspection
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatalf("%v: %s", err, r.stdout)
	}
	if !got.Usable || got.Issuer != idp.URL() || got.KeysURL != idp.KeySet().URL() || got.MetadataURL != idp.Discovery().URL() || len(got.Checks) < 6 ||
		len(got.Keys) != 1 || !got.Keys[0].Usable || got.Keys[0].ID != idp.Key().ID() {
		t.Errorf("%+v", got)
	}
}

func TestKeysOfAnIssuerUnderAnotherName(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	content := strings.Replace(string(idp.Discovery().Content()), idp.URL(), "https://id.example.com", 1)
	idp.Discovery().SetContent([]byte(content))
	r := keysAt(idp)
	r.want(t, exitUnusable, "pass  discovery", "FAIL  issuer", `names "https://id.example.com"`, "KC_HOSTNAME", "FAIL  keys")
	// The keys themselves are fine.
	command("", "keys", "--jwks-url", idp.KeySet().URL()).want(t, exitGood, "1 usable")
}

// Auth0 and others publish their keys below /.well-known/, where metadata is too.
func TestKeysBesideTheMetadata(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	idp.Key()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(idp.KeySet().Content())
	}))
	defer other.Close()
	content := strings.Replace(string(idp.Discovery().Content()), idp.KeySet().URL(), other.URL+"/.well-known/jwks.json", 1)
	idp.Discovery().SetContent([]byte(content))
	keysAt(idp).want(t, exitGood, "pass  discovery   "+idp.Discovery().URL(), "pass  issuer", "keys at "+other.URL+"/.well-known/jwks.json:", idp.Key().ID())
}

func TestKeysThatCannotBeHad(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	idp.Key()
	for name, test := range map[string]struct {
		fault issuertest.Fault
		want  []string
	}{
		"an error":     {issuertest.Status(503), []string{"FAIL  discovery   the metadata could not be had", "status 503"}},
		"not there":    {issuertest.Status(404), []string{"FAIL  discovery   there is no metadata below the issuer: is its path right (Keycloak: /realms/ and the realm's name)?", "status 404"}},
		"not JSON":     {issuertest.Body("application/json", "<html>"), []string{"FAIL  issuer", "not the JSON"}},
		"too slow":     {issuertest.Hang(), []string{"FAIL  discovery", "FAIL  keys"}},
		"another type": {issuertest.Body("application/json", "[]"), []string{"FAIL  issuer"}},
	} {
		t.Run(name, func(t *testing.T) {
			idp.Break(test.fault)
			defer idp.Repair()
			r := keysAt(idp, "--timeout", "100ms")
			r.want(t, exitUnusable, test.want...)
			if strings.Contains(r.stdout, "html") {
				t.Error("the answer is repeated")
			}
		})
	}
	idp.KeySet().SetContent([]byte(`{"keys":[]}`))
	keysAt(idp).want(t, exitUnusable, "pass  issuer", "FAIL  keys", "no usable key")
	idp.Stop()
	keysAt(idp).want(t, exitUnusable, "FAIL  discovery", "refused")
}

func TestKeysChecksTheClock(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	for skew, want := range map[time.Duration]struct {
		code int
		text string
	}{
		0:                 {exitGood, "pass  clock"},
		10 * time.Second:  {exitGood, "warn  clock"},
		-10 * time.Second: {exitGood, "warn  clock"},
		5 * time.Minute:   {exitBad, "FAIL  clock"},
		-time.Hour:        {exitBad, "s behind this host's"},
	} {
		idp.SetSkew(skew)
		keysAt(idp).want(t, want.code, want.text)
	}
}

func TestKeysSaysWhatIsMissingOrWrong(t *testing.T) {
	command("", "keys").wantError(t, "--issuer is missing")
	command("", "keys", "--issuer", "http://id.example.com").wantError(t, "is not https")
	command("", "keys", "--issuer", "https://id.example.com", "x").wantError(t, "takes flags only")
	command("", "keys", "--alg", "none", "--issuer", "https://id.example.com").wantError(t, "not an algorithm")
}

// Keycloak sends no Date.
func TestKeysSaysThatTheClockIsNotKnown(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	set := idp.KeySet().Content()
	dateless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		_, _ = w.Write(set)
	}))
	defer dateless.Close()
	command("", "keys", "--jwks-url", dateless.URL).want(t, exitGood, "warn  clock       not known, for the answer has no usable Date (Keycloak sends none)")
}

// What an issuer publishes can be anything.
func TestKeysPrintsHostileKeysHarmlessly(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	set := string(idp.KeySet().Content())
	hostile := `{"kty":"\u001b[31m","kid":"` + strings.Repeat(`\u202e`, 200) + `","alg":7,"n":"%","use":"\n"},7,{"kid":"a","kid":"b"}`
	idp.KeySet().SetContent([]byte(strings.TrimSuffix(set, "]}") + "," + hostile + "]}"))
	r := keysAt(idp)
	r.want(t, exitGood, "1 usable, 3 not")
	if strings.ContainsAny(r.stdout, "\x1b\u202e\r") || len(r.stdout) > 4000 {
		t.Errorf("%q", r.stdout)
	}
}
