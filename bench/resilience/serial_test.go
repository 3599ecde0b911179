package resilience_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// serial lets one request at a time through to a peer that makes them wait for each
// other under a lock. They wait before it instead, as long and as deaf to their callers
// as there, but at a channel: that lets virtual time go on.
type serial struct {
	peers.Subject

	turn chan struct{}
}

func newSerial(s peers.Subject) serial { return serial{s, make(chan struct{}, 1)} }

// Verify waits for its turn, and not for ctx: a lock does not look at it either.
func (s serial) Verify(ctx context.Context, raw string) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.Subject.Verify(ctx, raw)
}

// slow is a subject whose requests take a second.
type slow struct{}

func (slow) Verify(context.Context, string) error {
	<-time.After(time.Second)
	return nil
}

func (slow) Close() {}

func TestSerial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		subject := newSerial(slow{})
		first := make(chan error, 1)
		go func() { first <- subject.Verify(t.Context(), "") }()
		synctest.Wait()
		if err := subject.Verify(t.Context(), ""); err != nil {
			t.Error(err)
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		if passed := time.Since(began); passed != 2*time.Second {
			t.Errorf("two requests took %v, want 2s, one after the other", passed)
		}
	})
}
