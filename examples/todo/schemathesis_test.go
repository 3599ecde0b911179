//go:build schemathesis

package main

import (
	"encoding/json/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSchemathesis has Schemathesis, which must be in PATH, compare openapi.json with
// the running service: as alice, with all its checks but two at /todos/events, and with bob looking on.
func TestSchemathesis(t *testing.T) {
	p := startProcess(t, "TODO_DEV_TOKEN_LIFETIME=1h")
	url, dir := p.url(t), t.TempDir()
	type header struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	type user struct {
		Name    string   `json:"name"`
		Headers []header `json:"fixedHeaders"`
	}
	var users struct {
		Auth []user `json:"auth"`
	}
	for _, name := range []string{"alice", "bob"} {
		users.Auth = append(users.Auth, user{name, []header{{"Authorization", "Bearer " + devToken(t, url, name)}}})
	}
	text, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := os.ReadFile("deploy/schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"users.json": text, "schemathesis.toml": settings} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "schemathesis", "run", url+"/openapi.json",
		"--max-examples", "100", "--continue-on-failure", "--no-color")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("schemathesis: %v", err)
	}
	if log := p.stderr.String(); strings.Contains(log, "panic") || strings.Contains(log, "status=5") {
		t.Error("the service logged a panic or an answer of 5xx")
	}
}
