//go:build keycloak

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/bearerproof/bearerproof/examples/todo/todov1"
)

// todoServer is the built todo server in a process of its own, which trusts
// Keycloak and asks it for keys by way of a proxy of its own.
type todoServer struct {
	name     string // in the test's log
	url      string // of its API
	keycloak *realKeycloak
	proxy    *countingProxy // nil if it discovers the keys
	conn     *grpc.ClientConn
	todos    todov1.TodoServiceClient
	log      *logCapture
}

// serve starts a todo server, named for the log, that refreshes its keys in the interval. When the
// test is over, the proxy's log is printed, the server must stop with exit code
// 0, and there must be no token in what it logged.
func (k *realKeycloak) serve(t *testing.T, name string, interval time.Duration) *todoServer {
	t.Helper()
	proxy := newCountingProxy(t, k.base)
	return k.serveWith(t, name, proxy, "TODO_JWKS_REFRESH="+interval.String(), "TODO_JWKS_URL="+proxy.url+"/realms/myrealm/protocol/openid-connect/certs")
}

// serveDiscovering is serve without a proxy: the server finds the keys through
// the issuer's metadata.
func (k *realKeycloak) serveDiscovering(t *testing.T, name string) *todoServer {
	t.Helper()
	return k.serveWith(t, name, nil)
}

func (k *realKeycloak) serveWith(t *testing.T, name string, proxy *countingProxy, environ ...string) *todoServer {
	t.Helper()
	s := &todoServer{name: name, keycloak: k, proxy: proxy, log: &logCapture{api: make(chan string, 1), grpc: make(chan string, 1)}}
	cmd := exec.Command(k.todo)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir,
		"TODO_ADDR=127.0.0.1:0", "TODO_GRPC_ADDR=127.0.0.1:0", "TODO_DATABASE_URL=" + filepath.Join(cmd.Dir, "todo.db"),
		"TODO_ISSUER=" + k.issuer(), "TODO_LEEWAY=1s",
	}, environ...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	c, err := startChild(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t, c) })
	running := &process{cmd: cmd, stderr: s.log}
	s.url = running.url(t)
	s.conn, err = grpc.NewClient(running.await(t, s.log.grpc), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
	s.todos = todov1.NewTodoServiceClient(s.conn)
	return s
}

func (s *todoServer) end(t *testing.T, c *child) {
	t.Helper()
	if code, err := c.stop(stopLimit); code != 0 || err != nil {
		t.Errorf("server %s stopped with exit code %d, %v, want 0", s.name, code, err)
	}
	log := s.log.String()
	if !strings.Contains(log, "msg=request ") {
		t.Errorf("the log of server %s has no request in it", s.name)
	}
	if s.keycloak.leakedIn(log) != "" {
		t.Fatalf("a token is in the log of server %s, which is therefore not shown", s.name)
	}
	if s.proxy != nil {
		t.Logf("the fetches of server %s, as its proxy saw them:\n%s", s.name, s.proxy)
	}
	if t.Failed() {
		t.Logf("the log of server %s:\n%s", s.name, log)
	}
}

func (s *todoServer) do(t *testing.T, in request) answer {
	t.Helper()
	return (&service{url: s.url}).do(t, in)
}

// call returns a context for one call, which bears the token unless it is empty.
func (s *todoServer) call(ctx context.Context, token string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return ctx, cancel
}
