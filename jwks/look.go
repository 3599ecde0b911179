package jwks

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// look is one reading of the file.
type look struct {
	began time.Time
	cause Cause

	landed chan struct{} // closed at the end

	// Set before landed is closed:

	ended     time.Time
	err       error
	unchanged bool
	failures  int // in a row, this one included; of a good look, those before it
}

func newLook(began time.Time, cause Cause) *look {
	return &look{began: began, cause: cause, landed: make(chan struct{})}
}

// outcome is how the look ended.
func (l *look) outcome() Outcome { return outcomeOf(l.err, l.unchanged) }

// duration is the time that the look took.
func (l *look) duration() time.Duration { return l.ended.Sub(l.began) }

func (l *look) status() FetchStatus {
	return FetchStatus{
		Began: l.began.Round(0), Ended: l.ended.Round(0), Seconds: l.duration().Seconds(),
		Cause: l.cause, Outcome: l.outcome(),
	}
}

// start returns the look under way, or begins one if the last began so long ago. It
// returns nil if there is none.
func (f *File) start(now time.Time, pause time.Duration, cause Cause) *look {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.look == nil && elapsed(f.began, now) >= pause {
		f.began = now
		f.look = newLook(now, cause)
		go f.run(f.look)
	}
	return f.look
}

// run looks at the file, puts what it has in the place of the held set, and tells of
// it, in this order, so that nobody waits for an observer.
func (f *File) run(l *look) {
	slow := time.AfterFunc(maxFileWait, func() {
		f.logger.Warn("reading the key file does not end", "source", f.path, "error", f.named(errFileSlow))
	})
	f.observers.tell(func(o Observer) { o.FetchStarted(FetchStarted{f.path, l.cause}) })
	before := f.current.Load()
	set, err := f.get(l, before)
	slow.Stop()
	if l.err = err; err != nil {
		set = before
	}
	f.land(l, set)
	f.teller.tell()
}

// get reads the file. The set before is taken again if its text is unchanged.
func (f *File) get(l *look, before *keySet) (*keySet, error) {
	data, err := f.read(f.path)
	if err != nil {
		return nil, f.named(err)
	}
	sum := sha256.Sum256(data)
	if before != nil && sum == f.sum {
		l.unchanged = true
		set := before.confirmed()
		set.began = l.began
		return set, nil
	}
	set, err := readSet(data)
	if err != nil {
		return nil, fmt.Errorf("%w (file %q)", err, f.path)
	}
	f.sum = sum
	set.began, set.read, set.url = l.began, l.began, f.url
	set.interval, set.fresh = f.interval, f.interval
	return set, nil
}

// land ends a look: set is held from now on.
func (f *File) land(l *look, set *keySet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer close(l.landed)
	f.look, l.ended = nil, f.now()
	f.last = l.status()
	f.current.Store(set)
	l.failures, f.failures = f.failures, 0
	if l.err != nil {
		l.failures++
		f.failures = l.failures
	}
	f.lastError = l.err
	f.teller.add(f.report(l, set))
}

// report returns what tells the observers of a look that has ended.
func (f *File) report(l *look, set *keySet) (tell func()) {
	e := FetchFinished{
		Source: f.path, Cause: l.cause, Outcome: l.outcome(), Err: l.err, URL: f.url,
		Duration: l.duration(), Age: elapsed(set.began, l.ended),
		Used: len(set.keys), Skipped: len(set.skipped), Failures: l.failures,
	}
	return func() {
		told := f.observers
		if e.Err != nil && f.logged != nil && e.Err.Error() == f.logged.Error() {
			told = told[1:] // the log has it
		}
		f.logged = e.Err
		told.tell(func(o Observer) { o.FetchFinished(e) })
		f.reportKeys(set)
	}
}

// reportKeys tells the observers how a set differs from what they know. Only NewFile
// and the teller's functions call it.
func (f *File) reportKeys(set *keySet) {
	f.observers.keys(f.path, f.teller.known, set)
	f.teller.known = set
}
