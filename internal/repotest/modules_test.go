package repotest

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goLine is the go line of every module and of the workspace. It is no patch
// level, because it binds every user.
const goLine = "1.27.0"

// outside reports whether a module does not stand in go.work. The peers of bench
// would raise the versions that all other modules are tested with, and Kubernetes'
// types, which check the manifests in deploy, would slow a newcomer's first test.
func outside(dir string) bool { return dir == "bench" || dir == "examples/todo/deploy" }

func TestEveryNestedModuleStandsInTheWorkspace(t *testing.T) {
	r := open(t)
	want := []string{"."}
	for _, dir := range r.nested(t) {
		if !outside(dir) {
			want = append(want, dir)
		}
	}
	var got []string
	for _, use := range r.workFile(t).Use {
		got = append(got, path.Clean(use.DiskPath))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("go.work lists %q, the repository has %q", got, want)
	}
}

func TestEveryGoLineIsTheSame(t *testing.T) {
	r := open(t)
	work := r.workFile(t)
	if work.Go != goLine || work.Toolchain != "" {
		t.Errorf("go.work: go %s, toolchain %q; want go %s and no toolchain", work.Go, work.Toolchain, goLine)
	}
	for _, dir := range append(r.nested(t), ".") {
		mod := r.modFile(t, dir)
		if mod.Go != goLine || mod.Toolchain != "" {
			t.Errorf("%s/go.mod: go %s, toolchain %q; want go %s and no toolchain", dir, mod.Go, mod.Toolchain, goLine)
		}
	}
}

func TestNestedModulesAreNamedAfterTheirDirectory(t *testing.T) {
	r := open(t)
	for _, dir := range r.nested(t) {
		if got, want := r.modFile(t, dir).Module.Path, path.Join(rootModule, dir); got != want {
			t.Errorf("%s/go.mod: module %s, want %s", dir, got, want)
		}
	}
}

func TestNestedModulesReplaceTheRoot(t *testing.T) {
	r := open(t)
	for _, dir := range r.nested(t) {
		replaced := false
		for _, rep := range r.modFile(t, dir).Replace {
			if !strings.HasPrefix(rep.New.Path, ".") {
				t.Errorf("%s/go.mod replaces %s by %s, which is not a relative path", dir, rep.Old.Path, rep.New.Path)
			}
			if rep.Old.Path == rootModule && rep.Old.Version == "" {
				replaced = filepath.Join(r.root, dir, rep.New.Path) == r.root
			}
		}
		if !replaced {
			t.Errorf("%s/go.mod does not replace every version of %s by the root", dir, rootModule)
		}
	}
}

// Outside the workspace a module has the versions that its own go.mod selects,
// as its users have.
func TestModulesBuildWithoutTheWorkspace(t *testing.T) {
	r := open(t)
	for _, dir := range append(r.nested(t), ".") {
		if outside(dir) {
			continue // CI builds it: here it would fetch the peers before a newcomer's first test
		}
		t.Run(dir, func(t *testing.T) {
			// The null device discards what is built, also where it is a single program.
			r.run(t, dir, "go", "build", "-buildvcs=false", "-o", os.DevNull, "./...")
		})
	}
}

func TestCoreRequiresTwoModules(t *testing.T) {
	r := open(t)
	got := strings.Fields(string(r.run(t, ".", "go", "list", "-m", "-f", "{{.Path}}", "all")))
	slices.Sort(got)
	want := []string{rootModule, "github.com/go-jose/go-jose/v4", "golang.org/x/sync"}
	if !slices.Equal(got, want) {
		t.Errorf("the core's module graph is %q, want %q", got, want)
	}
}
