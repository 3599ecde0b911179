package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/bearerproof/bearerproof/bench/internal/example"
	"github.com/bearerproof/bearerproof/bench/internal/issuer"
	"github.com/bearerproof/bearerproof/bench/internal/process"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
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
	issuer   *issuer.Issuer
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
	if err := example.Build(ctx, filepath.Join(s.dir, "todo")); err != nil {
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
	if s.issuer, err = issuer.Start(ctx); err != nil {
		return err
	}
	s.token = s.issuer.Token(nil, nil)
	fmt.Fprintln(progress, "signing tokens")
	many, err := s.issuer.NewTokens(ctx, manyTokens, runtime.NumCPU())
	if err != nil {
		return err
	}
	return os.WriteFile(s.tokens, []byte(strings.Join(many, "\n")+"\n"), 0o600)
}

// close ends the issuer and removes what was written.
func (s *site) close() {
	if s.issuer != nil {
		s.issuer.Close()
	}
	_ = os.RemoveAll(s.dir)
}

// needed says what the machine lacks.
func needed(ctx context.Context, python string) error {
	missing := wrk.Missing()
	if python == "" {
		if _, err := process.Output(ctx, "", nil, systemPython, "-c", "import venv, ensurepip"); err != nil {
			missing = append(missing, errors.New("python3 with venv is not installed (Debian: apt-get install python3-venv)"))
		}
	}
	return errors.Join(missing...)
}
