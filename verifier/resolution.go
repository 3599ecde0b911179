package verifier

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Limits of the calls of resolve and of who waits for them.
const (
	foregroundCalls = 12
	backgroundCalls = 4
	maxWaiting      = 1024
	reservedWaiting = 128 // of them, for issuers that have had a verifier
	maxWait         = 5 * time.Second
)

// resolution is one call of resolve, which any number of requests may wait for.
type resolution struct {
	issuer string        // set once
	landed chan struct{} // set once; closed at the end

	// Guarded by foundIssuers.mu:

	lane    *lane
	queued  *list.Element // in the lane's queue, or nil
	began   time.Time     // zero until it is called
	waiting int           // requests

	// Set before landed is closed:

	tenant *tenant
	err    error
}

// lane bounds how many calls run at a time. The others wait in the order of their
// coming. A waiting call has no goroutine.
type lane struct {
	most    int
	running int
	queue   list.List // of *resolution
}

// join returns the call for an issuer, with a place to wait for it. f.mu is held.
func (f *foundIssuers) join(issuer string, now time.Time) (*resolution, error) {
	c, waiting := f.calls[issuer], 0
	if c != nil {
		if !c.began.IsZero() && now.Sub(c.began) >= f.timeout {
			return nil, refuse(ErrUnavailable, errors.New("resolve was asked, and has not returned in time"))
		}
		waiting = c.waiting
	}
	known := f.live.byIssuer[issuer] != nil
	places := maxWaiting - f.waiting
	if !known {
		places -= reservedWaiting
	}
	// One issuer takes no more places than it leaves free, so that a few whose calls
	// hang do not shut the others out.
	if waiting >= places {
		return nil, refuse(ErrUnavailable, errors.New("too many requests wait for resolve"))
	}
	switch {
	case c == nil:
		c = f.begin(issuer, &f.foreground)
	case c.queued != nil && c.lane == &f.background: // now somebody waits
		c.lane.queue.Remove(c.queued)
		f.enter(c, &f.foreground)
	}
	if known && c.queued != nil { // before those whose issuer a stranger may have made up
		c.lane.queue.MoveToFront(c.queued)
	}
	c.waiting++
	f.waiting++
	return c, nil
}

// leave gives the place up. A call that nobody waits for any more is not made. f.mu is
// not held.
func (f *foundIssuers) leave(c *resolution) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.waiting--
	f.waiting--
	if c.waiting == 0 && c.queued != nil {
		c.lane.queue.Remove(c.queued)
		c.queued = nil
		delete(f.calls, c.issuer)
	}
}

// await waits for the end of a call that was joined.
func (f *foundIssuers) await(ctx context.Context, c *resolution) (*tenant, error) {
	defer f.leave(c)
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-c.landed:
		return c.tenant, c.err
	case <-ctx.Done():
		return nil, refuse(ErrCanceled, ctx.Err())
	case <-timer.C:
		return nil, refuse(ErrUnavailable, fmt.Errorf("resolve did not answer within %v", maxWait))
	}
}

// begin makes a call, or puts it in the lane's queue. f.mu is held, and there is no
// call for this issuer.
func (f *foundIssuers) begin(issuer string, in *lane) *resolution {
	// The issuer is part of a payload, all of which would be kept with it.
	c := &resolution{issuer: strings.Clone(issuer), landed: make(chan struct{})}
	f.calls[c.issuer] = c
	f.enter(c, in)
	return c
}

// enter starts a call if the lane is free. f.mu is held.
func (f *foundIssuers) enter(c *resolution, in *lane) {
	c.lane = in
	if in.running >= in.most {
		c.queued = in.queue.PushBack(c)
		return
	}
	f.start(c)
}

// start calls resolve on a goroutine of its own. f.mu is held.
func (f *foundIssuers) start(c *resolution) {
	c.queued, c.began = nil, time.Now()
	c.lane.running++
	go f.call(c)
}

// call calls resolve, on a context of its own, and lands whatever becomes of it, a
// panic and runtime.Goexit included.
func (f *foundIssuers) call(c *resolution) {
	ctx, stop := context.WithTimeout(context.Background(), f.timeout)
	var v *Verifier
	var err error = refuse(ErrMisconfigured, errors.New("resolve did not return"))
	defer func() {
		stop()
		if cause := recover(); cause != nil {
			v, err = nil, refuse(ErrMisconfigured, fmt.Errorf("resolve panicked: %s", quoted(fmt.Sprint(cause))))
		}
		f.land(c, v, err)
	}()
	found, failure := f.resolve(ctx, c.issuer)
	v, err = judge(c.issuer, found, failure)
}

// land ends a call and starts the next one.
func (f *foundIssuers) land(c *resolution, v *Verifier, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer close(c.landed)
	delete(f.calls, c.issuer)
	f.settle(c, v, err)
	c.lane.running--
	if next := c.lane.queue.Front(); next != nil {
		f.start(c.lane.queue.Remove(next).(*resolution))
	}
}

// judge decides whether what resolve returned is a verifier for exactly that issuer.
func judge(issuer string, v *Verifier, err error) (*Verifier, error) {
	switch {
	case err != nil:
		return nil, unresolved(issuer, err)
	case v == nil:
		return nil, refuse(ErrMisconfigured, errors.New("resolve returned no Verifier and no error"))
	case v.keys == nil:
		return nil, refuse(ErrMisconfigured, errors.New("resolve returned a Verifier that was not made by New"))
	case v.issuer != issuer:
		return nil, refuse(ErrMisconfigured, fmt.Errorf("resolve returned a Verifier for %s when asked for %s", quoted(v.issuer), quoted(issuer)))
	default:
		return v, nil
	}
}

// unresolved gives an error of resolve its kind.
func unresolved(issuer string, err error) error {
	kind := KindOf(err)
	if kind == 0 || kind == ErrCanceled { // it was no caller's context that ended
		return refuse(ErrUnavailable, err)
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	if err == error(kind) { //nolint:errorlint // a Kind with nothing around it says too little for a log
		return refuse(kind, fmt.Errorf("iss is %s", quoted(issuer)))
	}
	return refuse(kind, err)
}
