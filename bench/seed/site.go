package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

var (
	//go:embed server.py
	serverPy []byte
	//go:embed requirements.txt
	requirementsTxt []byte
	//go:embed newtokens.lua
	newTokensLua []byte
)

// manyTokens is how many different tokens the way with new tokens gets in turn. The
// example remembers 4,096, and has forgotten nearly all when they come again: in six
// turns, at most one in 25 was found.
const manyTokens = 20_000

// site is everything that the servers and the load need.
type site struct {
	dir      string // temporary, and all that was written is in it
	python   string
	versions versions
	issuer   *issuer
	token    string // good for an hour
	script   string // a file, as are the tokens
	tokens   string
}

// prepare makes the site. What it started it ends, if it fails.
func prepare(ctx context.Context, o options, progress io.Writer) (*site, error) {
	if err := needed(ctx, o.python); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "seed")
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, python: o.python, script: filepath.Join(dir, "newtokens.lua"), tokens: filepath.Join(dir, "tokens")}
	if err := s.fill(ctx, progress); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// fill builds and installs what is measured, and starts the issuer.
func (s *site) fill(ctx context.Context, progress io.Writer) (err error) {
	for name, content := range map[string][]byte{"server.py": serverPy, "requirements.txt": requirementsTxt, "newtokens.lua": newTokensLua} {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	fmt.Fprintln(progress, "building examples/todo")
	if err := buildTodo(ctx, filepath.Join(s.dir, "todo")); err != nil {
		return err
	}
	if s.python == "" {
		fmt.Fprintln(progress, "installing the packages of requirements.txt")
		if s.python, err = installPython(ctx, s.dir); err != nil {
			return err
		}
	}
	if s.versions, err = readVersions(ctx, s.python); err != nil {
		return err
	}
	if s.issuer, err = startIssuer(ctx); err != nil {
		return err
	}
	s.token = s.issuer.token(nil, nil)
	fmt.Fprintln(progress, "signing tokens")
	many, err := s.issuer.newTokens(ctx, manyTokens, runtime.NumCPU())
	if err != nil {
		return err
	}
	return os.WriteFile(s.tokens, []byte(strings.Join(many, "\n")+"\n"), 0o600)
}

// close ends the issuer and removes what was written.
func (s *site) close() {
	if s.issuer != nil {
		s.issuer.stop()
	}
	_ = os.RemoveAll(s.dir)
}

// needed says what the machine lacks.
func needed(ctx context.Context, python string) error {
	var missing []error
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		missing = append(missing, errors.New("no /proc, from which CPU times are read: it takes Linux"))
	}
	if _, err := exec.LookPath("wrk"); err != nil {
		missing = append(missing, errors.New("wrk is not installed (Debian: apt-get install wrk)"))
	}
	if python == "" {
		if _, err := output(ctx, "", nil, systemPython, "-c", "import venv, ensurepip"); err != nil {
			missing = append(missing, errors.New("python3 with venv is not installed (Debian: apt-get install python3-venv)"))
		}
	}
	return errors.Join(missing...)
}

// buildTodo builds the example, in the repository that has this module.
func buildTodo(ctx context.Context, program string) error {
	file, err := output(ctx, "", nil, "go", "env", "GOMOD")
	if err != nil {
		return err
	}
	bench := filepath.Dir(file)
	if filepath.Base(bench) != "bench" {
		return errors.New("run it in the module bench: GOWORK=off go -C bench run ./seed")
	}
	// The example's own versions, not those of this module.
	_, err = output(ctx, filepath.Dir(bench), []string{"GOWORK="}, "go", "build", "-o", program, "./examples/todo")
	return err
}

// output returns what a program prints, without white space around it.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, stdout, &stderr)
	}
	return strings.TrimSpace(string(stdout)), nil
}
