package main

import (
	"encoding/json/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

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

func TestAStartWithoutTheIssuerServesFromTheSnapshot(t *testing.T) {
	issuer := issuertest.Listen(t, nil)
	snapshot := filepath.Join(t.TempDir(), "keys")
	environ := []string{"TODO_ISSUER=" + issuer.URL(), "TODO_JWKS_SNAPSHOT=" + snapshot, "TODO_ADMIN_ADDR=127.0.0.1:0"}
	token := issuer.Token(issuertest.Claims{"aud": "todo-api", "scope": "todos:read"})
	list := request{method: "GET", path: "/todos", token: token}

	first := startProcess(t, environ...)
	if got := (&service{url: first.url(t)}).do(t, list); got.status != http.StatusOK {
		t.Fatalf("with the issuer: %d %s", got.status, got.body)
	}
	await(t, "the snapshot is written", func() bool { _, err := os.Stat(snapshot); return err == nil })
	if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := first.exit(t); code != 0 {
		t.Fatalf("exit code %d\n%s", code, first.stderr)
	}

	issuer.Stop()
	second := startProcess(t, environ...)
	s := &service{url: second.url(t)}
	if got := s.do(t, list); got.status != http.StatusOK {
		t.Errorf("without the issuer: %d %s\n%s", got.status, got.body, second.stderr)
	}
	if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != http.StatusOK {
		t.Errorf("/readyz gave %d", got.status)
	}
	for _, line := range []string{"the key set of an earlier process serves", "fetching the key set failed"} {
		await(t, "the log says "+line, func() bool { return strings.Contains(second.stderr.String(), line) })
	}
	admin := &service{url: "http://" + second.await(t, second.stderr.admin)}
	if got := admin.do(t, request{method: "GET", path: "/metrics"}); !strings.Contains(got.body, "\n"+`bearerproof_snapshots_total{result="used"} 1`+"\n") {
		t.Error("/metrics does not count the use of the snapshot")
	}

	without := startProcess(t, environ[0])
	if got := (&service{url: without.url(t)}).do(t, list); got.status != http.StatusServiceUnavailable {
		t.Errorf("without the issuer and without a snapshot: %d, want 503", got.status)
	}
}

// await waits for what happens elsewhere, in another process or goroutine.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it does not happen that %s", what)
		}
	}
}

func TestAServiceFailsOver(t *testing.T) {
	issuer, mirror := issuertest.Listen(t, nil), issuertest.Listen(t, nil)
	mirror.Publish(issuer.Key())
	issuer.Break(issuertest.Status(http.StatusInternalServerError))
	p := startProcess(t, "TODO_ISSUER="+issuer.URL(), "TODO_JWKS_FAILOVER_URL="+mirror.KeySet().URL())
	token := issuer.Token(issuertest.Claims{"aud": "todo-api", "scope": "todos:read"})
	if got := (&service{url: p.url(t)}).do(t, request{method: "GET", path: "/todos", token: token}); got.status != http.StatusOK {
		t.Errorf("with the mirror alone: %d %s\n%s", got.status, got.body, p.stderr)
	}
}
