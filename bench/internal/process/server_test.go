package process

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAServerThatDoesNotStartIsQuoted(t *testing.T) {
	address, err := FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := Command{Path: "/bin/sh", Args: []string{"-c", "echo the port is taken; exit 3"}}
	if _, err := Start(t.Context(), c, t.TempDir(), address); err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("error %v", err)
	}
}

func TestFreeAddress(t *testing.T) {
	address, err := FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if host, port, err := net.SplitHostPort(address); err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("address %q", address)
	}
}

// A server is told to end as it wants to be told.
func TestStopSendsTheSignal(t *testing.T) {
	for want, quit := range map[string]syscall.Signal{"term": 0, "quit": syscall.SIGQUIT} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dir := t.TempDir()
		s, err := Start(t.Context(), Command{
			Path: "/bin/sh",
			Args: []string{"-c", `trap "echo term; exit" TERM; trap "echo quit; exit" QUIT; echo ready; while :; do sleep 0.02; done`},
			Quit: quit,
		}, dir, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		log := func() string {
			text, err := os.ReadFile(filepath.Join(dir, "server.log"))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		ticker := time.NewTicker(5 * time.Millisecond)
		for log() != "ready\n" {
			select {
			case <-t.Context().Done():
				t.Fatal("it does not begin")
			case <-ticker.C:
			}
		}
		ticker.Stop()
		s.Stop()
		if got := log(); got != "ready\n"+want+"\n" {
			t.Errorf("it wrote %q, want %q", got, want)
		}
	}
}

// Servers that start at the same time must not be given the same port, nor one that a
// connection of somebody's may take.
func TestFreeAddressesAreDifferent(t *testing.T) {
	given := make(map[string]bool)
	for range 100 {
		address, err := FreeAddress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(address)
		if n, _ := strconv.Atoi(port); err != nil || given[address] || n < firstPort || n >= firstPort+portCount {
			t.Errorf("%s: %v, given before: %v", address, err, given[address])
		}
		given[address] = true
	}
}
