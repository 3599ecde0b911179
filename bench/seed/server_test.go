package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestStartAndStop(t *testing.T) {
	s, w := play(t, (*issuer).keySetURL)
	t.Setenv("GOMAXPROCS_OF_THE_USER", "1")
	pid := 0
	err := s.with(t.Context(), w, func(running *server, url string) error {
		pid = running.pid
		if pid == os.Getpid() || syscall.Kill(pid, 0) != nil {
			t.Errorf("process %d does not run", pid)
		}
		if strings.Contains(read(t, fmt.Sprintf("/proc/%d/environ", pid)), "OF_THE_USER") {
			t.Error("the server has the user's settings")
		}
		if status, err := get(t.Context(), url, nil); err != nil || status != 200 {
			t.Errorf("%d, %v", status, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("process %d still runs", pid)
	}
}

func TestAServerThatDoesNotStartIsQuoted(t *testing.T) {
	address, err := freeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := command{path: "/bin/sh", args: []string{"-c", "echo the port is taken; exit 3"}}
	if _, err := start(t.Context(), c, t.TempDir(), address); err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("error %v", err)
	}
}

func TestFreeAddress(t *testing.T) {
	address, err := freeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if host, port, err := net.SplitHostPort(address); err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("address %q", address)
	}
}
