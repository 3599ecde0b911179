//go:build keycloak || soak

package main

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// child is a process that ends with the tests, whatever ends them: a second
// process waits at a pipe that closes with ours, and then stops the first.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
	guard *exec.Cmd
	pipe  io.WriteCloser // what the guard reads
}

// startChild starts cmd in a process group of its own, so that a Ctrl-C at the
// terminal reaches it by way of its guard only.
func startChild(cmd *exec.Cmd) (*child, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the exit code says it all
		close(c.ended)
	}()
	if err := c.watch(); err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-c.ended
		return nil, fmt.Errorf("a process that nothing would stop: %w", err)
	}
	return c, nil
}

// watch starts the guard. A line means that there is nothing left to stop.
func (c *child) watch() (err error) {
	c.guard = exec.Command("sh", "-c", `read -r line || kill -TERM "$0"`, strconv.Itoa(c.cmd.Process.Pid))
	c.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.pipe, err = c.guard.StdinPipe(); err != nil {
		return err
	}
	return c.guard.Start()
}

// stop sends SIGTERM, waits for the end and returns the exit code. After the
// limit it kills the whole group, and says so.
func (c *child) stop(limit time.Duration) (code int, err error) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-c.ended:
	case <-time.After(limit):
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		<-c.ended
		err = fmt.Errorf("%s did not stop within %v of SIGTERM", c.cmd.Path, limit)
	}
	_, _ = io.WriteString(c.pipe, "done\n")
	_ = c.guard.Wait() // closes the pipe
	return c.cmd.ProcessState.ExitCode(), err
}

// buildServer builds the todo server and returns the path of the program.
func buildServer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "todo")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
