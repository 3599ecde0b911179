package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bearerproof/bearerproof/bench/internal/example"
	"github.com/bearerproof/bearerproof/bench/internal/issuer"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

//go:embed requests.lua
var requestsLua []byte

// site is everything that the servers and the load need.
type site struct {
	dir      string // temporary; all that is written is in it, but for PostgreSQL's
	todo     string // the example's program
	env      []string
	script   string
	issuer   *issuer.Issuer
	postgres *postgres
}

// prepare makes the site on the disk of a directory. What it started it ends, if it
// fails.
func prepare(ctx context.Context, below string, progress io.Writer) (*site, error) {
	bin, err := needed()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(below, "load")
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, todo: filepath.Join(dir, "todo"), script: filepath.Join(dir, "requests.lua")}
	if err := s.fill(ctx, bin, below, progress); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) fill(ctx context.Context, bin, below string, progress io.Writer) (err error) {
	if err := os.WriteFile(s.script, requestsLua, 0o600); err != nil {
		return err
	}
	fmt.Fprintln(progress, "building examples/todo")
	if err := example.Build(ctx, s.todo); err != nil {
		return err
	}
	if s.issuer, err = issuer.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintln(progress, "starting PostgreSQL")
	s.postgres, err = startPostgres(ctx, bin, below)
	return err
}

// close ends what runs and removes what was written.
func (s *site) close() {
	if s.postgres != nil {
		s.postgres.close()
	}
	if s.issuer != nil {
		s.issuer.Close()
	}
	_ = os.RemoveAll(s.dir)
}

// needed says what the machine lacks, and where PostgreSQL is.
func needed() (bin string, err error) {
	bin, err = findPostgres(debianPostgres)
	return bin, errors.Join(append(wrk.Missing(), err)...)
}
