package repotest

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const rootModule = "github.com/bearerproof/bearerproof"

// repository is the checkout that this package is part of.
type repository struct {
	root string // absolute
}

// open finds the repository above the package's directory, in which go test
// runs its tests.
//
// It reads every directory and file. Results of go test are cached, and what
// counts as input is what the test itself opened, not what the commands that
// it runs read.
func open(t *testing.T) repository {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	r := repository{root: root}
	if got := r.modFile(t, ".").Module.Path; got != rootModule {
		t.Fatalf("module in %s is %q, want %q", root, got, rootModule)
	}
	r.nested(t)
	for name := range r.files(t) {
		r.read(t, name)
	}
	return r
}

// run returns what a command prints on its standard output. dir is relative
// to the root. The go command works without the workspace.
func (r repository) run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = filepath.Join(r.root, dir)
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s in %s: %v\n%s", name, strings.Join(args, " "), dir, err, stderr.Bytes())
	}
	return stdout.Bytes()
}

// files yields the names of the regular files that git tracks, or would track
// after git add, relative to the root and with forward slashes.
func (r repository) files(t *testing.T) iter.Seq[string] {
	t.Helper()
	// A container often runs as another user than the one who made the clone.
	out := r.run(t, ".", "git", "-c", "safe.directory="+r.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	names := strings.FieldsFunc(string(out), func(c rune) bool { return c == 0 })
	if len(names) == 0 {
		t.Fatal("git knows no file here")
	}
	return func(yield func(string) bool) {
		for _, name := range names {
			info, err := os.Lstat(filepath.Join(r.root, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted, and not yet committed
			}
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().IsRegular() && !yield(name) {
				return
			}
		}
	}
}

func (r repository) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.root, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// nested returns the directories of the modules below the root, relative to
// it and sorted.
func (r repository) nested(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(r.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != r.root && ignored(d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		dir, err := filepath.Rel(r.root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if d.Name() == "go.mod" && dir != "." {
			dirs = append(dirs, filepath.ToSlash(dir))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(dirs)
	return dirs
}

// ignored says whether the go command passes a directory by.
func ignored(name string) bool {
	return name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// modFile is the part of go mod edit -json that the checks need.
type modFile struct {
	Module    struct{ Path string }
	Go        string
	Toolchain string
	Replace   []struct {
		Old struct{ Path, Version string }
		New struct{ Path, Version string }
	}
}

func (r repository) modFile(t *testing.T, dir string) modFile {
	t.Helper()
	return decode[modFile](t, r.run(t, dir, "go", "mod", "edit", "-json"))
}

// workFile is the part of go work edit -json that the checks need.
type workFile struct {
	Go        string
	Toolchain string
	Use       []struct{ DiskPath string }
}

func (r repository) workFile(t *testing.T) workFile {
	t.Helper()
	return decode[workFile](t, r.run(t, ".", "go", "work", "edit", "-json", "go.work"))
}

func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
