package jwks_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
)

// life is what a source is given, and whom it meets.
type life struct {
	interval, cooldown, maxStale time.Duration
	discover                     bool
	down                         bool // the issuer is, at the start
	warm                         bool
	validator                    validator
	caches                       bool // the issuer sends Cache-Control
	latency                      time.Duration
	jitter                       func() float64 // nil: none
	change                       change
}

// change is made to a source's options, and then to the source, and is not known to the
// guarantees. A nil one is none.
type change func(*jwks.Options, *jwks.Remote)

func (l life) String() string {
	return fmt.Sprintf("interval %v, MaxStale %v, discover %t, down %t, warm %t, validator %d, Cache-Control %t, latency %v",
		l.interval, l.maxStale, l.discover, l.down, l.warm, l.validator, l.caches, l.latency)
}

// script tells what happens next, until it says no.
type script func(*world) (event, bool)

// play is a script of events that are known from the start.
func play(events []event) script {
	return func(*world) (event, bool) {
		if len(events) == 0 {
			return event{}, false
		}
		next := events[0]
		events = events[1:]
		return next, true
	}
}

// run lets a source live through a script, in virtual time, until a guarantee does not
// hold. It returns the violations, the first of which counts, and what happened.
func run(t *testing.T, l life, next script) (violations []violation, happened []event) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(l)
		w.ctx = t.Context()
		w.begin(t)
		for !w.broken() {
			e, more := next(w)
			if !more {
				break
			}
			happened = append(happened, e)
			w.deeds()[e.do](e)
			w.settle()
		}
		violations = w.close()
	})
	return violations, happened
}

// begin makes the issuer and the source.
func (w *world) begin(t *testing.T) {
	t.Helper()
	w.publish()
	if w.life.down {
		w.fail(event{})
	}
	client := &http.Client{Transport: w}
	o := jwks.Options{
		Client: client, Interval: w.life.interval, Cooldown: w.life.cooldown, MaxStale: w.life.maxStale,
		Logger: discard(), Observer: w,
	}
	keys, err := w.source(&o)
	if err != nil {
		t.Fatal(err)
	}
	w.keys = keys
	if w.life.warm {
		_ = w.keys.Warm(w.ctx) // The issuer may be down.
		w.settle()
	}
}

func (w *world) source(o *jwks.Options) (*jwks.Remote, error) {
	change := w.life.change
	if change == nil {
		change = func(*jwks.Options, *jwks.Remote) {}
	}
	change(o, nil)
	create := func() (*jwks.Remote, error) { return jwks.NewRemote(modelKeys, o) }
	if w.life.discover {
		create = func() (*jwks.Remote, error) { return jwks.Discover(modelIssuer, o) }
	}
	keys, err := create()
	if err != nil {
		return nil, err
	}
	keys.SetRandom(func() float64 { return 0.5 })
	if w.life.jitter != nil {
		keys.SetRandom(w.life.jitter)
	}
	change(nil, keys)
	return keys, nil
}

// rest lets time pass, and what happens then.
func (w *world) rest(d time.Duration) {
	w.pass(d)
	w.settle()
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	if d > 0 {
		time.Sleep(d)
	}
}
