package repotest

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// listed is the part of go list -json that the checks need.
type listed struct {
	ImportPath string
	Name       string
	Standard   bool
	Export     string
	Module     *struct{ Path string }
}

func (p listed) module() string {
	if p.Module == nil {
		return ""
	}
	return p.Module.Path
}

func (r repository) list(t *testing.T, args ...string) []listed {
	t.Helper()
	args = append([]string{"list", "-buildvcs=false", "-json=ImportPath,Name,Standard,Export,Module"}, args...)
	dec := jsontext.NewDecoder(bytes.NewReader(r.run(t, ".", "go", args...)))
	var packages []listed
	for {
		var p listed
		err := json.UnmarshalDecode(dec, &p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// Imports of tests count, because they reach the go.sum of whoever imports us.
func TestCoreImportsStandardLibraryAndTwoModules(t *testing.T) {
	r := open(t)
	allowed := []string{rootModule, "github.com/go-jose/go-jose/v4", "golang.org/x/sync"}
	own := 0
	for _, p := range r.list(t, "-deps", "-test", "./...") {
		if p.Standard || strings.HasSuffix(p.ImportPath, ".test") {
			continue // the latter are the test programs that go test writes
		}
		if !slices.Contains(allowed, p.module()) {
			t.Errorf("the core, or a test of it, depends on %s of module %q", p.ImportPath, p.module())
		}
		if p.module() == rootModule {
			own++
		}
	}
	if own == 0 {
		t.Error("go list named no package of the core")
	}
}

func TestVerifierKnowsNoNetwork(t *testing.T) {
	r := open(t)
	packages := r.list(t, "-deps", "./verifier")
	if !slices.ContainsFunc(packages, func(p listed) bool { return p.ImportPath == rootModule+"/verifier" }) {
		t.Fatal("go list did not name the verifier")
	}
	for _, p := range packages {
		if p.ImportPath == "net/http" {
			t.Errorf("verifier depends on %s", p.ImportPath)
		}
		if p.module() == rootModule && p.ImportPath != rootModule+"/verifier" && p.ImportPath != rootModule+"/internal/jws" {
			t.Errorf("verifier depends on %s", p.ImportPath)
		}
	}
}
