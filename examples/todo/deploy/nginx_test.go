package deploy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nginxLimit is how long nginx may take for anything here.
const nginxLimit = 20 * time.Second

// A request that net/http cannot parse is answered, and its connection reset, while its
// body still comes. To nginx that can look like a broken replica.
func TestNginxKeepsSendingToReplicasThatRefuse(t *testing.T) {
	n := startNginx(t)
	body := strings.Repeat("a", 127<<10)
	for range 60 {
		n.send(t, "PUT /todos HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: a\x01b\r\nContent-Length: 130048\r\n\r\n"+body)
		for range 3 {
			if status := n.get(t); status != http.StatusOK {
				t.Fatalf("after a malformed request of somebody else, GET gives %d\n%s", status, n.read(t, "error.log"))
			}
		}
	}
	if !regexp.MustCompile(`PUT /todos \d+ to=127\.0\.0\.1:`).MatchString(n.read(t, "access.log")) {
		t.Errorf("no replica was sent a malformed request:\n%s", n.read(t, "access.log"))
	}
	if text := n.read(t, "error.log"); strings.Contains(text, "buffered to a temporary file") {
		t.Errorf("a body that may be sent goes to the disk:\n%s", text)
	}
}

// proxied is nginx.conf at work, before two replicas that answer each good request
// with 200.
type proxied struct {
	dir    string
	client *http.Client
}

// startNginx runs nginx as compose.yaml does, with other addresses and logs.
func startNginx(t *testing.T) *proxied {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "nginx-test-") //nolint:usetesting // nginx's workers may be of another user, who has to get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	n := &proxied{dir: dir, client: &http.Client{Timeout: nginxLimit, Transport: &http.Transport{DisableKeepAlives: true}}}
	n.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return n.dial(ctx) }
	n.configure(t, map[string]string{
		"todo-1:8080":  replica(t),
		"todo-2:8080":  replica(t),
		"listen 8080;": "listen unix:" + filepath.Join(dir, "socket") + ";", // no port that somebody else could take
		"/dev/stdout":  filepath.Join(dir, "access.log"),
		"/dev/stderr":  filepath.Join(dir, "error.log"),
	})
	cmd := exec.Command("nginx", "-e", filepath.Join(dir, "error.log"), "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		late := time.AfterFunc(nginxLimit, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx ended with %v", err)
		}
	})
	for limit := time.Now().Add(nginxLimit); ; {
		c, err := n.dial(t.Context())
		if err == nil {
			_ = c.Close()
			return n
		}
		if time.Now().After(limit) {
			t.Fatalf("nginx does not listen: %v\n%s", err, n.read(t, "error.log"))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// replica returns the address of a server.
func replica(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// configure writes nginx.conf with what stands for its addresses and logs.
func (n *proxied) configure(t *testing.T, stands map[string]string) {
	t.Helper()
	text, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for name, with := range stands {
		if !strings.Contains(string(text), name) {
			t.Fatalf("nginx.conf does not have %q", name)
		}
		pairs = append(pairs, name, with)
	}
	conf := strings.NewReplacer(pairs...).Replace(string(text))
	if err := os.WriteFile(filepath.Join(n.dir, "nginx.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (n *proxied) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(n.dir, "socket"))
}

// send sends the request as it stands, and waits for the end of the answer.
func (n *proxied) send(t *testing.T, request string) {
	t.Helper()
	c, err := n.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(nginxLimit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Fatal(err)
	}
}

// get returns the status of a good request.
func (n *proxied) get(t *testing.T) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://todo/todos", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := n.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func (n *proxied) read(t *testing.T, log string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, log))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
