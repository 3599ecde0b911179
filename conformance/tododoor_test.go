package conformance

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
)

// todoLimit is what the example reads of a header: 64 KiB, and over HTTP some more.
const todoLimit = 64 << 10

// todoDoors are the example server as a process of its own, over HTTP and over gRPC,
// with the keys of an issuer on a socket of this machine. Its clock is the system's.
func todoDoors(t *testing.T) []door {
	t.Helper()
	program := filepath.Join(t.TempDir(), "todo")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../examples", "-o", program, "./todo")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the example does not build: %v\n%s", err, out)
	}
	overHTTP := door{
		name:      "todo",
		transport: "http",
		now:       time.Now,
		limit:     todoLimit + 4096,
		unable:    unableTodo,
		open: func(t *testing.T, c Config) gate {
			return httpGate(startTodo(t, program, c).api, http.MethodGet)
		},
	}
	overGRPC := door{
		name:      "todo, gRPC",
		transport: "grpc",
		now:       time.Now,
		limit:     todoLimit,
		unable: func(row Row) string {
			if why := unableTodo(row); why != "" {
				return why
			}
			return unableGRPC(row)
		},
		open: func(t *testing.T, c Config) gate {
			address := startTodo(t, program, c).grpc
			return grpcGate("/todo.v1.TodoService/ListTodos", func() (net.Conn, error) {
				return (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", address)
			})
		},
	}
	return []door{overHTTP, overGRPC}
}

// unableTodo tells what the example has no setting for.
func unableTodo(row Row) string {
	switch c := row.Config; {
	case row.Still:
		return "its clock moves, and the row is about one second"
	case c.TokenTypes != nil:
		return "it has no setting for the types of tokens"
	case c.AcceptIDTokens:
		return "it accepts no ID tokens"
	case c.RFC9068:
		return "it does not ask for RFC 9068"
	case len(c.Audience) > 1:
		return "it has one audience"
	}
	return ""
}

// todo is a running example server.
type todo struct{ api, grpc string }

// startTodo runs the example until the test ends.
func startTodo(t *testing.T, program string, c Config) todo {
	t.Helper()
	set, err := c.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	issuer := issuertest.Listen(t, nil)
	issuer.KeySet().SetContent(set)
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + cmd.Dir,
		"TODO_ADDR=127.0.0.1:0",
		"TODO_GRPC_ADDR=127.0.0.1:0",
		"TODO_ISSUER=" + Issuer,
		"TODO_JWKS_URL=" + issuer.KeySet().URL(),
	}, todoSettings(c)...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(log)
	ended := make(chan struct{})
	t.Cleanup(func() {
		stop()
		<-ended
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("the example ended with %v (%v)", cmd.ProcessState, err)
		}
	})
	var running todo
	running.api, running.grpc = served(t, lines)
	go func() { // it must not wait for somebody who reads its log
		defer close(ended)
		_, _ = io.Copy(io.Discard, lines)
	}()
	return running
}

// todoSettings are the settings in which the config differs from the usual one.
func todoSettings(c Config) []string {
	var environ []string
	if c.Algorithms != nil {
		var names []string
		for _, alg := range c.Algorithms {
			names = append(names, alg.String())
		}
		environ = append(environ, "TODO_ALGORITHMS="+strings.Join(names, ","))
	}
	if c.Audience != nil {
		environ = append(environ, "TODO_AUDIENCE="+c.Audience[0])
	}
	if c.LeewaySeconds != 0 {
		environ = append(environ, "TODO_LEEWAY="+strconv.Itoa(c.LeewaySeconds)+"s")
	}
	return environ
}

// served reads the log until both addresses are known.
func served(t *testing.T, log *bufio.Reader) (api, grpc string) {
	t.Helper()
	serving := regexp.MustCompile(`msg=serving what=(\S+) addr=(\S+)\n`)
	for api == "" || grpc == "" {
		line, err := log.ReadString('\n')
		if err != nil {
			t.Fatalf("the example does not serve: %v", err)
		}
		switch found := serving.FindStringSubmatch(line); {
		case found == nil:
		case found[1] == "API":
			api = found[2]
		case found[1] == "gRPC":
			grpc = found[2]
		}
	}
	return api, grpc
}
