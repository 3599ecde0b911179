//go:build soak

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	soakConnections = 64
	// soakPace is the time between two requests of a connection, if the server answers
	// within it.
	soakPace = 10 * time.Millisecond
	// slowAnswer is half of the time for which the issuer hangs.
	slowAnswer = flapEvery / 2
)

// soakRole is what a connection sends.
type soakRole int

// Each role has a connection in four.
const (
	sendNewest  soakRole = iota // good tokens under the newest key
	sendKnown                   // good tokens under older keys that are still published
	sendUnknown                 // kids that nobody has, and lately withdrawn ones
	sendForged                  // bad signatures under published kids
	soakRoles
)

func (r soakRole) String() string {
	return [...]string{"newest key", "older key", "unknown kid", "bad signature"}[r]
}

// soakLoad is the clients, and what they saw.
type soakLoad struct {
	url    string
	issuer *soakIssuer
	dials  atomic.Int64

	mu       sync.Mutex // guards what follows
	answers  map[soakRole]map[int]int
	known    []time.Duration // how long answers to tokens under older keys took
	slow     []soakAnswered  // those of them that took longer than slowAnswer
	longest  [soakRoles]time.Duration
	failures []string // requests without an answer, and answers that must not be
}

func newSoakLoad(url string, issuer *soakIssuer) *soakLoad {
	l := &soakLoad{url: url, issuer: issuer, answers: map[soakRole]map[int]int{}}
	for role := range soakRoles {
		l.answers[role] = map[int]int{}
	}
	return l
}

// run sends requests over all connections until the context ends.
func (l *soakLoad) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for n := range soakConnections {
		all.Go(func() { l.connection(ctx, soakRole(n%int(soakRoles))) })
	}
}

// connection sends one request after the other over one connection.
func (l *soakLoad) connection(ctx context.Context, role soakRole) {
	transport := &http.Transport{MaxConnsPerHost: 1, DialContext: l.dial}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	tick := time.NewTicker(soakPace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		key, token := l.next(role, n)
		asked := l.issuer.now()
		status, err := l.get(client, token)
		l.note(role, key, asked, status, err)
	}
}

func (l *soakLoad) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.dials.Add(1)
	return new(net.Dialer).DialContext(ctx, network, address)
}

// next returns a token to send, and the key whose good token it is, or nil.
func (l *soakLoad) next(role soakRole, n int) (*soakKey, string) {
	now := l.issuer.tokens()
	older := now.published[n%len(now.published)]
	switch role {
	case sendNewest:
		return now.newest, now.newest.token
	case sendKnown:
		return older, older.token
	case sendForged:
		return nil, older.forged(rand.Uint64())
	default:
		if len(now.withdrawn) > 0 && n%4 == 0 {
			gone := now.withdrawn[n/4%len(now.withdrawn)]
			return gone, gone.token
		}
		return nil, withKid(older.token, fmt.Sprintf("nobody-%x", rand.Uint64()))
	}
}

// withKid returns a token with another kid in its header.
func withKid(token, kid string) string {
	_, rest, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"at+jwt","kid":"`+kid+`"}`)) + "." + rest
}

func (l *soakLoad) get(client *http.Client, token string) (int, error) {
	// Not the load's context: a request that is under way when the time is over counts.
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, l.url+"/todos", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// note writes down an answer.
func (l *soakLoad) note(role soakRole, key *soakKey, asked soakTime, status int, err error) {
	answered := l.issuer.now()
	if key != nil {
		l.issuer.mu.Lock()
		key.note(asked, answered, status)
		l.issuer.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[role][status]++
	took := time.Duration(answered - asked)
	l.longest[role] = max(l.longest[role], took)
	if role == sendKnown {
		l.known = append(l.known, took)
		if took > slowAnswer {
			l.slow = append(l.slow, soakAnswered{asked, answered, status})
		}
	}
	if err != nil {
		l.failures = append(l.failures, fmt.Sprintf("%v, %v: %v", asked, role, err))
	} else if !slices.Contains([]int{200, 401, 503}, status) || status == 200 && key == nil {
		l.failures = append(l.failures, fmt.Sprintf("%v, %v: status %d", asked, role, status))
	}
}

// quantile returns how long the answers to tokens under older keys took at most, but
// for the given part of them.
func (l *soakLoad) quantile(part float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.known)
	return l.known[int(float64(len(l.known)-1)*(1-part))]
}
