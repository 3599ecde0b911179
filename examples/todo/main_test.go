package main

import (
	"bufio"
	"encoding/json/v2"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bearerproof/bearerproof/issuertest"
)

// TestMain lets the tests run this very program in a process of its own, and makes
// sure that no goroutine is left.
func TestMain(m *testing.M) {
	if os.Getenv("TODO_TEST_RUN") == "1" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// process is the program in a process of its own.
type process struct {
	cmd    *exec.Cmd
	lines  *bufio.Reader // of what it prints
	stderr *logCapture
}

// logCapture keeps what the program logs and finds the addresses in it.
type logCapture struct {
	api, grpc, admin chan string // each gets an address, once

	mu   sync.Mutex // guards what follows
	text string
	read int // how much of text has been searched
}

var serving = regexp.MustCompile(`msg=serving what=(\S+) addr=(\S+)\n`)

func (l *logCapture) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(b)
	for {
		found := serving.FindStringSubmatchIndex(l.text[l.read:])
		if found == nil {
			return len(b), nil
		}
		line := l.text[l.read:]
		l.read += found[1]
		to := map[string]chan string{"API": l.api, "gRPC": l.grpc, "admin": l.admin}[line[found[2]:found[3]]]
		to <- line[found[4]:found[5]]
	}
}

func (l *logCapture) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

func startProcess(t *testing.T, environ ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "TODO_TEST_RUN=1", "TODO_ADDR=127.0.0.1:0"}, environ...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, lines: bufio.NewReader(stdout), stderr: &logCapture{api: make(chan string, 1), grpc: make(chan string, 1), admin: make(chan string, 1)}}
	cmd.Stderr = p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return p
}

// await returns the address that the program logs.
func (p *process) await(t *testing.T, addr <-chan string) string {
	t.Helper()
	select {
	case addr := <-addr:
		return addr
	case <-time.After(30 * time.Second):
		t.Fatalf("the program does not serve\n%s", p.stderr)
		return ""
	}
}

// url waits until the program serves the API and returns where.
func (p *process) url(t *testing.T) string {
	t.Helper()
	return "http://" + p.await(t, p.stderr.api)
}

// exit waits for the end and returns the exit code.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	end := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer end.Stop()
	_ = p.cmd.Wait() // the exit code says it all
	return p.cmd.ProcessState.ExitCode()
}

// terminate sends SIGTERM.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// stop sends SIGTERM, and wants an end with exit code 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.terminate(t)
	p.stopped(t)
}

// stopped wants an end with exit code 0.
func (p *process) stopped(t *testing.T) {
	t.Helper()
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, p.stderr)
	}
}

// tour waits for what the program prints, and returns the URL that it names.
func (p *process) tour(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v after %q\n%s", err, line, p.stderr)
	}
	return strings.TrimSuffix(regexp.MustCompile(`http://\S+/`).FindString(line), "/")
}

// commands returns the printed lines that a user would paste.
func (p *process) commands(t *testing.T) []string {
	t.Helper()
	var commands []string
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, commands)
		}
		if strings.Contains(line, "curl") {
			commands = append(commands, strings.TrimSpace(line))
		} else if len(commands) > 0 {
			return commands
		}
	}
}

func TestThePrintedCommandsWork(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	p := startProcess(t)
	commands := p.commands(t)
	out, err := exec.CommandContext(t.Context(), "bash", "-c", strings.Join(commands, "\n")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != 2 {
		t.Fatalf("the commands gave %q, want a todo and a list", answers)
	}
	todo, list := fromJSON[todoJSON](t, answers[0]), fromJSON[[]todoJSON](t, answers[1])
	if todo.Title == "" || len(list) != 1 || list[0] != todo {
		t.Errorf("the commands gave %+v and %+v", todo, list)
	}
	p.stop(t)
	if strings.Contains(p.stderr.String(), "eyJ") {
		t.Error("a token is in the log")
	}
	if _, err := os.Stat(filepath.Join(p.cmd.Dir, "todo.db")); err != nil {
		t.Error(err)
	}
}

// devToken gets a token of a user from the development issuer.
func devToken(t *testing.T, url, user string) string {
	t.Helper()
	resp, err := http.PostForm(url+"/dev-issuer/oauth/token", neturl.Values{
		"grant_type": {"client_credentials"}, "client_id": {user}, "client_secret": {user}, "scope": {"todos:read todos:write"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.UnmarshalRead(resp.Body, &answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %d, %v", resp.StatusCode, err)
	}
	return answer.Token
}

// slowBody is a request body whose second half is held back.
type slowBody struct {
	halves []string
	begun  chan struct{} // closed when the first half is on its way
	finish chan struct{} // close it to send the second half
}

func (b *slowBody) Read(into []byte) (int, error) {
	switch len(b.halves) {
	case 0:
		return 0, io.EOF
	case 1:
		close(b.begun)
		<-b.finish
	}
	n := copy(into, b.halves[0])
	b.halves = b.halves[1:]
	return n, nil
}

func TestSIGTERMFinishesARequestInFlight(t *testing.T) {
	p := startProcess(t)
	url := p.url(t)
	token := devToken(t, url, "alice")
	// A body that is half sent when the signal comes.
	body := &slowBody{halves: []string{`{"title":`, `"in flight"}`}, begun: make(chan struct{}), finish: make(chan struct{})}
	r, err := http.NewRequestWithContext(t.Context(), "POST", url+"/todos", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Expect", "100-continue") // the body is asked for once the handler reads it
	done := make(chan int, 1)
	go func() {
		resp, err := (&http.Client{Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second}}).Do(r)
		if err != nil {
			done <- 0
			return
		}
		resp.Body.Close()
		done <- resp.StatusCode
	}()
	<-body.begun
	p.terminate(t)
	for refused := false; !refused; { // the listener closes first
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(url + "/healthz")
		if refused = err != nil; !refused {
			resp.Body.Close()
		}
	}
	close(body.finish)
	if status := <-done; status != 201 {
		t.Errorf("the request in flight was answered with %d, want 201", status)
	}
	p.stopped(t)
}

func TestAcknowledgedTodosSurviveAKill(t *testing.T) {
	database := filepath.Join(t.TempDir(), "kept.db")
	p := startProcess(t, "TODO_DATABASE_URL="+database)
	url := p.url(t)
	s := &service{url: url}
	todo := s.do(t, request{method: "POST", path: "/todos", token: devToken(t, url, "alice"), body: `{"title":"kept"}`})
	if todo.status != 201 {
		t.Fatalf("%d %s", todo.status, todo.body)
	}
	_ = p.cmd.Process.Kill()
	p.exit(t)
	p = startProcess(t, "TODO_DATABASE_URL="+database)
	s.url = p.url(t)
	if got := s.do(t, request{method: "GET", path: todo.header.Get("Location"), token: devToken(t, s.url, "alice")}); got.status != 200 || got.body != todo.body {
		t.Errorf("after a kill: %d %s, want %s", got.status, got.body, todo.body)
	}
}

func TestAWrongSettingStopsTheStart(t *testing.T) {
	for name, environ := range map[string][]string{
		"TODO_LEEWAY":        {"TODO_LEEWAY=soon"},
		"TODO_ISSUR":         {"TODO_ISSUR=https://id.example.com"},
		"TODO_DATABASE_URL":  {"TODO_DATABASE_URL=/no/such/directory/todo.db"},
		"TODO_GRPC_ADDR":     {"TODO_GRPC_ADDR=192.0.2.1:1"},
		"TODO_WEB_CLIENT_ID": {"TODO_WEB_CLIENT_ID=alice"}, // a user of the development issuer
	} {
		p := startProcess(t, environ...)
		if code := p.exit(t); code == 0 || !strings.Contains(p.stderr.String(), name) || strings.Contains(p.stderr.String(), "panic") {
			t.Errorf("%q: exit code %d\n%s", environ, code, p.stderr)
		}
	}
}

func TestATakenPortLeavesNothingBehind(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := startProcess(t, "TODO_ADDR="+l.Addr().String())
	if code := p.exit(t); code != 1 || !strings.Contains(p.stderr.String(), "TODO_ADDR=127.0.0.1:0") {
		t.Errorf("exit code %d\n%s\nwant 1 and a way out", code, p.stderr)
	}
	if left, err := os.ReadDir(p.cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v behind, %v", left, err)
	}
}

// A line of another format would be lost to whoever collects them.
func TestLibrariesLogAsTheServiceDoes(t *testing.T) {
	p := startProcess(t, "TODO_LOG_FORMAT=json")
	url := p.tour(t)
	resp, err := http.PostForm(url+"/dev-issuer/oauth/token", neturl.Values{"grant_type": {"client_credentials"}, "client_id": {"alice"}, "client_secret": {"wrong"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.stop(t)
	said := make(map[any]bool)
	for line := range strings.Lines(p.stderr.String()) {
		said[fromJSON[map[string]any](t, line)["msg"]] = true
	}
	if !said["request error"] { // the provider library's
		t.Errorf("the library's line is not there:\n%s", p.stderr)
	}
}

func TestTheServerStartsWithoutItsIssuer(t *testing.T) {
	p := startProcess(t, "TODO_ISSUER=http://127.0.0.1:1", "TODO_ADMIN_ADDR=127.0.0.1:0", "TODO_GRPC_ADDR=127.0.0.1:0")
	url := p.url(t)
	for _, url := range []string{url, "http://" + p.await(t, p.stderr.admin)} {
		s := &service{url: url}
		if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != 503 {
			t.Errorf("%s/readyz gave %d", url, got.status)
		}
		if got := s.do(t, request{method: "GET", path: "/healthz"}); got.status != 200 {
			t.Errorf("%s/healthz gave %d", url, got.status)
		}
	}
	conn, err := grpc.NewClient(p.await(t, p.stderr.grpc), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	health, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || health.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("gRPC health gave %v, %v", health, err)
	}
	p.stop(t)
}

func TestAStartWithoutTheIssuerServesFromTheSnapshot(t *testing.T) {
	issuer := issuertest.Listen(t, nil)
	snapshot := filepath.Join(t.TempDir(), "keys")
	environ := []string{"TODO_ISSUER=" + issuer.URL(), "TODO_JWKS_SNAPSHOT=" + snapshot, "TODO_ADMIN_ADDR=127.0.0.1:0"}
	token := issuer.Token(issuertest.Claims{"aud": "todo-api", "scope": "todos:read"})
	list := request{method: "GET", path: "/todos", token: token}

	first := startProcess(t, environ...)
	if got := (&service{url: first.url(t)}).do(t, list); got.status != http.StatusOK {
		t.Fatalf("with the issuer: %d %s", got.status, got.body)
	}
	await(t, "the snapshot is written", func() bool { _, err := os.Stat(snapshot); return err == nil })
	first.stop(t)

	issuer.Stop()
	second := startProcess(t, environ...)
	s := &service{url: second.url(t)}
	if got := s.do(t, list); got.status != http.StatusOK {
		t.Errorf("without the issuer: %d %s\n%s", got.status, got.body, second.stderr)
	}
	if got := s.do(t, request{method: "GET", path: "/readyz"}); got.status != http.StatusOK {
		t.Errorf("/readyz gave %d", got.status)
	}
	for _, line := range []string{"the key set of an earlier process serves", "fetching the key set failed"} {
		await(t, "the log says "+line, func() bool { return strings.Contains(second.stderr.String(), line) })
	}
	admin := &service{url: "http://" + second.await(t, second.stderr.admin)}
	if got := admin.do(t, request{method: "GET", path: "/metrics"}); !strings.Contains(got.body, "\n"+`bearerproof_snapshots_total{result="used"} 1`+"\n") {
		t.Error("/metrics does not count the use of the snapshot")
	}

	without := startProcess(t, environ[0])
	if got := (&service{url: without.url(t)}).do(t, list); got.status != http.StatusServiceUnavailable {
		t.Errorf("without the issuer and without a snapshot: %d, want 503", got.status)
	}
}

func TestAServiceFailsOver(t *testing.T) {
	issuer, mirror := issuertest.Listen(t, nil), issuertest.Listen(t, nil)
	mirror.Publish(issuer.Key())
	issuer.Break(issuertest.Status(http.StatusInternalServerError))
	p := startProcess(t, "TODO_ISSUER="+issuer.URL(), "TODO_JWKS_FAILOVER_URL="+mirror.KeySet().URL())
	token := issuer.Token(issuertest.Claims{"aud": "todo-api", "scope": "todos:read"})
	if got := (&service{url: p.url(t)}).do(t, request{method: "GET", path: "/todos", token: token}); got.status != http.StatusOK {
		t.Errorf("with the mirror alone: %d %s\n%s", got.status, got.body, p.stderr)
	}
}
