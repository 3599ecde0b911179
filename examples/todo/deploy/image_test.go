package deploy

import (
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// root is the build's context, seen from here.
const root = "../../.."

// dockerfile returns the instructions of the Dockerfile, without comments, each on one
// line.
func dockerfile(t *testing.T) (instructions []string) {
	t.Helper()
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			instructions = append(instructions, strings.Join(strings.Fields(line), " "))
		}
	}
	return instructions
}

// the returns the one instruction that starts so.
func the(t *testing.T, start string) (rest string) {
	t.Helper()
	n := 0
	for _, instruction := range dockerfile(t) {
		if after, found := strings.CutPrefix(instruction, start); found {
			rest = after
			n++
		}
	}
	if n != 1 {
		t.Fatalf("the Dockerfile has %d instructions that start with %q, want 1", n, start)
	}
	return rest
}

func TestTheImageIsBuiltWithTheGoOfGoMod(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(text)
	if got, want := the(t, "FROM golang:"), string(version[1])+" AS build"; got != want {
		t.Errorf("FROM golang:%s, want %s", got, want)
	}
}

func TestTheImageDoesNotRunAsRoot(t *testing.T) {
	the(t, "FROM gcr.io/distroless/static-debian12:nonroot")
	if user := the(t, "USER "); user != "65532:65532" {
		t.Errorf("the image's user is %s", user)
	}
}

// TestTheImageCanBeBuilt runs the command of the Dockerfile in a copy of the context,
// because no engine is needed for that.
func TestTheImageCanBeBuilt(t *testing.T) {
	context, program := buildContext(t), filepath.Join(t.TempDir(), "todo")
	command := the(t, "RUN --mount=type=cache,target=/go ")
	if !strings.Contains(command, " -o /todo ") {
		t.Fatalf("the command is %q", command)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "/todo ", program+" ", 1))
	cmd.Dir = context
	cmd.Env = append(os.Environ(), append(strings.Fields("CGO_ENABLED="+the(t, "ENV CGO_ENABLED=")), "GOWORK=")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	binary, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, part := range binary.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the program is not static: the image has no loader")
		}
	}
	cmd = exec.CommandContext(t.Context(), program, "-help")
	cmd.Env = []string{}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "TODO_ISSUER") {
		t.Errorf("-help: %v\n%s", err, out)
	}
}

// buildContext copies what an engine would be sent: the repository without what
// .dockerignore names.
func buildContext(t *testing.T) string {
	t.Helper()
	list, err := os.Open(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	patterns, err := ignorefile.ReadAll(list)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	from := os.DirFS(root)
	err = fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		skip, err := ignored.MatchesOrParentMatches(path)
		switch {
		case err != nil:
			return err
		case skip && entry.IsDir():
			return fs.SkipDir // no pattern brings anything back
		case skip || !entry.IsDir() && !entry.Type().IsRegular():
			return nil
		case entry.IsDir():
			return os.Mkdir(filepath.Join(to, path), 0o755)
		}
		text, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
