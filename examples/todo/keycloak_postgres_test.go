//go:build keycloak

package main

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// realPostgres is a PostgreSQL in a process of its own, whose superuser has a
// password.
type realPostgres struct {
	addr     string
	user     string
	password string
	bin      string
}

// bootPostgres starts a PostgreSQL that is gone when the test is over.
func bootPostgres(t *testing.T, user, password string) *realPostgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatalf("PostgreSQL is not installed: %v", err)
	}
	p := &realPostgres{addr: freeAddr(t), user: user, password: password, bin: found[len(found)-1]}
	dir, as := openDir(t), asPostgres(t)
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o644); err != nil {
		t.Fatal(err)
	}
	if len(as) > 0 {
		own(t, dir)
	}
	data := filepath.Join(dir, "data")
	initdb := append(slices.Clone(as), p.bin+"/initdb", "-D", data, "-U", user, "--pwfile="+secret, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	cmd := exec.CommandContext(t.Context(), initdb[0], initdb[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	_, port, _ := strings.Cut(p.addr, ":")
	run := append(slices.Clone(as), p.bin+"/postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir, "-c", "fsync=off")
	server := exec.Command(run[0], run[1:]...)
	server.Dir = dir
	output := logFile(t, dir, "output")
	server.Stdout, server.Stderr = output, output
	c, err := startChild(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := c.stop(stopLimit); code != 0 || err != nil {
			t.Errorf("PostgreSQL ended with %d, %v", code, err)
		}
	})
	eventually(t, "PostgreSQL", time.Minute, func() bool {
		return exec.CommandContext(t.Context(), p.bin+"/pg_isready", "-q", "-h", "127.0.0.1", "-p", port).Run() == nil
	})
	return p
}

// execute runs statements as the superuser, as the image runs its scripts.
func (p *realPostgres) execute(t *testing.T, statements string) {
	t.Helper()
	host, port, _ := strings.Cut(p.addr, ":")
	cmd := exec.CommandContext(t.Context(), p.bin+"/psql", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", p.user, "-d", "postgres")
	cmd.Env = append(os.Environ(), "PGPASSWORD="+p.password)
	cmd.Stdin = strings.NewReader(statements)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
}

// asPostgres is what a command starts with to run as the user postgres, if we are
// root: PostgreSQL refuses to run as root.
func asPostgres(t *testing.T) []string {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	return []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"}
}

// own gives a directory to the user postgres.
func own(t *testing.T, dir string) {
	t.Helper()
	postgres, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(postgres.Uid)
	gid, _ := strconv.Atoi(postgres.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// openDir is a directory that other users can enter, which t.TempDir is not.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "todo-test-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// logFile is where a process writes, so that nobody has to read along.
func logFile(t *testing.T, dir, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if text, err := os.ReadFile(f.Name()); err == nil && t.Failed() {
			t.Logf("the end of %s:\n%s", name, text[max(0, len(text)-4<<10):])
		}
		f.Close()
	})
	return f
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, limit time.Duration, yes func() bool) {
	t.Helper()
	late := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}
