package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/internal/resilience"
)

// The virtual time of a bubble stands still while a goroutine in it waits for a lock. A
// peer that holds one while it waits for the issuer thus stops its cell for ever.

var errStill = errors.New("virtual time stood still: requests wait for a lock while another one waits for the issuer")

// exitStill is the exit code of a child in which time stands still.
const exitStill = 17

func exitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return 0
}

// watch ends the process when time has stood still for three seconds. What it returns
// ends the watch.
func watch() (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for seen := 0; seen < 3; {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			if seen++; !still(stacks()) {
				seen = 0
			}
		}
		os.Exit(exitStill)
	}()
	return func() { close(done) }
}

// still reports whether there is a goroutine in a bubble that waits for a lock, and none
// but the one that asks that could go on. A busy machine is no reason: what waits for a
// processor is runnable.
func still(stacks string) bool {
	locked := false
	for i, stack := range strings.Split(stacks, "\n\n") {
		_, state, _ := strings.Cut(stack, "[")
		state, _, _ = strings.Cut(state, "]:")
		waiting, _, _ := strings.Cut(state, ",")
		switch {
		case i == 0: // asks
		case waiting == "running", waiting == "runnable", waiting == "syscall":
			return false
		case strings.Contains(state, "synctest bubble"):
			locked = locked || strings.HasPrefix(waiting, "sync.Mutex") || strings.HasPrefix(waiting, "sync.RWMutex")
		}
	}
	return locked
}

func stacks() string {
	text := make([]byte, 4<<20)
	return string(text[:runtime.Stack(text, true)])
}

// lockingPeer holds a lock while it waits for the issuer, which it gives 30 s.
func lockingPeer() peers.Peer {
	p := peers.All()[0] // whose errors it returns: failed requests
	p.Name = "locking"
	p.New = func(_ context.Context, s peers.Setup) (peers.Subject, error) {
		client := *s.Client
		client.Timeout = 30 * time.Second
		return &lockingSubject{url: s.KeySetURL, client: &client}, nil
	}
	return p
}

type lockingSubject struct {
	url    string
	client *http.Client

	mu sync.Mutex // is what it is about
}

func (s *lockingSubject) Verify(ctx context.Context, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New("no keys")
	}
	return nil
}

func (*lockingSubject) Close() {}

// The cell in the middle stops its child. All are observed nevertheless.
func TestALockedCellIsRunSerially(t *testing.T) {
	const hang = "hang before the header"
	cells := []resilience.Cell{theCell(t, oneFault+"/warm"), theCell(t, hang+"/warm"), theCell(t, oneFault+"/idle")}
	all := observedByChildren(t, cells, lockingPeer())
	if len(all) != len(cells) {
		t.Fatalf("%d reports, want %d", len(all), len(cells))
	}
	for i, seen := range all {
		if seen.Unobservable != "" || seen.Fault+"/"+seen.State != cells[i].String() {
			t.Errorf("%s/%s was not observed (%s), want %s", seen.Fault, seen.State, seen.Unobservable, cells[i])
		}
		if locked := i == 1; seen.Serial != locked {
			t.Errorf("%s: serial is %t, want %t", cells[i], seen.Serial, locked)
		}
	}
	// The first request waits for the issuer, and those of the minute behind it for each
	// other, until their callers leave.
	if got, want := all[1].Held, (answer{resilience.Unavailable, 30_000, 1}); got != want {
		t.Errorf("first answer: %v, want %v", got, want)
	}
	if got := all[1].Calm.HeldWait; got < 60_000 {
		t.Errorf("a request waited %v at most, want a minute: its caller's patience", got)
	}
}

func TestStill(t *testing.T) {
	asking, locked := "goroutine 1 [running]:\nx()", "goroutine 7 [sync.Mutex.Lock, 2 minutes, synctest bubble 1]:\nx()"
	tests := map[string]struct {
		stacks []string
		want   bool
	}{
		"nobody waits for a lock":  {[]string{asking, "goroutine 7 [select (durable), synctest bubble 1]:"}, false},
		"a lock in a bubble":       {[]string{asking, locked}, true},
		"a read lock in a bubble":  {[]string{asking, "goroutine 7 [sync.RWMutex.RLock, synctest bubble 1]:"}, true},
		"a lock outside":           {[]string{asking, "goroutine 7 [sync.Mutex.Lock]:"}, false},
		"somebody could go on":     {[]string{asking, locked, "goroutine 8 [runnable, synctest bubble 1]:"}, false},
		"somebody outside does so": {[]string{asking, "goroutine 8 [syscall]:", locked}, false},
	}
	for name, tt := range tests {
		if got := still(strings.Join(tt.stacks, "\n\n")); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}
