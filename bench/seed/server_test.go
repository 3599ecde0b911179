package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/bearerproof/bearerproof/bench/internal/issuer"
	"github.com/bearerproof/bearerproof/bench/internal/process"
)

func TestStartAndStop(t *testing.T) {
	s, w := play(t, (*issuer.Issuer).KeySetURL)
	t.Setenv("GOMAXPROCS_OF_THE_USER", "1")
	pid := 0
	err := s.with(t.Context(), w, func(running *process.Server, url string) error {
		pid = running.PID
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
