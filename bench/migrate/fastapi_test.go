package migrate

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
)

func TestFastAPIAfterAsksForTheRealmRole(t *testing.T) {
	idp := issuertest.Listen(t, nil)
	h, err := fastAPIAfter(t.Context(), idp.URL())
	if err != nil {
		t.Fatal(err)
	}
	writer := issuertest.Claims{"realm_access": map[string][]string{"roles": {"todo-writer"}}}
	for name, test := range map[string]struct {
		send func(*issuertest.Issuer, *http.Request)
		want int
	}{
		"reading":                 {bearing(nil), http.StatusOK},
		"writing":                 {posting(bearing(writer)), http.StatusCreated},
		"writing without a role":  {posting(bearing(nil)), http.StatusForbidden},
		"another audience":        {bearing(issuertest.Claims{"aud": "account"}), http.StatusUnauthorized},
		"an ID token":             {bearing(issuertest.Claims{"typ": "ID"}), http.StatusUnauthorized},
		"no token":                {nothing, http.StatusUnauthorized},
		"a scope is no such role": {posting(bearing(issuertest.Claims{"scope": "todo-writer"})), http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			if got := served(h, idp, test.send).StatusCode; got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

// The code from before is Python. Its libraries are those of bench/seed, which runs such a
// server; here it must be Python.
func TestFastAPIBeforeIsPython(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatal("the page has no Python")
	}
	for _, block := range blocks {
		command := exec.CommandContext(t.Context(), "python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())")
		command.Stdin = bytes.NewReader(block[1])
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}
