package resilience

import (
	"context"
	"errors"
	"sync"
	"testing/synctest"
	"time"
)

const (
	// patience is how long a request waits before its caller leaves, and patienceOfLeaver
	// how long the caller does who leaves a fetch behind.
	patience         = time.Minute
	patienceOfLeaver = 100 * time.Millisecond
	// grace is how long a call may go on after its caller left.
	grace = time.Second
	// slowness is how long the fetch takes to reach the issuer that a caller left.
	slowness = time.Second
	// Between requests that look for a change, and at the end of looking.
	acceptancePoll = 250 * time.Millisecond
	refusalPoll    = 10 * time.Second
	acceptanceEnd  = 10 * time.Minute
	refusalEnd     = 26 * time.Hour
	// settling is how long a subject has to finish what it began.
	settling = 10 * time.Second
)

// run is one life of a subject. Its methods are called in the bubble.
type run struct {
	*world
	library Library
	state   State
	seen    *Observation

	others  int       // goroutines of the bubble without those of the subject
	counted traffic   // when counting began
	began   time.Time // when the fault did
	asked   time.Time // when the first token was sent

	mu      sync.Mutex // guards what follows
	making  int        // calls of New under way
	subject Subject    // nil: not made yet
	gone    time.Time  // when a token under the held key was first refused for its own sake
}

var (
	errMaking  = errors.New("resilience: a call of New is under way")
	errRefused = errors.New("resilience: a good token was refused")
)

// observeHeld observes what becomes of tokens under the held key.
func (r *run) observeHeld() error {
	answer, err := r.strike(r.heldToken)
	if err != nil {
		return err
	}
	r.seen.Held = answer
	r.seen.Calm = r.minute(r.heldToken)
	if r.oddToken != "" {
		r.seen.Odd, _ = r.ask(r.oddToken, patience)
	}
	r.end()
	if r.withdraws() {
		r.seen.Withdrawn = r.untilGone()
	} else {
		r.seen.HeldAfter = r.untilAccepted(r.heldToken, time.Now())
	}
	return nil
}

// observeNext observes what becomes of tokens under the next key.
func (r *run) observeNext() error {
	answer, err := r.strike(r.nextToken)
	if err != nil {
		return err
	}
	r.seen.Next = answer
	if r.fault.end == nil {
		r.seen.NextAfter = r.untilAccepted(r.nextToken, r.asked)
		r.seen.Pressed = r.minute(r.heldToken, r.nextToken)
		return nil
	}
	r.seen.Pressed = r.minute(r.heldToken, r.nextToken)
	r.end()
	r.seen.NextAfter = r.untilAccepted(r.nextToken, time.Now())
	return nil
}

// withdraws reports whether the fault withdraws the held key.
func (r *run) withdraws() bool {
	return r.fault.effect.expectation(r.state).Withdrawn > 0
}

// strike brings the subject into the state, lets the fault begin and sends the first
// token. Its error says why the state cannot be reached.
func (r *run) strike(raw string) (Answer, error) {
	if err := r.prepare(raw); err != nil {
		return Answer{}, err
	}
	r.asked = time.Now()
	outcome, wait := r.ask(raw, patience)
	synctest.Wait()
	return Answer{outcome, wait, r.fetches()}, nil
}

func (r *run) prepare(raw string) error {
	switch r.state {
	case Cold:
		r.strikeNow()
	case CallerLeft:
		r.network.setDelay(slowness)
		if err := r.start(); err != nil {
			return err
		}
		r.counted = r.network.seen()
		arrived := time.Now()
		_, left := r.ask(raw, patienceOfLeaver)
		r.seen.Left = max(r.seen.Left, left)
		r.pass(slowness/2 - time.Since(arrived))
		r.network.setDelay(0)
		r.began = time.Now()
		r.begin()
	default:
		if err := r.start(); err != nil {
			return err
		}
		if outcome, _ := r.ask(r.heldToken, patience); outcome != Accepted {
			return errRefused
		}
		if r.state == BeyondMaxStale {
			r.network.setDial(unreachable)
		}
		r.pass(r.state.age())
		r.network.setDial(nil)
		r.strikeNow()
	}
	return nil
}

// strikeNow lets the fault begin, and the counting.
func (r *run) strikeNow() {
	r.began = time.Now()
	r.begin()
	r.counted = r.network.seen()
}

// start makes the subject while nothing is wrong.
func (r *run) start() error {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	_, err := r.made(ctx)
	return err
}

// made returns the subject, and makes it if that was not possible before.
func (r *run) made(ctx context.Context) (Subject, error) {
	r.mu.Lock()
	subject, making := r.subject, r.making
	if subject == nil && making == 0 {
		r.making++
	}
	r.mu.Unlock()
	switch {
	case subject != nil:
		return subject, nil
	case making > 0:
		return nil, errMaking
	}
	subject, err := r.library.New(ctx, r.setup())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.making--
	if err != nil {
		return nil, err
	}
	r.subject = subject
	return subject, nil
}

// ask sends a token. The caller leaves when his patience is over.
func (r *run) ask(raw string, patience time.Duration) (Outcome, time.Duration) {
	arrived := time.Now()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	patient := time.AfterFunc(patience, leave)
	defer patient.Stop()
	outcomes := make(chan Outcome, 1)
	go func() { outcomes <- r.verify(ctx, raw) }()
	stuck := time.NewTimer(patience + grace)
	defer stuck.Stop()
	select {
	case outcome := <-outcomes:
		r.note(raw, outcome)
		return outcome, time.Since(arrived)
	case <-stuck.C:
		return Stuck, time.Since(arrived)
	}
}

// note remembers the first refusal of the held key.
func (r *run) note(raw string, outcome Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if raw == r.heldToken && outcome == Invalid && r.gone.IsZero() {
		r.gone = time.Now()
	}
}

func (r *run) verify(ctx context.Context, raw string) Outcome {
	subject, err := r.made(ctx)
	if err != nil {
		return NotMade
	}
	if err := subject.Verify(ctx, raw); err != nil {
		return r.library.Classify(err)
	}
	return Accepted
}

// minute sends each of the tokens once a second, whether or not the ones before were
// answered.
func (r *run) minute(raws ...string) Minute {
	r.counted = r.network.seen()
	var m Minute
	var mu sync.Mutex // guards m
	var all sync.WaitGroup
	for range 60 {
		r.pass(time.Second)
		for _, raw := range raws {
			all.Go(func() {
				outcome, wait := r.ask(raw, patience)
				mu.Lock()
				defer mu.Unlock()
				if raw != r.heldToken {
					m.NextWait = max(m.NextWait, wait)
					return
				}
				m.HeldWait = max(m.HeldWait, wait)
				if outcome != Accepted {
					m.HeldRefused++
				}
			})
		}
	}
	synctest.Wait()
	fetches := r.fetches()
	all.Wait()
	m.Fetches = fetches
	return m
}

// untilAccepted returns the time from since until a token is accepted, or Never.
func (r *run) untilAccepted(raw string, since time.Time) time.Duration {
	for time.Since(since) < acceptanceEnd {
		if outcome, _ := r.ask(raw, patience); outcome == Accepted {
			return time.Since(since)
		}
		r.pass(acceptancePoll)
	}
	return Never
}

// untilGone returns how long the fault had been there when a token under the held key
// was first refused for its own sake, or Never.
func (r *run) untilGone() time.Duration {
	for r.goneAt().IsZero() && time.Since(r.began) < refusalEnd {
		r.pass(refusalPoll)
		r.ask(r.heldToken, patience)
	}
	if at := r.goneAt(); !at.IsZero() {
		return at.Sub(r.began)
	}
	return Never
}

func (r *run) goneAt() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

// fetches is their number since counting began.
func (r *run) fetches() int {
	now := r.network.seen()
	now.keySet -= r.counted.keySet
	now.metadata -= r.counted.metadata
	return now.fetches()
}

// pass lets time pass, and what it sets off end or wait.
func (r *run) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// finish closes the subject, and counts what it has running before and afterwards.
func (r *run) finish() {
	r.rest()
	r.seen.Running = max(r.seen.Running, goroutines()-r.others)
	r.mu.Lock()
	subject := r.subject
	r.mu.Unlock()
	if subject != nil {
		subject.Close()
	}
	r.rest()
	r.seen.Leaked = max(r.seen.Leaked, goroutines()-r.others)
	passed := r.network.seen()
	r.seen.Elsewhere = max(r.seen.Elsewhere, passed.elsewhere)
	r.seen.LargestBody = max(r.seen.LargestBody, passed.largest)
}

// rest lets fetches end, and connections that nobody uses.
func (r *run) rest() {
	r.pass(settling)
	r.network.transport.CloseIdleConnections()
	synctest.Wait()
}
