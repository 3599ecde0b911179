//go:build keycloak

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// topology is what compose.yaml describes, as processes on loopback: two replicas,
// nginx, PostgreSQL and Keycloak. Every setting is read from the file; only the
// addresses, for which a container's network has names, are replaced.
type topology struct {
	keycloak *realKeycloak
	keys     *countingProxy // keycloak:8080, as the network has it
	url      string         // where nginx is published
	access   *os.File       // nginx's log
	replicas []*replica
}

// replica is one of the todo service's.
type replica struct {
	name    string
	program string
	environ []string
	check   []string // the health check
	api     string   // its addresses, which only tests use
	admin   string
	dir     string
	log     *os.File
	child   *child // nil while it is stopped
}

func bootTopology(t *testing.T) *topology {
	t.Helper()
	file := readCompose(t)
	top := &topology{keycloak: bootKeycloak(t)}
	top.keys = newCountingProxy(t, top.keycloak.base)
	super := file.Services["postgres"].Environment
	database := bootPostgres(t, super["POSTGRES_USER"], super["POSTGRES_PASSWORD"])
	database.execute(t, file.Configs["todo-database"].Content)

	conf := map[string]string{} // what nginx.conf names, and what stands for it
	for _, name := range replicas(t, file) {
		service := file.Services[name]
		api, admin := freeAddr(t), freeAddr(t)
		conf[name+":8080"] = api
		stands := strings.NewReplacer(
			strings.TrimPrefix(file.Services["keycloak"].Environment["KC_HOSTNAME"], "http://"), strings.TrimPrefix(top.keycloak.base, "http://"),
			"keycloak:8080", strings.TrimPrefix(top.keys.url, "http://"),
			"postgres:5432", database.addr,
			"0.0.0.0:8080", api,
			"0.0.0.0:9091", admin,
			"127.0.0.1:9091", admin,
			"/todo -", top.keycloak.todo+" -",
		)
		r := &replica{name: name, program: top.keycloak.todo, api: "http://" + api, admin: "http://" + admin, dir: t.TempDir()}
		r.log = logFile(t, r.dir, name)
		for _, setting := range service.environ() {
			r.environ = append(r.environ, stands.Replace(setting))
		}
		r.check = strings.Fields(stands.Replace(strings.Join(service.Healthcheck.Test[1:], " ")))
		r.start(t)
		t.Cleanup(func() { r.stop(t) })
		top.replicas = append(top.replicas, r)
	}
	for _, r := range top.replicas { // nginx depends on their health
		r.awaitHealth(t)
	}
	top.startNginx(t, file.Services["nginx"], conf)
	t.Cleanup(func() { top.checkLogs(t) })
	return top
}

// checkLogs fails if a token is in a log.
func (top *topology) checkLogs(t *testing.T) {
	t.Helper()
	logs := []*os.File{top.access}
	for _, r := range top.replicas {
		logs = append(logs, r.log)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log.Name())
		if err != nil || len(text) == 0 || top.keycloak.leakedIn(string(text)) != "" {
			t.Errorf("%s cannot be read, is empty or has a token in it: %v", filepath.Base(log.Name()), err)
		}
	}
}

func (r *replica) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(r.program)
	cmd.Dir, cmd.Env = r.dir, r.environ
	cmd.Stdout, cmd.Stderr = r.log, r.log
	var err error
	if r.child, err = startChild(cmd); err != nil {
		t.Fatal(err)
	}
}

// awaitHealth waits until the health check of the compose file says yes.
func (r *replica) awaitHealth(t *testing.T) {
	t.Helper()
	eventually(t, "health of "+r.name, 30*time.Second, func() bool {
		return exec.CommandContext(t.Context(), r.check[0], r.check[1:]...).Run() == nil
	})
}

// stop sends SIGTERM, if it runs, and waits for the end.
func (r *replica) stop(t *testing.T) {
	t.Helper()
	if r.child == nil {
		return
	}
	code, err := r.child.stop(stopLimit)
	r.child = nil
	if code != 0 || err != nil {
		t.Errorf("%s ended with %d, %v", r.name, code, err)
	}
}

// kill ends it as a machine that fails would.
func (r *replica) kill(t *testing.T) {
	t.Helper()
	if err := r.child.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-r.child.ended
	_, _ = r.child.stop(stopLimit)
	r.child = nil
}

// lines returns the lines of its log for which yes says yes.
func (r *replica) lines(t *testing.T, yes func(line map[string]any) bool) (lines []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(r.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line := fromJSON[map[string]any](t, line); yes(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// served counts the requests that it has answered.
func (r *replica) served(t *testing.T) int {
	t.Helper()
	return len(r.lines(t, func(line map[string]any) bool { return line["msg"] == "request" && line["route"] != "/readyz" }))
}

// startNginx runs deploy/nginx.conf with other addresses and logs.
func (top *topology) startNginx(t *testing.T, service composeService, stands map[string]string) {
	t.Helper()
	dir := openDir(t)
	text, err := os.ReadFile("deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	inside := service.Ports[0][strings.LastIndex(service.Ports[0], ":")+1:]
	at := freeAddr(t)
	top.access = logFile(t, dir, "access.log")
	stands["listen "+inside+";"] = "listen " + at + ";"
	stands["/dev/stdout"] = top.access.Name()
	stands["/dev/stderr"] = filepath.Join(dir, "error.log")
	var pairs []string
	for name, with := range stands {
		if !strings.Contains(string(text), name) {
			t.Fatalf("nginx.conf does not have %q", name)
		}
		pairs = append(pairs, name, with)
	}
	conf := strings.NewReplacer(pairs...).Replace(string(text))
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, arg := range append([]string{"-e", "/dev/stderr"}, service.Command[1:]...) { // Debian's would log elsewhere until it has read the file
		args = append(args, strings.NewReplacer("/dev/stderr", filepath.Join(dir, "error.log"), "/run/nginx", dir, "/etc/nginx", dir).Replace(arg))
	}
	cmd := exec.Command(service.Command[0], args...)
	output := logFile(t, dir, "error.log")
	cmd.Stdout, cmd.Stderr = output, output
	c, err := startChild(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := c.stop(stopLimit); code != 0 || err != nil {
			t.Errorf("nginx ended with %d, %v", code, err)
		}
	})
	top.url = "http://" + at
	eventually(t, "nginx", 20*time.Second, func() bool {
		resp, err := http.Get(top.url + "/healthz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (top *topology) do(t *testing.T, in request) answer {
	t.Helper()
	return (&service{url: top.url}).do(t, in)
}

// TestKeycloakComposeTopology runs what compose.yaml describes, without containers.
func TestKeycloakComposeTopology(t *testing.T) {
	top := bootTopology(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *topology)
	}{
		{"a user signs in and both replicas serve", replicasServe},
		{"one id leads through all logs", replicasShareIDs},
		{"a token of full length passes", replicasLongToken},
		{"a change on either replica reaches a stream", replicasStream},
		{"a replica that is killed is not missed", replicaKilled},
		{"a replica that is told to stop finishes", replicaStopped},
		{"nobody is there", replicasAllGone},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, top) })
	}
}

func replicasServe(t *testing.T, top *topology) {
	token := top.keycloak.login(t, "todo-cli", "alice").Access
	before := []int{top.replicas[0].served(t), top.replicas[1].served(t)}
	made := top.do(t, request{method: "POST", path: "/todos", token: token, body: `{"title":"through nginx"}`})
	if made.status != 201 {
		t.Fatalf("POST gave %d %s", made.status, made.body)
	}
	for range 20 {
		if got := top.do(t, request{method: "GET", path: made.header.Get("Location"), token: token}); got.status != 200 || got.body != made.body {
			t.Errorf("GET gave %d %s, want %s", got.status, got.body, made.body)
		}
	}
	for i, r := range top.replicas {
		if n := r.served(t) - before[i]; n < 5 {
			t.Errorf("%s served %d of 21 requests", r.name, n)
		}
	}
	// The token names the address that browsers use, and the keys came by the other.
	if iss := claimsOf(t, token)["iss"]; iss != top.keycloak.issuer() || strings.Contains(top.keys.url, top.keycloak.base) {
		t.Errorf("the issuer is %v", iss)
	}
	if n := top.keys.answered(http.StatusOK); n != len(top.replicas) {
		t.Errorf("%d fetches of the keys from keycloak:8080, want one by each replica\n%s", n, top.keys)
	}
}

func replicasShareIDs(t *testing.T, top *topology) {
	got := top.do(t, request{method: "GET", path: "/todos", token: "not.a.token", header: http.Header{"X-Request-Id": {"from-outside"}}})
	id := got.header.Get("X-Request-Id")
	if got.status != 401 || id == "" || id == "from-outside" {
		t.Fatalf("%d with the id %q", got.status, id)
	}
	var messages []any
	for _, r := range top.replicas {
		for _, line := range r.lines(t, func(line map[string]any) bool { return line["request_id"] == id }) {
			messages = append(messages, line["msg"])
		}
	}
	if !slices.Contains(messages, any("request")) || len(messages) < 2 {
		t.Errorf("the replicas' lines with the id say %q, want the refusal and the request", messages)
	}
	eventually(t, "nginx's line with the id "+id, 10*time.Second, func() bool {
		text, err := os.ReadFile(top.access.Name())
		return err == nil && strings.Contains(string(text), " id="+id+"\n")
	})
}

func replicasLongToken(t *testing.T, top *topology) {
	token := strings.Repeat("a", 15<<10) + ".b.c" // longer than nginx's own limit
	if got := top.do(t, request{method: "GET", path: "/todos", token: token}); got.status != 401 {
		t.Errorf("a token of 15 KiB gave %d %.200s, want the service's 401", got.status, got.body)
	}
	body := `{"title":"` + strings.Repeat("a", 100<<10) + `"}`
	if got := top.do(t, request{method: "POST", path: "/todos", token: top.keycloak.login(t, "todo-cli", "alice").Access, body: body}); got.status != 413 || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a body of 100 KiB gave %d %s, want the service's 413", got.status, got.header.Get("Content-Type"))
	}
}

// follow opens a stream of events by way of nginx, and returns what comes.
func (top *topology) follow(t *testing.T, token string) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", top.url+"/todos/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := new(http.Client).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream begins with %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for text := bufio.NewScanner(resp.Body); text.Scan(); {
			lines <- text.Text()
		}
	}()
	t.Cleanup(func() {
		resp.Body.Close()
		for range lines { // until the reader has ended
		}
	})
	return lines
}

// awaitEvent waits for a line with the text.
func awaitEvent(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatalf("the stream ended without %q", text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-late:
			t.Fatalf("%q does not come: is it held back on the way?", text)
		}
	}
}

func replicasStream(t *testing.T, top *topology) {
	token := top.keycloak.login(t, "todo-cli", "alice").Access
	lines := top.follow(t, token)
	awaitEvent(t, lines, "event: ready")
	for _, r := range top.replicas {
		title := "made on " + r.name
		if got := (&service{url: r.api}).do(t, request{method: "POST", path: "/todos", token: token, body: `{"title":"` + title + `"}`}); got.status != 201 {
			t.Fatalf("POST on %s gave %d %s", r.name, got.status, got.body)
		}
		awaitEvent(t, lines, title)
	}
}

// The clients of the traffic. When a replica goes, each writer may have a write that
// was sent and not answered: also to one that stops in order, because connections
// that the kernel has taken and the program has not are reset when it closes its
// listener. nginx does not send such a write again, and says so. Of one that is killed,
// the kernel closes the connections one after the other, and the next write may still
// go into another one: up to three were seen, of both writers together.
const (
	readers = 4
	writers = 2
	mostCut = 3 * writers
)

// traffic is requests by several clients at a time, by way of nginx.
type traffic struct {
	url, token string
	reads      atomic.Int64 // good ones

	mu     sync.Mutex // guards what follows
	made   []string   // titles whose POST gave 201
	cut    []string   // titles whose POST gave anything else
	faults []string   // reads that went wrong, and writes in a way they may not
}

// while sends requests all the time that do lasts.
func (top *topology) while(t *testing.T, do func()) *traffic {
	t.Helper()
	tr := &traffic{url: top.url, token: top.keycloak.login(t, "todo-cli", "bob").Access}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for client := range readers + writers {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if client < readers {
					tr.read(t.Context())
				} else {
					tr.write(t.Context(), fmt.Sprintf("%s %d %d", t.Name(), client, n))
				}
			}
		})
	}
	do()
	close(stop)
	clients.Wait()
	return tr
}

func (tr *traffic) send(ctx context.Context, method, path, body string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, tr.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+tr.token)
	r.Header.Set("Content-Type", "application/json")
	status, _, err := fetchText(r)
	return status, err
}

func (tr *traffic) read(ctx context.Context) {
	status, err := tr.send(ctx, "GET", "/todos?limit=1", "")
	if err == nil && status == http.StatusOK {
		tr.reads.Add(1)
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.faults = append(tr.faults, fmt.Sprintf("GET gave %d, %v", status, err))
}

func (tr *traffic) write(ctx context.Context, title string) {
	status, err := tr.send(ctx, "POST", "/todos", `{"title":`+strconv.Quote(title)+`}`)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch {
	case err == nil && status == http.StatusCreated:
		tr.made = append(tr.made, title)
	case err == nil && status == http.StatusBadGateway: // the client knows that it does not know
		tr.cut = append(tr.cut, title)
	default:
		tr.faults = append(tr.faults, fmt.Sprintf("POST gave %d, %v", status, err))
	}
}

// check wants each read answered, each acknowledged todo there, none twice, and no more
// writes without an answer than were under way when a replica went.
func (tr *traffic) check(t *testing.T, top *topology) {
	t.Helper()
	count := make(map[string]int)
	for path := "/todos?limit=1000"; path != ""; {
		got := top.do(t, request{method: "GET", path: path, token: tr.token})
		if got.status != 200 {
			t.Fatalf("GET %s gave %d %s", path, got.status, got.body)
		}
		for _, todo := range fromJSON[[]todoJSON](t, got.body) {
			count[todo.Title]++
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(got.header.Get("Link"), "<"), ">")
		path = next
	}
	t.Logf("%d reads, %d todos acknowledged, %d writes cut off", tr.reads.Load(), len(tr.made), len(tr.cut))
	if tr.reads.Load() < 100 || len(tr.made) < 50 {
		t.Error("that is too little traffic to tell anything")
	}
	if len(tr.faults) > 0 {
		t.Errorf("%d requests went wrong: %.5q", len(tr.faults), tr.faults)
	}
	if len(tr.cut) > mostCut {
		t.Errorf("%d writes were cut off, want at most %d", len(tr.cut), mostCut)
	}
	for _, title := range tr.made {
		if count[title] != 1 {
			t.Errorf("%q was acknowledged, and is there %d times", title, count[title])
		}
	}
	for _, title := range tr.cut {
		if count[title] > 1 {
			t.Errorf("%q was sent once, and is there %d times", title, count[title])
		}
	}
}

func replicaKilled(t *testing.T, top *topology) {
	victim, other := top.replicas[0], top.replicas[1]
	tr := top.while(t, func() {
		awaitServed(t, victim, 100)
		victim.kill(t)
		awaitServed(t, other, 200)
		victim.start(t)
		victim.awaitHealth(t)
		awaitServed(t, victim, 100) // nginx has found it again
	})
	tr.check(t, top)
}

func replicaStopped(t *testing.T, top *topology) {
	leaving, other := top.replicas[1], top.replicas[0]
	tr := top.while(t, func() {
		awaitServed(t, leaving, 100)
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			leaving.stop(t)
		}()
		eventually(t, "readiness that says no", 10*time.Second, func() bool {
			return (&service{url: leaving.admin}).do(t, request{method: "GET", path: "/readyz"}).status == 503
		})
		awaitServed(t, leaving, 50) // it serves all the same
		<-stopped
		awaitServed(t, other, 200)
		leaving.start(t)
		leaving.awaitHealth(t)
		awaitServed(t, leaving, 100)
	})
	tr.check(t, top)
}

// awaitServed waits until the replica has served n more requests.
func awaitServed(t *testing.T, r *replica, n int) {
	t.Helper()
	before := r.served(t)
	eventually(t, fmt.Sprintf("%d more requests served by %s", n, r.name), 30*time.Second, func() bool { return r.served(t) >= before+n })
}

func replicasAllGone(t *testing.T, top *topology) {
	token := top.keycloak.login(t, "todo-cli", "alice").Access
	for _, r := range top.replicas {
		r.stop(t)
	}
	for range 3 {
		got := top.do(t, request{method: "POST", path: "/todos", token: token, body: `{"title":"to nobody"}`})
		if got.status != 502 || got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("X-Request-Id") == "" || fromJSON[problem](t, got.body).Status != 502 {
			t.Errorf("without a replica nginx gives %d %s %s", got.status, got.header, got.body)
		}
	}
	for _, r := range top.replicas {
		r.start(t)
	}
	for _, r := range top.replicas {
		r.awaitHealth(t)
	}
	eventually(t, "nginx finds the replicas again", 10*time.Second, func() bool {
		return top.do(t, request{method: "GET", path: "/todos", token: token}).status == 200
	})
}
