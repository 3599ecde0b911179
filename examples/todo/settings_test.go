package main

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

func TestDefaults(t *testing.T) {
	got, err := readSettings([]string{"PATH=/bin", "TODO_TEST_DATABASE_URL=x", "MY_TODO_ADDR=x"})
	want := settings{
		addr: "127.0.0.1:8080", audience: "todo-api", algorithms: []verifier.Algorithm{verifier.RS256}, leeway: 30 * time.Second,
		databaseURL: "todo.db", jwksRefresh: 5 * time.Minute, jwksCooldown: 10 * time.Second, jwksMaxStale: 24 * time.Hour, webClientID: "todo-web",
		logFormat: "text",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("no settings are %+v, %v, want %+v", got, err, want)
	}
}

func TestEverySettingIsTaken(t *testing.T) {
	got, err := readSettings([]string{
		"TODO_ADDR=:1", "TODO_GRPC_ADDR=[::1]:2", "TODO_ADMIN_ADDR=localhost:3", "TODO_ISSUER=http://id.example.com/realms/x/", "TODO_JWKS_URL=http://keycloak:8080/keys?x=1",
		"TODO_JWKS_FAILOVER_URL=http://mirror:8080/keys", "TODO_JWKS_SNAPSHOT=keys.snapshot", "TODO_INSECURE_HTTP=1", "TODO_AUDIENCE=a", "TODO_ALGORITHMS=ES256, Ed25519", "TODO_LEEWAY=0s", "TODO_DATABASE_URL=postgres://u:p=w@h/d",
		"TODO_JWKS_REFRESH=50ms", "TODO_JWKS_COOLDOWN=1ms", "TODO_JWKS_MAX_STALE=1h30m", "TODO_WEB_CLIENT_ID=w",
		"TODO_LOG_FORMAT=json", "TODO_STOP_DELAY=5s",
	})
	want := settings{
		addr: ":1", grpcAddr: "[::1]:2", adminAddr: "localhost:3", issuer: "http://id.example.com/realms/x/", jwksURL: "http://keycloak:8080/keys?x=1",
		jwksFailover: "http://mirror:8080/keys", jwksSnapshot: "keys.snapshot",
		insecureHTTP: true, audience: "a", algorithms: []verifier.Algorithm{verifier.ES256, verifier.Ed25519}, databaseURL: "postgres://u:p=w@h/d",
		jwksRefresh: 50 * time.Millisecond, jwksCooldown: time.Millisecond, jwksMaxStale: 90 * time.Minute, webClientID: "w",
		logFormat: "json", stopDelay: 5 * time.Second,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestWrongSettingsNameTheirVariable(t *testing.T) {
	for _, row := range [][]string{ // the variable at fault, and the settings
		{"TODO_ADDR", "TODO_ADDR=8080"},
		{"TODO_ADDR", "TODO_ADDR=127.0.0.1:http"},
		{"TODO_ADDR", "TODO_ADDR=127.0.0.1:65536"},
		{"TODO_ADDR", "TODO_ADDR=0.0.0.0:8080"},
		{"TODO_ADDR", "TODO_ADDR=:8080"},
		{"TODO_ADDR", "TODO_ADDR=example.com:8080"},
		{"TODO_ADDR", "TODO_ADDR=[::1%lo]:0"},
		{"TODO_GRPC_ADDR", "TODO_GRPC_ADDR=x"},
		{"TODO_ADMIN_ADDR", "TODO_ADMIN_ADDR=:-1"},
		{"TODO_ISSUER", "TODO_ISSUER=id.example.com"},
		{"TODO_ISSUER", "TODO_ISSUER=ftp://id.example.com"},
		{"TODO_ISSUER", "TODO_ISSUER=https://"},
		{"TODO_ISSUER", "TODO_ISSUER=https://:80"},
		{"TODO_ISSUER", "TODO_ISSUER=https://u:secret@id.example.com"},
		{"TODO_ISSUER", "TODO_ISSUER=https://id.example.com#x"},
		{"TODO_ISSUER", "TODO_ISSUER=https://id.example.com:99999"},
		{"TODO_ISSUER", "TODO_ISSUER=https://%zz"},
		{"TODO_ISSUER", "TODO_ISSUER=http://id.example.com"},
		{"TODO_ISSUER", "TODO_ISSUER=https://id\x00.example.com"},
		{"TODO_ISSUER", "TODO_ISSUER=https://id.example.com?x=1"},
		{"TODO_ISSUER", "TODO_ISSUER=https://id.example.com/?"},
		{"TODO_ISSUER", "TODO_ISSUER=http://[::1%25lo]:1"},
		{"TODO_JWKS_URL", "TODO_JWKS_URL=https://id.example.com/keys"},
		{"TODO_JWKS_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_URL=http://[::1%25lo]:1/keys"},
		{"TODO_JWKS_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_URL=keys"},
		{"TODO_JWKS_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_URL=http://keycloak:8080/keys"},
		{"TODO_JWKS_FAILOVER_URL", "TODO_JWKS_FAILOVER_URL=https://id.example.com/keys"},
		{"TODO_JWKS_FAILOVER_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_FAILOVER_URL=keys"},
		{"TODO_JWKS_FAILOVER_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_FAILOVER_URL=http://mirror:8080/keys"},
		{"TODO_JWKS_FAILOVER_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_FAILOVER_URL=https://u:secret@mirror/keys"},
		{"TODO_JWKS_FAILOVER_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_FAILOVER_URL=http://[::1%25lo]:1/keys"},
		{"TODO_JWKS_FAILOVER_URL", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_URL=https://id.example.com/keys", "TODO_JWKS_FAILOVER_URL=https://id.example.com/keys"},
		{"TODO_JWKS_SNAPSHOT", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_SNAPSHOT=/no/such/directory/keys"},
		{"TODO_JWKS_SNAPSHOT", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_SNAPSHOT=settings_test.go/keys"},
		{"TODO_JWKS_SNAPSHOT", "TODO_ISSUER=https://id.example.com", "TODO_JWKS_SNAPSHOT=."},
		{"TODO_INSECURE_HTTP", "TODO_INSECURE_HTTP=true"},
		{"TODO_AUDIENCE", "TODO_AUDIENCE=a b"},
		{"TODO_AUDIENCE", "TODO_AUDIENCE=a\xff"},
		{"TODO_ALGORITHMS", "TODO_ALGORITHMS=none"},
		{"TODO_ALGORITHMS", "TODO_ALGORITHMS=HS256"},
		{"TODO_ALGORITHMS", "TODO_ALGORITHMS=rs256"},
		{"TODO_ALGORITHMS", "TODO_ALGORITHMS=RS256,"},
		{"TODO_ALGORITHMS", "TODO_ALGORITHMS=RS256,RS256"},
		{"TODO_ALGORITHMS", "TODO_ALGORITHMS=ES256"}, // the development issuer signs with RS256
		{"TODO_LEEWAY", "TODO_LEEWAY=30"},
		{"TODO_LEEWAY", "TODO_LEEWAY=-1s"},
		{"TODO_LEEWAY", "TODO_LEEWAY=6m"},
		{"TODO_DATABASE_URL", "TODO_DATABASE_URL=mysql://h/d"},
		{"TODO_DATABASE_URL", "TODO_DATABASE_URL=:memory:"},
		{"TODO_DATABASE_URL", "TODO_DATABASE_URL=postgres://u:secret@%zz"},
		{"TODO_JWKS_REFRESH", "TODO_JWKS_REFRESH=0s"},
		{"TODO_JWKS_COOLDOWN", "TODO_JWKS_COOLDOWN=-1s"},
		{"TODO_JWKS_MAX_STALE", "TODO_JWKS_MAX_STALE=1000000h"},
		{"TODO_JWKS_MAX_STALE", "TODO_JWKS_MAX_STALE=1m"},
		{"TODO_WEB_CLIENT_ID", "TODO_WEB_CLIENT_ID=a\nb"},
		{"TODO_LOG_FORMAT", "TODO_LOG_FORMAT=JSON"},
		{"TODO_STOP_DELAY", "TODO_STOP_DELAY=6m"},
		{"TODO_STOP_DELAY", "TODO_STOP_DELAY=-1s"},
		{"TODO_DEV_TOKEN_LIFETIME", "TODO_DEV_TOKEN_LIFETIME=100ms"},
		{"TODO_DEV_TOKEN_LIFETIME", "TODO_DEV_TOKEN_LIFETIME=25h"},
		{"TODO_DEV_TOKEN_LIFETIME", "TODO_DEV_TOKEN_LIFETIME=1m", "TODO_ISSUER=https://id.example.com"},
		{"TODO_ISSUR", "TODO_ISSUR=https://id.example.com"},
		{"todo_issuer", "todo_issuer=https://id.example.com"},
		{"TODO_", "TODO_=1"},
	} {
		_, err := readSettings(row[1:])
		if err == nil || !strings.Contains(err.Error(), row[0]) {
			t.Errorf("%q gave %v, want an error that names %s", row[1:], err, row[0])
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q gave %v, which tells the password", row[1:], err)
		}
	}
	for _, v := range variables() {
		if _, err := readSettings([]string{v.name + "="}); err == nil || !strings.Contains(err.Error(), v.name) {
			t.Errorf("an empty %s gave %v, want an error that names it", v.name, err)
		}
	}
	long := strings.Repeat("x ", 10<<10)
	wrong := []string{"TODO_" + long + "=1"}
	for _, v := range variables() {
		wrong = append(wrong, v.name+"="+long)
	}
	for _, each := range wrong {
		if _, err := readSettings([]string{each}); err != nil && len(err.Error()) > 500 {
			t.Errorf("%.40q… gave an error of %d bytes, which fills a log", each, len(err.Error()))
		}
	}
	_, err := readSettings([]string{"TODO_ADDR=x", "TODO_LEEWAY=y", "TODO_Z=z"})
	for _, name := range []string{"TODO_ADDR", "TODO_LEEWAY", "TODO_Z"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("three wrong settings gave %v, want one error that names %s too", err, name)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("TODO_ADDR", "127.0.0.1:0")
	f.Add("TODO_ISSUER", "https://id.example.com")
	f.Add("TODO_ALGORITHMS", "RS256,ES256")
	f.Fuzz(func(t *testing.T, name, value string) {
		if _, err := readSettings([]string{name + "=" + value}); err != nil && err.Error() == "" {
			t.Error("an error without a text")
		}
	})
}

func TestHelpListsEverySetting(t *testing.T) {
	var out bytes.Buffer
	if code := run(t.Context(), []string{"-help"}, []string{"TODO_ADDR=wrong"}, &out, &out); code != 0 {
		t.Errorf("-help gave exit code %d", code)
	}
	for _, v := range variables() {
		if !strings.Contains(out.String(), v.name) || !strings.Contains(out.String(), "("+v.fallback) {
			t.Errorf("-help does not list %s with its default %q:\n%s", v.name, v.fallback, out.String())
		}
	}
	for _, args := range [][]string{{"-x"}, {"serve"}, {"-addr=x"}} {
		if code := run(t.Context(), args, nil, &out, &out); code != 2 {
			t.Errorf("%q gave exit code %d, want 2", args, code)
		}
	}
}

// helpLine and readmeLine have a variable, its meaning and its default.
var (
	helpLine   = regexp.MustCompile(`(?m)^  (TODO_\S*) +(.*\S) +\((.*)\)$`)
	readmeLine = regexp.MustCompile(`(?m)^\| (TODO_\S*) \| (.*) \| (.*) \|$`) // without its backquotes
)

func TestTheREADMEListsTheSettingsAsHelpDoes(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if err := writeHelp(&help); err != nil {
		t.Fatal(err)
	}
	rows := func(text string, line *regexp.Regexp) (rows []string) {
		for _, found := range line.FindAllStringSubmatch(text, -1) {
			rows = append(rows, strings.Join(found[1:], " | "))
		}
		return rows
	}
	want := rows(help.String(), helpLine)
	if len(want) != len(variables()) {
		t.Fatalf("-help has %d settings of %d:\n%s", len(want), len(variables()), help.String())
	}
	got := rows(strings.ReplaceAll(string(readme), "`", ""), readmeLine)
	if !slices.Equal(got, want) {
		t.Errorf("README.md has\n%s\nand -help\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
