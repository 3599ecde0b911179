//go:build keycloak

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	fetchLimit = 10 * time.Minute // to download and build Keycloak, once a machine
	bootLimit  = 3 * time.Minute
	stopLimit  = time.Minute // a SIGTERM while it boots is obeyed only once it has
)

// realKeycloak is a Keycloak on a loopback port, with the realm of the folder
// keycloak. It can be stopped and started again, and keeps its users and keys.
type realKeycloak struct {
	dir  string
	base string // its URL
	todo string // the built todo server

	process  *child // nil while it is stopped
	output   *os.File
	priority int // of the newest signing key

	mu     sync.Mutex // guards what follows
	tokens []string   // all that it gave, and those made of them
}

// bootKeycloak starts a Keycloak that is gone when the test is over.
func bootKeycloak(t *testing.T) *realKeycloak {
	t.Helper()
	fetch := exec.CommandContext(t.Context(), "./keycloak/keycloak.sh", "fetch")
	fetch.WaitDelay = stopLimit // its own children may hold the pipe open
	limit := time.AfterFunc(fetchLimit, func() { _ = fetch.Process.Signal(syscall.SIGTERM) })
	out, err := fetch.CombinedOutput()
	limit.Stop()
	if err != nil {
		t.Fatalf("keycloak.sh fetch: %v\n%s", err, out)
	}
	k := &realKeycloak{dir: t.TempDir(), priority: 100}
	k.todo = buildServer(t)
	k.base = "http://" + freeAddr(t)
	t.Cleanup(func() { k.stop(t) })
	k.start(t)
	return k
}

// freeAddr returns a loopback address on which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// issuer is the issuer that the tokens of the realm name.
func (k *realKeycloak) issuer() string { return k.base + "/realms/myrealm" }

// start starts Keycloak and waits until it serves the realm.
func (k *realKeycloak) start(t *testing.T) {
	t.Helper()
	at, err := url.Parse(k.base)
	if err != nil {
		t.Fatal(err)
	}
	k.launch(t, exec.Command("./keycloak/keycloak.sh", "run", "-p", at.Port(), "-d", filepath.Join(k.dir, "run")))
}

// launch starts a command that is Keycloak, and waits until it serves the realm.
func (k *realKeycloak) launch(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var err error
	if k.output, err = os.Create(filepath.Join(k.dir, "output")); err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = k.output, k.output // a file, so that nobody has to read along
	begin := time.Now()
	if k.process, err = startChild(cmd); err != nil {
		t.Fatal(err)
	}
	if err := k.await(bootLimit); err != nil {
		t.Fatalf("Keycloak: %v\n%s", err, k.lastOutput())
	}
	t.Logf("Keycloak serves %s after %.1f s", k.issuer(), time.Since(begin).Seconds())
}

// await waits until the realm answers.
func (k *realKeycloak) await(limit time.Duration) error {
	late := time.After(limit)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	client := &http.Client{Timeout: 5 * time.Second}
	for {
		resp, err := client.Get(k.issuer() + "/.well-known/openid-configuration")
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-k.process.ended:
			return errors.New("ended by itself")
		case <-late:
			return fmt.Errorf("does not serve within %v", limit)
		}
	}
}

// stop stops Keycloak, if it runs, and waits until nothing of it is left.
func (k *realKeycloak) stop(t *testing.T) {
	t.Helper()
	if k.process == nil {
		return
	}
	_, err := k.process.stop(stopLimit)
	k.process = nil
	if err != nil {
		t.Errorf("%v\n%s", err, k.lastOutput())
	}
	k.output.Close()
	at, _ := url.Parse(k.base)
	if conn, err := net.DialTimeout("tcp", at.Host, time.Second); err == nil {
		conn.Close()
		t.Error("Keycloak is stopped, but somebody listens at its address")
	}
}

// lastOutput is the end of what Keycloak printed.
func (k *realKeycloak) lastOutput() []byte {
	text, err := os.ReadFile(k.output.Name())
	if err != nil {
		return []byte(err.Error())
	}
	text = text[max(0, len(text)-8<<10):]
	return bytes.TrimSpace(text)
}
