package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/process"
)

// debianPostgres is where Debian has the versions of PostgreSQL.
const debianPostgres = "/usr/lib/postgresql"

// postgresUser is who runs PostgreSQL where this program runs as root, which PostgreSQL
// refuses.
const postgresUser = "postgres"

// postgres is an instance of its own, as initdb makes it: a commit waits for the disk.
type postgres struct {
	bin     string // the directory of its programs
	dir     string
	address string
	as      *syscall.Credential
	server  *process.Server
}

// startPostgres makes an instance in a directory of its own below a given one.
func startPostgres(ctx context.Context, bin, below string) (p *postgres, err error) {
	p = &postgres{bin: bin}
	if p.as, err = notRoot(); err != nil {
		return nil, err
	}
	if p.dir, err = os.MkdirTemp(below, "load-postgres"); err != nil {
		return nil, err
	}
	if err := p.start(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *postgres) start(ctx context.Context) (err error) {
	if p.as != nil {
		if err := os.Chown(p.dir, int(p.as.Uid), int(p.as.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(p.dir, "data")
	if _, err := p.run(ctx, "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"); err != nil {
		return err
	}
	if p.address, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(p.address)
	p.server, err = process.Start(ctx, process.Command{
		Path: filepath.Join(p.bin, "postgres"),
		Args: []string{"-D", data, "-p", port, "-c", "listen_addresses=" + host, "-c", "unix_socket_directories="},
		As:   p.as,
		Quit: syscall.SIGQUIT, // at once: nobody needs the data any more
	}, p.dir, p.address)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	return p.ready(ctx)
}

// ready waits until the instance takes queries.
func (p *postgres) ready(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	host, port, _ := net.SplitHostPort(p.address)
	for {
		_, err := p.run(ctx, "pg_isready", "-q", "-h", host, "-p", port)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// close ends the instance and removes its directory.
func (p *postgres) close() {
	if p.server != nil {
		p.server.Stop()
	}
	_ = os.RemoveAll(p.dir)
}

// create makes a database, and returns its URL.
func (p *postgres) create(ctx context.Context, name string) (string, error) {
	if _, err := p.query(ctx, "postgres", `CREATE DATABASE "`+name+`"`); err != nil {
		return "", err
	}
	return "postgres://postgres@" + p.address + "/" + name + "?sslmode=disable", nil
}

// version is that of the server.
func (p *postgres) version(ctx context.Context) (string, error) {
	return p.query(ctx, "postgres", `SHOW server_version`)
}

// query runs one statement, and returns what it says.
func (p *postgres) query(ctx context.Context, database, statement string) (string, error) {
	host, port, _ := net.SplitHostPort(p.address)
	return p.run(ctx, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", "postgres", "-d", database, "-c", statement)
}

// run runs one of PostgreSQL's programs as its user.
func (p *postgres) run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	printed, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", program, err, printed)
	}
	return strings.TrimSpace(string(printed)), nil
}

// notRoot returns whom PostgreSQL runs as: nil is the user of this process.
func notRoot() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(postgresUser)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, errUser := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGroup := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUser, errGroup); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// findPostgres returns the directory with PostgreSQL's programs: the newest of Debian's,
// or the one on the search path.
func findPostgres(debian string) (bin string, err error) {
	found, err := filepath.Glob(filepath.Join(debian, "*", "bin", "postgres"))
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(majorOf(a), majorOf(b)) })), nil
	}
	program, err := exec.LookPath("postgres")
	if err != nil {
		return "", errors.New("PostgreSQL is not installed (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(program), nil
}

// majorOf is the version within .../15/bin/postgres.
func majorOf(program string) float64 {
	version, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(program))), 64)
	return version
}
