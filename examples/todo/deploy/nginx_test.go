package deploy

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
		c := n.send(t, "PUT /todos HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: a\x01b\r\nContent-Length: 130048\r\n\r\n"+body)
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Fatal(err)
		}
		_ = c.Close() // nginx lingers otherwise, and writes its log afterwards
		for range 3 {
			if status := n.get(t); status != http.StatusOK {
				t.Fatalf("after a malformed request of somebody else, GET gives %d\n%s", status, n.read(t, "error.log"))
			}
		}
	}
	if !regexp.MustCompile(`PUT /todos \d+ to=127\.0\.0\.1:`).MatchString(n.read(t, "access.log")) {
		t.Errorf("no replica was sent a malformed request:\n%.1000s", n.read(t, "access.log"))
	}
	if text := n.read(t, "error.log"); strings.Contains(text, "buffered to a temporary file") {
		t.Errorf("a body that may be sent goes to the disk:\n%s", text)
	}
}

// What nginx refuses by itself has a problem document and an id, as what a replica
// refuses has.
func TestNginxRefusesAsTheServiceDoes(t *testing.T) {
	n := startNginx(t, "location / {", "location = /fails { return 500; }\nlocation / {")
	long := strings.Repeat("a", 33<<10)
	for name, c := range map[string]struct {
		request string
		status  int
		logged  string
	}{
		"no path":                {"GET todos HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
		"no HTTP":                {"\x16\x03\x01\r\n\r\n", 400, ""},
		"a path out of /":        {"GET /../todos HTTP/1.1\r\nHost: x\r\n\r\n", 400, "GET /../todos"},
		"no host":                {"GET /todos?access_token=secret HTTP/1.1\r\n\r\n", 400, "GET /todos"},
		"a name with a space":    {"GET /todos HTTP/1.1\r\nHost: x\r\nse cret: x\r\n\r\n", 400, "GET /todos"},
		"two lengths":            {"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "POST /todos"},
		"a chunk without size":   {"POST /todos HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400, "POST /todos"},
		"nginx's own path":       {"GET /problem HTTP/1.1\r\nHost: x\r\n\r\n", 404, "GET /problem"},
		"TRACE":                  {"TRACE /todos HTTP/1.1\r\nHost: x\r\n\r\n", 405, "TRACE /todos"},
		"a long body":            {"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: 131073\r\n\r\n", 413, "POST /todos"},
		"a long query":           {"GET /todos?access_token=secret" + long + " HTTP/1.1\r\nHost: x\r\n\r\n", 414, "GET /todos"},
		"a long header":          {"GET /todos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret" + long + "\r\n\r\n", 431, "GET /todos"},
		"a failure of its own":   {"GET /fails HTTP/1.1\r\nHost: x\r\n\r\n", 500, "GET /fails"},
		"an encoding it has not": {"POST /todos HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "POST /todos"},
		"HTTP/2 in plain text":   {"GET /todos HTTP/2.0\r\nHost: x\r\n\r\n", 505, "GET /todos"},
	} {
		t.Run(name, func(t *testing.T) {
			id := n.wantProblem(t, c.request, c.status)
			if want := fmt.Sprintf(" %s %d to=- gave=- ", c.logged, c.status); !strings.Contains(n.logged(t, id), want) {
				t.Errorf("the log says %q, want %q", n.logged(t, id), want)
			}
		})
	}
	if strings.Contains(n.read(t, "access.log"), "secret") {
		t.Error("the access log has a query or a header")
	}
}

func TestNginxSaysThatNoReplicaAnswered(t *testing.T) {
	n := startNginx(t, "proxy_read_timeout 35s;", "proxy_read_timeout 1s;")
	for path, status := range map[string]int{"/breaks": 502, "/hangs": 504} {
		id := n.wantProblem(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", status)
		if want := fmt.Sprintf(" GET %s %d to=127.0.0.1:", path, status); !strings.Contains(n.logged(t, id), want) {
			t.Errorf("the log says %q, want %q", n.logged(t, id), want)
		}
	}
}

// net/http itself answers what it cannot parse, and gives no id.
func TestNginxGivesEachAnswerAnID(t *testing.T) {
	t.Parallel()
	n := startNginx(t)
	got, body := n.ask(t, "GET /todos HTTP/1.1\r\nHost: x\r\nX-A: a\x01b\r\n\r\n")
	if got.StatusCode != http.StatusBadRequest || len(got.Header["X-Request-Id"]) != 1 {
		t.Fatalf("%d %v %q", got.StatusCode, got.Header, body)
	}
	if line := n.logged(t, got.Header.Get("X-Request-Id")); !strings.Contains(line, " gave=400 ") {
		t.Errorf("the log says %q, want the 400 of a replica", line)
	}
	for _, path := range []string{"/answers/200", "/answers/401", "/answers/503", "/todos/events"} {
		got, _ := n.ask(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n")
		if ids, sent := got.Header["X-Request-Id"], got.Header["Sent-Id"]; len(ids) != 1 || ids[0] == "mine" || !slices.Equal(ids, sent) {
			t.Errorf("%s: the ids of the answer are %q, of the replica's request %q", path, ids, sent)
		}
	}
}

func TestNginxPassesOnWhatAReplicaAnswers(t *testing.T) {
	n := startNginx(t)
	for _, status := range []int{200, 400, 404, 405, 413, 414, 431, 500, 501, 502, 503, 504, 505} {
		got, body := n.ask(t, fmt.Sprintf("GET /answers/%d HTTP/1.1\r\nHost: x\r\n\r\n", status))
		if got.StatusCode != status || body != "of the replica" || len(got.Header["X-Request-Id"]) != 1 || got.Header["Cache-Control"] != nil {
			t.Errorf("of %d nginx makes %d %v %q", status, got.StatusCode, got.Header, body)
		}
	}
}

// proxied is nginx.conf at work, before two replicas.
type proxied struct {
	dir    string
	client *http.Client
}

// startNginx runs nginx as compose.yaml does, with other addresses and logs, and with
// what else stands for a text of nginx.conf: the text first.
func startNginx(t *testing.T, stands ...string) *proxied {
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
	n.configure(t, append(stands,
		"todo-1:8080", replica(t),
		"todo-2:8080", replica(t),
		"listen 8080;", "listen unix:"+filepath.Join(dir, "socket")+";", // no port that somebody else could take
		"/dev/stdout", filepath.Join(dir, "access.log"),
		"/dev/stderr", filepath.Join(dir, "error.log"),
	))
	// A container may begin with no more than 1,024 files.
	cmd := exec.Command("sh", "-c", `ulimit -S -n 1024 && exec nginx "$@"`, "nginx",
		"-e", filepath.Join(dir, "error.log"), "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;")
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

// replica returns the address of a server. It answers with the status that the path
// names, and else with 200, if at all.
func replica(t *testing.T) string {
	t.Helper()
	routes := http.NewServeMux()
	routes.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	routes.HandleFunc("/breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	routes.HandleFunc("/hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	routes.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 4<<20)) })
	routes.HandleFunc("/todos/events", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "event: ready\n\n")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(2500 * time.Millisecond) // nginx has a clock of its own
		_, _ = io.WriteString(w, ": keep-alive\n\n")
	})
	routes.HandleFunc("/answers/{status}", func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.PathValue("status"))
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "of the replica")
	})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("Sent-Id", id)
		routes.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// configure writes nginx.conf with what stands for its texts.
func (n *proxied) configure(t *testing.T, stands []string) {
	t.Helper()
	text, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(stands, 2) {
		if !strings.Contains(string(text), pair[0]) {
			t.Fatalf("nginx.conf does not have %q", pair[0])
		}
	}
	conf := strings.NewReplacer(stands...).Replace(string(text))
	if err := os.WriteFile(filepath.Join(n.dir, "nginx.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (n *proxied) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(n.dir, "socket"))
}

// send sends the request as it stands, and returns the connection.
func (n *proxied) send(t *testing.T, request string) net.Conn {
	t.Helper()
	c, err := n.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(nginxLimit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends the request as it stands, and returns the whole answer.
func (n *proxied) ask(t *testing.T, request string) (*http.Response, string) {
	t.Helper()
	c := n.send(t, request)
	defer c.Close()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// wantProblem sends the request, wants an answer of nginx's own, and returns its id.
func (n *proxied) wantProblem(t *testing.T, request string, status int) (id string) {
	t.Helper()
	got, body := n.ask(t, request)
	var problem struct {
		Type, Title string
		Status      int
	}
	err := json.Unmarshal([]byte(body), &problem, json.MatchCaseInsensitiveNames(true))
	if err != nil || got.StatusCode != status || problem.Status != status || problem.Title == "" || problem.Type != "about:blank" {
		t.Errorf("%d %s (%v), want the problem document of %d", got.StatusCode, body, err, status)
	}
	if kind, cache := got.Header.Get("Content-Type"), got.Header.Get("Cache-Control"); kind != "application/problem+json" || cache != "no-store" {
		t.Errorf("the header is %v", got.Header)
	}
	if len(got.Header["X-Request-Id"]) != 1 {
		t.Fatalf("the ids are %q", got.Header["X-Request-Id"])
	}
	return got.Header.Get("X-Request-Id")
}

// logged returns the line with the id in the access log.
func (n *proxied) logged(t *testing.T, id string) string {
	t.Helper()
	return n.awaitLine(t, " id="+id+"\n")
}

// awaitLine returns a line with the text from the access log, which nginx writes after
// the answer.
func (n *proxied) awaitLine(t *testing.T, text string) string {
	t.Helper()
	for limit := time.Now().Add(nginxLimit); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(n.read(t, "access.log")) {
			if strings.Contains(line, text) {
				return line
			}
		}
	}
	t.Fatalf("no line of the access log has %q", text)
	return ""
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
