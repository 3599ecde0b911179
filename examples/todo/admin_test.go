package main

import (
	"encoding/json/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestTheAPIDoesNotShowWhatOperatorsSee(t *testing.T) {
	s := newService(t)
	admin := adminRoutes(s.auth, s.api.health, s.api.log)
	for _, path := range []string{"/debug/keys", "/metrics"} {
		for _, token := range []string{"", s.full("alice")} {
			if got := s.do(t, request{method: "GET", path: path, token: token}); got.status != http.StatusNotFound {
				t.Errorf("the API answers GET %s with %d", path, got.status)
			}
		}
		if got := newRecorder(t, admin, "GET", path); got.Code != http.StatusOK {
			t.Errorf("GET %s of the admin address gave %d", path, got.Code)
		}
		if got := newRecorder(t, admin, "POST", path); got.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s of the admin address gave %d", path, got.Code)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} { // some probes ask so
		if got := newRecorder(t, admin, "HEAD", path); got.Code == http.StatusMethodNotAllowed {
			t.Errorf("HEAD %s of the admin address gave %d", path, got.Code)
		}
	}
	if got := newRecorder(t, admin, "GET", "/todos"); got.Code != http.StatusNotFound {
		t.Errorf("the admin address answers GET /todos with %d", got.Code)
	}
}

func TestTheAdminAddressCountsTheTokensOfTheAPI(t *testing.T) {
	s := newService(t)
	s.do(t, request{method: "GET", path: "/todos", token: s.full("alice")})
	s.do(t, request{method: "GET", path: "/todos", token: s.full("bob")})
	s.do(t, request{method: "GET", path: "/todos", token: s.issuer.Token(nil)}) // for another audience
	admin := adminRoutes(s.auth, s.api.health, s.api.log)
	for _, line := range []string{
		`bearerproof_verifications_total{kind="accepted"} 2`,
		`bearerproof_verifications_total{kind="audience"} 1`,
		`bearerproof_fetches_total{cause="cold",outcome="fetched"} 1`, // told after its answer
		`bearerproof_ready 1`,
	} {
		await(t, "/metrics says "+line, func() bool {
			return strings.Contains(newRecorder(t, admin, "GET", "/metrics").Body.String(), "\n"+line+"\n")
		})
	}
}

func TestDebugKeys(t *testing.T) {
	s := newService(t)
	admin := adminRoutes(s.auth, s.api.health, s.api.log)
	cold := newRecorder(t, admin, "GET", "/debug/keys").Body.String()
	if status := fromJSON[jwks.Status](t, cold); status.Usable || len(status.Keys) != 0 || !strings.Contains(cold, `"keys": []`) {
		t.Errorf("before the first fetch it shows %s", cold)
	}
	if n := s.issuer.KeySet().Fetches(); n != 0 {
		t.Fatalf("looking caused %d fetches", n)
	}

	key, skipped := s.issuer.Key(), s.issuer.NewKey(verifier.RS256)
	skipped.SetMember("use", "enc")
	s.issuer.Publish(skipped)
	s.do(t, request{method: "GET", path: "/todos", token: key.Token(issuertest.Claims{"aud": "todo-api"})})
	got := newRecorder(t, admin, "GET", "/debug/keys")
	if got.Header().Get("Content-Type") != "application/json" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the header is %v", got.Header())
	}
	text := got.Body.String()
	if !strings.HasPrefix(text, "{\n  \"issuer\": ") || !strings.HasSuffix(text, "}\n") {
		t.Errorf("it is not indented: %s", text)
	}
	shown := fromJSON[map[string]any](t, text)
	for _, name := range []string{"age_seconds", "fetched_at", "issuer", "keys", "last_fetch", "next_refresh", "skipped", "url", "usable"} {
		if _, there := shown[name]; !there {
			t.Errorf("it does not show %q: %s", name, text)
		}
	}
	if shown["usable"] != true || shown["issuer"] != s.issuer.URL() || shown["url"] != s.issuer.KeySet().URL() {
		t.Errorf("it shows %s", text)
	}
	if age, ok := shown["age_seconds"].(float64); !ok || age < 0 || age > 60 {
		t.Errorf("the age is %v", shown["age_seconds"])
	}
	// The members of a key are listed here one and all: none is the key itself.
	public, err := verifier.NewKey(key.ID(), verifier.RS256, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if want := []any{map[string]any{"kid": key.ID(), "alg": "RS256", "thumbprint": public.Thumbprint()}}; !reflect.DeepEqual(shown["keys"], want) {
		t.Errorf("the keys are %v, want %v", shown["keys"], want)
	}
	var set struct {
		Keys []struct {
			Modulus string `json:"n"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(s.issuer.KeySet().Content(), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("the issuer publishes %+v, %v", set, err)
	}
	for _, published := range set.Keys {
		if published.Modulus == "" || strings.Contains(text, published.Modulus) {
			t.Errorf("it shows the modulus %q", published.Modulus)
		}
	}
	unused, _ := shown["skipped"].([]any)
	if len(unused) != 1 || !strings.Contains(text, skipped.ID()) || !strings.Contains(text, "use") {
		t.Errorf("the skipped keys are %v, want %s and why", unused, skipped.ID())
	}
}
