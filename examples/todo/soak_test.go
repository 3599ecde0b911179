//go:build soak

package main

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// soakLength is how long the soak lasts unless SOAK_LENGTH is a Go duration.
const soakLength = time.Minute

// TestSoak runs the built server under 64 connections of good tokens, kids that
// nobody has and bad signatures, while the issuer comes and goes every 2 s and has a
// new key every 10 s. SOAK_OUT names a directory for what was measured and two plots.
func TestSoak(t *testing.T) {
	length := soakLength
	if given := os.Getenv("SOAK_LENGTH"); given != "" {
		var err error
		if length, err = time.ParseDuration(given); err != nil {
			t.Fatal(err)
		}
	}
	program := buildServer(t)
	s := &soak{issuer: newSoakIssuer(t)}
	s.start(t, program)
	s.run(t, length)
	s.settle(t)
	s.checkTokens(t)
	s.checkKeys(t)
	s.checkFetches(t)
	s.checkMemory(t)
	s.end(t)
	s.publish(t, os.Getenv("SOAK_OUT"))
}

// soak is one run.
type soak struct {
	issuer  *soakIssuer
	load    *soakLoad
	monitor *soakMonitor
	server  *child
	log     *soakLog

	began, ended soakTime // of the load
	idle         soakSample
	samples      []soakSample // while there was load
	last         soakSample   // when all was over
}

// start starts the server and waits until it serves.
func (s *soak) start(t *testing.T, program string) {
	t.Helper()
	s.log = &soakLog{rest: &logCapture{api: make(chan string, 1), admin: make(chan string, 1)}}
	cmd := exec.Command(program)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir,
		"TODO_ADDR=127.0.0.1:0", "TODO_ADMIN_ADDR=127.0.0.1:0", "TODO_DATABASE_URL=" + filepath.Join(cmd.Dir, "todo.db"),
		"TODO_ISSUER=" + s.issuer.URL(), "TODO_JWKS_COOLDOWN=" + soakCooldown.String(), "TODO_JWKS_SNAPSHOT=" + filepath.Join(cmd.Dir, "keys"),
	}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	var err error
	if s.server, err = startChild(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = s.server.stop(time.Minute) }) // where the test stops before its end
	running := &process{cmd: cmd, stderr: s.log.rest}
	s.load = newSoakLoad(running.url(t), s.issuer)
	s.monitor = &soakMonitor{
		url: "http://" + running.await(t, s.log.rest.admin), issuer: s.issuer,
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	if s.idle, err = s.monitor.sample(); err != nil {
		t.Fatal(err)
	}
}

// run lets the load, the issuer's calendar and the monitor go on for the length.
func (s *soak) run(t *testing.T, length time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	var err error
	s.began = s.issuer.now()
	all.Go(func() { s.load.run(ctx) })
	all.Go(func() { s.samples, err = s.monitor.follow(ctx) })
	s.issuer.live(ctx, length)
	s.ended = s.issuer.now()
	stop()
	all.Wait()
	if err != nil {
		t.Errorf("the metrics cannot be read: %v", err)
	}
}

// settle waits for what the last requests caused.
func (s *soak) settle(t *testing.T) {
	t.Helper()
	await(t, "the server comes to rest", func() bool {
		var err error
		if s.last, err = s.monitor.sample(); err != nil {
			t.Fatal(err)
		}
		// The connections that are closing have goroutines.
		return s.last.Goroutines <= s.idle.Goroutines+2 && s.last.Fetched+s.last.Failed == float64(len(s.keyFetches()))
	})
}

// keyFetches returns the fetches of the key set, as the issuer saw them.
func (s *soak) keyFetches() (fetches []soakFetch) {
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	for _, f := range s.issuer.fetches {
		if f.Document == "keys" {
			fetches = append(fetches, f)
		}
	}
	return fetches
}

// checkTokens checks the answers: each kind of token was sent all the time, none got
// an answer that it must not get, and nobody waited for longer than one may.
func (s *soak) checkTokens(t *testing.T) {
	t.Helper()
	for _, failure := range s.load.failures[:min(len(s.load.failures), 20)] {
		t.Errorf("%s", failure)
	}
	enough := int(time.Duration(s.ended-s.began)/time.Second) * 100 // a second, of each role: else this was no load
	for role, answers := range s.load.answers {
		n := 0
		for _, count := range answers {
			n += count
		}
		if n < enough {
			t.Errorf("%v: %d requests were answered, want %d at least", role, n, enough)
		}
	}
	// Go's client gives one up now and then, if the machine is busy.
	if n := s.load.dials.Load(); n > 2*soakConnections {
		t.Errorf("%d connections were made, want %d that stay", n, soakConnections)
	}
	s.checkHangs(t)
	for role, longest := range s.load.longest {
		if longest > 5*time.Second+soakSlack {
			t.Errorf("%v: a request waited for %v", soakRole(role), longest)
		}
	}
}

// checkHangs checks that a token whose key the server knows does not wait for an
// issuer that hangs. What is slow at another time is the machine.
func (s *soak) checkHangs(t *testing.T) {
	t.Helper()
	for _, slow := range s.load.slow {
		for _, p := range s.issuer.phases {
			if p.Fault == "hang" && slow.Asked < p.To && slow.Answered > p.From {
				t.Errorf("a token under a known key waited from %v to %v, while the issuer hung", slow.Asked, slow.Answered)
			}
		}
	}
	if len(s.load.slow) > 0 {
		t.Logf("%d answers under known keys took longer than %v", len(s.load.slow), slowAnswer)
	}
}

// checkKeys checks what became of the good tokens under each key.
func (s *soak) checkKeys(t *testing.T) {
	t.Helper()
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	for n, k := range s.issuer.keys {
		if len(k.betrayed) > 0 {
			t.Errorf("key %d: %d good tokens were refused after one was accepted, the first of them %+v", n, len(k.betrayed), k.betrayed[0])
		}
		f := s.fateOf(k)
		if f.RefusedFor > f.MayRefuse {
			t.Errorf("key %d: of the time that the issuer was up, good tokens were refused for %v, want %v at most", n, f.RefusedFor, f.MayRefuse)
		}
		if f.OutlivedFor > f.MayOutlive {
			t.Errorf("key %d: of the time that the issuer was up, it worked for %v after it was withdrawn, want %v at most", n, f.OutlivedFor, f.MayOutlive)
		}
	}
}

// fateOf sums up what became of a key. The issuer's mu is held.
func (s *soak) fateOf(k *soakKey) soakFate {
	accepted := k.firstAccepted
	if accepted == 0 {
		accepted = s.ended
	}
	f := soakFate{
		ID: k.key.ID(), Published: k.published, FirstAsked: k.firstAsked, FirstAccepted: k.firstAccepted, Withdrawn: k.withdrawn, LastAccepted: k.lastAccepted,
		Refused:    maps.Clone(k.before),
		RefusedFor: soakTime(upTime(s.issuer.phases, k.firstAsked, accepted)), MayRefuse: soakTime(s.issuer.mayRefuse(accepted)),
	}
	if k.withdrawn != 0 && k.lastAccepted > k.withdrawn {
		f.OutlivedFor = soakTime(upTime(s.issuer.phases, k.withdrawn, k.lastAccepted))
		f.MayOutlive = soakTime(s.issuer.mayRefuse(k.lastAccepted))
	}
	return f
}

// checkFetches checks that the issuer was not asked more often than the policy says.
func (s *soak) checkFetches(t *testing.T) {
	t.Helper()
	fetches := s.keyFetches()
	good, bad := 0, 0
	for _, f := range fetches {
		if f.good() {
			good++
		} else {
			bad++
		}
	}
	if float64(good) != s.last.Fetched || float64(bad) != s.last.Failed {
		t.Errorf("the issuer saw %d good and %d bad fetches, the server's metrics say %v and %v", good, bad, s.last.Fetched, s.last.Failed)
	}
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	downs := 0
	for _, p := range s.issuer.phases {
		if p.Fault != "" {
			downs++
		}
	}
	in := time.Duration(s.ended)
	if most := mayFetch(in, len(s.issuer.keys)-1); good > most {
		t.Errorf("there were %d good fetches, want %d at most", good, most)
	}
	if most := mayFail(downs); bad > most {
		t.Errorf("%d fetches failed while the issuer was down %d times, want %d at most", bad, downs, most)
	}
	if most := soakCeiling + int(in/time.Second); len(fetches) > most {
		t.Errorf("there were %d fetches, want %d at most", len(fetches), most)
	}
	if bad == 0 || downs == 0 || len(s.issuer.keys) < 2 {
		t.Errorf("%d fetches failed, the issuer was down %d times and had %d keys: this shows nothing", bad, downs, len(s.issuer.keys))
	}
}

// checkMemory checks that what the server needs in the last third is what it needed in
// the second: by then, all that it keeps is full. A MiB is forgiven, for the heap is
// seen at any point between two collections. In the 20 s of a third there are more than
// 20,000 unknown kids, and as many bad signatures and good tokens: were 64 bytes kept
// of any of them, the heap would be a MiB larger, and two when it is collected.
func (s *soak) checkMemory(t *testing.T) {
	t.Helper()
	for _, m := range []struct {
		what     string
		forgiven float64
		of       func(soakSample) float64
	}{
		{"bytes of resident memory", 1 << 20, func(s soakSample) float64 { return s.RSS }},
		{"bytes of heap", 1 << 20, func(s soakSample) float64 { return s.Heap }},
		// Each connection has one, and another while its request waits.
		{"goroutines", soakConnections / 2, func(s soakSample) float64 { return s.Goroutines }},
	} {
		before, after := soakLevel(s.samples, 1./3, 2./3, m.of), soakLevel(s.samples, 2./3, 1, m.of)
		t.Logf("at most %.0f %s in the second third, %.0f in the last", before, m.what, after)
		if after > before*1.05+m.forgiven {
			t.Errorf("the %s grow from %.0f to %.0f", m.what, before, after)
		}
	}
}

// end stops the server, which must have nothing bad to say.
func (s *soak) end(t *testing.T) {
	t.Helper()
	if code, err := s.server.stop(time.Minute); code != 0 || err != nil {
		t.Errorf("the server stopped with exit code %d, %v, want 0", code, err)
	}
	log := s.log.rest.String()
	for _, bad := range []string{"panic", "level=ERROR", "goroutine "} {
		if strings.Contains(log, bad) {
			t.Errorf("%q is in the log of the server", bad)
		}
	}
	if s.log.leaks > 0 {
		t.Fatalf("a token is in the log of the server, which is therefore not shown")
	}
	if s.log.requests == 0 {
		t.Error("no request is in the log of the server")
	}
	t.Logf("%d lines about requests, and the rest of the server's log:\n%s", s.log.requests, log)
}

// soakLog takes what the server logs, counts the lines about requests, and passes the
// rest on.
type soakLog struct {
	rest     *logCapture
	partial  []byte
	requests int
	leaks    int // lines with a token
}

// Write implements io.Writer for one process.
func (l *soakLog) Write(b []byte) (int, error) {
	l.partial = append(l.partial, b...)
	for {
		end := bytes.IndexByte(l.partial, '\n')
		if end < 0 {
			return len(b), nil
		}
		line := l.partial[:end+1]
		l.partial = l.partial[end+1:]
		if bytes.Contains(line, []byte("eyJ")) {
			l.leaks++
		}
		if bytes.Contains(line, []byte("msg=request ")) || bytes.Contains(line, []byte(`msg="request refused"`)) {
			l.requests++
			continue
		}
		_, _ = l.rest.Write(slices.Clone(line)) // it never fails
	}
}
