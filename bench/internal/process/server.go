package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	startLimit = 20 * time.Second // until a server answers
	stopLimit  = 5 * time.Second  // from the signal to its end; then it is killed
)

// Command is a server that can be started.
type Command struct {
	Path string
	Args []string
	Env  []string            // beside PATH, HOME and LANG
	As   *syscall.Credential // the user; nil is the one of this process
	Quit syscall.Signal      // what ends it; SIGTERM if 0
}

// Server is the process of a server that answers.
type Server struct {
	PID     int
	address string
	cancel  context.CancelFunc
	ended   chan struct{} // closed when the process is gone
}

// Start starts a server in a directory and waits until it takes connections on the
// address. What it writes goes to a file, as that of a service does.
func Start(ctx context.Context, c Command, dir, address string) (*Server, error) {
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	// The process has its own.
	defer log.Close()
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir = dir
	// Nothing else, so that no setting of the user's is measured.
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8"}, c.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.As}
	cmd.Cancel = func() error { return cmd.Process.Signal(cmp.Or(c.Quit, syscall.SIGTERM)) }
	cmd.WaitDelay = stopLimit
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	s := &Server{address: address, PID: cmd.Process.Pid, cancel: cancel, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(s.ended)
	}()
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("%w; it wrote:\n%s", err, lastPart(log.Name()))
	}
	return s, nil
}

// ready waits until the server takes a connection.
func (s *Server) ready(ctx context.Context) error {
	ctx, stop := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("the server does not answer within %v", startLimit))
	defer stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.ended:
			return errors.New("the server ended as it started")
		case <-ticker.C:
		}
	}
}

// Stop ends the process and waits for it.
func (s *Server) Stop() {
	s.cancel()
	<-s.ended
}

// lastPart returns the end of a log.
func lastPart(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// The ports that FreeAddress gives out. Linux takes those above for outgoing connections,
// so one of these is not taken before the server listens on it.
const (
	firstPort = 20_000
	portCount = 12_000
)

// asked counts the ports that this process tried, so that none is given out twice. Like
// them it belongs to the whole process.
var asked atomic.Uint32

// FreeAddress returns an address on which nothing listens.
func FreeAddress(ctx context.Context) (string, error) {
	for range portCount {
		// Another process begins elsewhere.
		port := firstPort + (uint32(os.Getpid())*101+asked.Add(1))%portCount
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("found no free port")
}
