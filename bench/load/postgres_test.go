package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// playPostgres takes connections on the port that is given.
func playPostgres(args []string) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", args[slices.Index(args, "-p")+1]))
	for err == nil {
		var c net.Conn
		if c, err = l.Accept(); err == nil {
			err = c.Close()
		}
	}
	fmt.Println(err)
}

// played returns an instance whose programs write their arguments into a file.
func played(t *testing.T, initdb string) (p *postgres, calls func() string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p = &postgres{bin: t.TempDir(), dir: t.TempDir()}
	log := filepath.Join(p.bin, "calls")
	for name, text := range map[string]string{
		"initdb":     initdb,
		"postgres":   fmt.Sprintf("LOAD_TEST_POSTGRES=1 exec %q \"$@\"", self),
		"pg_isready": `test "$(grep -c pg_isready "$0/../calls")" -ge 3`, // not at once
		"psql":       `case "$*" in *"no such"*) echo "it failed"; exit 3;; esac; echo " 15.1 "`,
	} {
		text = strings.ReplaceAll(text, `$0/..`, p.bin)
		script(t, filepath.Join(p.bin, name), fmt.Sprintf("echo %s \"$@\" >>%q\n%s", name, log, text))
	}
	return p, func() string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestPostgres(t *testing.T) {
	p, calls := played(t, "mkdir data")
	defer p.close()
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	url, err := p.create(t.Context(), "one")
	if want := "postgres://postgres@" + p.address + "/one?sslmode=disable"; err != nil || url != want {
		t.Errorf("URL %q, %v, want %q", url, err, want)
	}
	if version, err := p.version(t.Context()); err != nil || version != "15.1" {
		t.Errorf("version %q, %v", version, err)
	}
	if _, err := p.query(t.Context(), "one", "DROP no such"); err == nil || !strings.Contains(err.Error(), "it failed") {
		t.Errorf("error %v, want what psql says", err)
	}
	if err := onSilentPostgres().change(t.Context(), &site{postgres: p}, "two"); err != nil {
		t.Error(err)
	}
	all := calls()
	for _, want := range []string{`-d postgres -c CREATE DATABASE "one"`, "-d two -c DROP TRIGGER announce ON todos", "ON_ERROR_STOP=1", "listen_addresses=127.0.0.1"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
	if n := strings.Count(all, "pg_isready"); n != 3 {
		t.Errorf("it was asked %d times whether it is ready, want 3", n)
	}
	// An acknowledged todo must survive a loss of power.
	for _, never := range []string{"fsync", "synchronous_commit", "full_page_writes", "unlogged"} {
		if strings.Contains(strings.ToLower(all), never) {
			t.Errorf("%s is set in\n%s", never, all)
		}
	}
	pid := p.server.PID
	p.close()
	if syscall.Kill(pid, 0) == nil {
		t.Error("it still runs")
	}
	if _, err := os.Stat(p.dir); err == nil {
		t.Error("its directory is still there")
	}
}

func TestPostgresThatCannotBeMade(t *testing.T) {
	p, _ := played(t, "echo no space; exit 1")
	defer p.close()
	if err := p.start(t.Context()); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("error %v, want what initdb says", err)
	}
}

func TestFindPostgres(t *testing.T) {
	debian, path := t.TempDir(), t.TempDir()
	t.Setenv("PATH", path)
	if bin, err := findPostgres(debian); err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("found %q, error %v", bin, err)
	}
	script(t, filepath.Join(path, "postgres"), "")
	if bin, err := findPostgres(debian); err != nil || bin != path {
		t.Errorf("found %q, %v, want the one on the path", bin, err)
	}
	for _, version := range []string{"9.6", "15", "17"} {
		bin := filepath.Join(debian, version, "bin")
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		script(t, filepath.Join(bin, "postgres"), "")
		if got, err := findPostgres(debian); err != nil || got != bin {
			t.Errorf("found %q, %v, want %q", got, err, bin)
		}
	}
}
