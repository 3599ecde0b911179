//go:build soak

package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// The calendar of the issuer. Keys come in the middle of a phase, in turn while the
// issuer is up and while it is down; so do they go.
const (
	flapEvery   = 2 * time.Second
	rotateFirst = 5 * time.Second
	rotateEvery = 10 * time.Second
	// withdrawAfter is how long a key stays published after the next one came.
	withdrawAfter = 12 * time.Second
	// sentAfter is how long tokens under a key are sent after it was withdrawn.
	sentAfter = 8 * time.Second
)

// soakIssuer is an issuer on a socket that comes and goes, changes its keys, and
// writes down what it did and was asked. Times are counted from begin.
type soakIssuer struct {
	*issuertest.Issuer
	begin time.Time

	mu      sync.Mutex // guards what follows, and the fields of the keys that say so
	fetches []soakFetch
	phases  []soakPhase
	keys    []*soakKey // every one, the oldest first
}

// soakFetch is a request as the issuer saw it.
type soakFetch struct {
	At       soakTime `json:"at"`
	End      soakTime `json:"end"`
	Document string   `json:"document"`
	Status   int      `json:"status"` // 0: the connection broke
}

// good reports whether the fetch was answered.
func (f soakFetch) good() bool { return f.Status == http.StatusOK }

// soakPhase is a time in which the issuer was up or down. The last one has no end.
type soakPhase struct {
	From  soakTime `json:"from"`
	To    soakTime `json:"to,omitzero"`
	Fault string   `json:"fault,omitempty"` // empty: it was up
}

func newSoakIssuer(t *testing.T) *soakIssuer {
	t.Helper()
	at := httptest.NewUnstartedServer(nil)
	i := &soakIssuer{Issuer: issuertest.New("http://" + at.Listener.Addr().String()), begin: time.Now()}
	i.phases = []soakPhase{{}}
	at.Config.Handler = http.HandlerFunc(i.serve)
	at.Start()
	t.Cleanup(at.Close)
	t.Cleanup(i.Issuer.Repair) // before Close, which waits for hung fetches
	i.publish(i.NewKey(verifier.RS256))
	return i
}

// now is the time since begin.
func (i *soakIssuer) now() soakTime { return soakTime(time.Since(i.begin)) }

// serve answers as the issuer does, and writes it down.
func (i *soakIssuer) serve(w http.ResponseWriter, r *http.Request) {
	f := soakFetch{At: i.now(), Document: "metadata"}
	if strings.HasSuffix(r.URL.Path, "/keys") {
		f.Document = "keys"
	}
	answer := &soakAnswer{ResponseWriter: w}
	defer func() { // a fault may panic
		f.End, f.Status = i.now(), answer.status
		i.mu.Lock()
		defer i.mu.Unlock()
		i.fetches = append(i.fetches, f)
	}()
	i.ServeHTTP(answer, r)
}

// soakAnswer is an http.ResponseWriter that knows what was answered: 0 is nothing, or
// something that broke off.
type soakAnswer struct {
	http.ResponseWriter
	status int
}

func (a *soakAnswer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *soakAnswer) Write(b []byte) (int, error) {
	a.status = max(a.status, http.StatusOK)
	return a.ResponseWriter.Write(b)
}

// Hijack implements http.Hijacker, for a fault that breaks the connection.
func (a *soakAnswer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.status = 0
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// Unwrap lets a fault flush.
func (a *soakAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// live follows the calendar, which begins now, until the length is over, and is up
// then.
func (i *soakIssuer) live(ctx context.Context, length time.Duration) {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	begin := time.Duration(i.now())
	end := begin + length
	all.Go(func() { i.flap(ctx, begin+flapEvery, end) })
	for at := begin + rotateFirst; at < end; at += rotateEvery {
		next := i.NewKey(verifier.RS256) // making one takes a while
		if i.until(ctx, at) != nil {
			return
		}
		old := i.publish(next)
		all.Go(func() { i.retire(ctx, old, at+withdrawAfter) })
	}
	_ = i.until(ctx, end)
}

// flap takes the issuer away and brings it back, from one time to another, each time
// with the next fault.
func (i *soakIssuer) flap(ctx context.Context, at, end time.Duration) {
	faults := []struct {
		name string
		is   issuertest.Fault
	}{{"503", issuertest.Status(http.StatusServiceUnavailable)}, {"reset", issuertest.Reset()}, {"hang", issuertest.Hang()}}
	defer i.up()
	for ; at < end; at += 2 * flapEvery {
		if i.until(ctx, at) != nil {
			return
		}
		i.down(faults[0].name, faults[0].is)
		faults = append(faults[1:], faults[0])
		if i.until(ctx, min(at+flapEvery, end)) != nil {
			return
		}
		i.up()
	}
}

func (i *soakIssuer) down(name string, fault issuertest.Fault) {
	i.turn(soakPhase{Fault: name})
	i.Break(fault)
}

// up lets go of fetches that hang, too.
func (i *soakIssuer) up() {
	i.Repair()
	i.turn(soakPhase{})
}

// turn begins a phase, unless it is like the one before.
func (i *soakIssuer) turn(p soakPhase) {
	i.mu.Lock()
	defer i.mu.Unlock()
	last := &i.phases[len(i.phases)-1]
	if last.Fault == p.Fault {
		return
	}
	p.From = i.now()
	last.To = p.From
	i.phases = append(i.phases, p)
}

// publish makes a key the current one, and returns the one before it.
func (i *soakIssuer) publish(key *issuertest.Key) (old *soakKey) {
	i.Publish(key)
	next := newSoakKey(key)
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := len(i.keys); n > 0 {
		old = i.keys[n-1]
	}
	next.published = i.now()
	i.keys = append(i.keys, next)
	return old
}

// retire withdraws a key at a time.
func (i *soakIssuer) retire(ctx context.Context, key *soakKey, at time.Duration) {
	if i.until(ctx, at) != nil {
		return
	}
	i.mu.Lock()
	key.withdrawn = i.now() // a refusal from now on is right
	i.mu.Unlock()
	i.Withdraw(key.key)
}

// until waits until a time, or returns the context's error.
func (i *soakIssuer) until(ctx context.Context, at time.Duration) error {
	timer := time.NewTimer(at - time.Since(i.begin))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
