package jwks

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/bearerproof/bearerproof/verifier"
)

// The parts of a File's policy that have no setting, and a default.
const (
	defaultFileInterval = 10 * time.Second
	// filePause is the time from one look at the file to the next that is made because
	// the held set did not do for a token.
	filePause = time.Second
	// maxFileWait is how long a request waits for a look, maxIdleFileWait how long one
	// whose kid is held, after nobody has asked, and maxFileWaiting how many wait.
	maxFileWait     = 5 * time.Second
	maxIdleFileWait = time.Second
	maxFileWaiting  = 1024
)

// FileOptions are the settings of a [File]. The zero value, and a nil pointer, stand
// for the defaults.
type FileOptions struct {
	// Interval is how often the file is read while tokens ask for keys. The default is
	// 10 s.
	Interval time.Duration

	// Logger is told of failures, recoveries, changed and skipped keys, as
	// [NewLogObserver] writes them; of a failure that goes on, once. The default is
	// slog.Default().
	Logger *slog.Logger

	// Observer is told of events, beside the Logger. Each read of the file is a fetch.
	// The default is nobody.
	Observer Observer
}

// withDefaults returns the settings in force, or an error that names the field.
func (o *FileOptions) withDefaults() (FileOptions, error) {
	var set FileOptions
	if o != nil {
		set = *o
	}
	if set.Interval < 0 {
		return FileOptions{}, errors.New("jwks: FileOptions.Interval is negative")
	}
	if set.Interval == 0 {
		set.Interval = defaultFileInterval
	}
	if set.Logger == nil {
		set.Logger = slog.Default()
	}
	return set, nil
}

// File keeps the JWK set of a file that may change, such as a mounted ConfigMap or
// Secret of Kubernetes. It is a [verifier.KeySet], is safe for concurrent use, and
// needs no closing. Only [NewFile] makes one.
//
// No goroutine runs while nobody asks. When a token asks, and FileOptions.Interval has
// passed since the file was last read, it is read again in the background, and the
// token is answered from the held set. After twice the interval, the token waits for
// that read, until a second after the read began at most. So a key that is taken out
// of the file stops working within twice the interval and one read. A kid
// that the held set does not know has the file read at once, but not within a second
// of the last time, and waits for that for 5 s at most. One read runs at a time: a file
// system that hangs delays no token whose kid is held.
//
// What counts is the file's content, not its time. Symbolic links are followed anew
// each time. A good content replaces the set whole: a key that is gone is revoked. A
// file that is missing, cannot be read or has no usable key leaves the last good set
// in force, for as long as it stays so, which [File.Status] and the log tell; unknown
// kids are then refused with [verifier.ErrKeysUnavailable]. Replace a file by renaming
// another one to its name: of one that is written in place, a part may be read, which
// is an error until the next read.
type File struct {
	path      string // absolute
	url       string
	interval  time.Duration
	pause     time.Duration // from one look to another for the sake of a token
	logger    *slog.Logger
	observers observers // the log's is the first
	now       func() time.Time
	read      func(path string) ([]byte, error)

	current atomic.Pointer[keySet] // read by every Verify, replaced whole, never nil

	sum     [sha256.Size]byte   // of the held set's text; used by the look under way only
	waiting *semaphore.Weighted // places for requests that wait for a look
	teller  teller
	logged  error // of the look that was told last, nil if it was good; used by the teller only

	mu        sync.Mutex  // guards what follows
	look      *look       // the one under way, or nil
	began     time.Time   // the last look
	last      FetchStatus // the last look that ended
	lastError error       // of it, nil if it was good
	failures  int         // in a row
}

var errFileSlow = fmt.Errorf("reading it takes longer than %v", maxFileWait)

// NewFile reads the JWK set (RFC 7517 §5) in the file at path, which may be at most
// 1 MiB long and have at most 1,024 keys, and returns a source that follows its
// changes. A file that is missing, cannot be read, is not a regular file or has no
// usable key is an error, which names the path and repeats nothing of the content.
func NewFile(path string, o *FileOptions) (*File, error) {
	options, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, errors.New("jwks: the path of the file is empty")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("jwks: file %q: %w", path, err)
	}
	f := &File{
		path:      absolute,
		url:       (&url.URL{Scheme: "file", Path: filepath.ToSlash(absolute)}).String(),
		interval:  options.Interval,
		pause:     min(filePause, options.Interval),
		logger:    options.Logger,
		observers: newObservers(options.Logger, options.Observer),
		now:       time.Now,
		read:      readKeyFile,
		waiting:   semaphore.NewWeighted(maxFileWaiting),
	}
	l := newLook(f.now(), CauseCold)
	set, err := f.get(l, nil)
	if err != nil {
		return nil, err
	}
	f.began, l.ended = l.began, f.now()
	f.last = l.status()
	f.current.Store(set)
	f.reportKeys(set)
	return f, nil
}

func readKeyFile(path string) ([]byte, error) {
	data, _, err := readRegular(path, maxSetBytes)
	return data, err
}

// Keys implements [verifier.KeySet]. It waits only for a kid that the held set does
// not know, and, for up to a second, after nobody has asked for twice the interval.
func (f *File) Keys(ctx context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	now := f.now()
	set := f.current.Load()
	if !set.knows(kid) {
		return f.lookUp(ctx, kid, alg, now)
	}
	if elapsed(set.began, now)/2 >= f.interval {
		if err := f.awaken(ctx, now); err != nil {
			return nil, err
		}
		set = f.current.Load()
	}
	keys := set.find(kid, alg)
	f.refresh(set, now)
	if len(keys) == 0 {
		f.start(now, f.pause, CauseRecheck)
	}
	return keys, nil
}

// Recheck is told by a verifier that a signature failed under the held keys: there
// may be a new key under an old kid. It has the file read in the background, unless
// that was within the last second, and never waits.
func (f *File) Recheck() { f.start(f.now(), f.pause, CauseRecheck) }

// Ready returns nil: there is always a set, because NewFile brought one, and it has no
// age at which it is given up. Like a token, it has the file read in the background if
// that is due. Whether the last read was good is in [File.Status].
func (f *File) Ready() error {
	f.refresh(f.current.Load(), f.now())
	return nil
}

// Status describes the held set and the reads of the file. It causes none. FetchedAt
// is when the content changed, as far as this process has seen, and AgeSeconds counts
// from the last good read.
func (f *File) Status() Status {
	now := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{
		Usable:      true,
		Keys:        []KeyStatus{},
		Fetching:    f.look != nil,
		LastFetch:   f.last,
		Failures:    f.failures,
		NextRefresh: f.began.Add(f.interval).Round(0),
	}
	s.describe(f.current.Load(), now)
	if err := f.trouble(now); err != nil {
		s.LastError = err.Error()
	}
	return s
}

// refresh begins a look in the background if one is due.
func (f *File) refresh(set *keySet, now time.Time) {
	if set.due(now) {
		f.start(now, f.interval, CauseScheduled)
	}
}

// awaken has the file read that nobody asked for in a while, and waits for that until
// a second after the look began. Its error is the context's.
func (f *File) awaken(ctx context.Context, now time.Time) error {
	l := f.start(now, f.interval, CauseIdle)
	if l == nil {
		return nil // the last look failed
	}
	_, err := f.wait(ctx, l, l.began, maxIdleFileWait)
	return err
}

// lookUp waits for a look at the file that began after the request arrived, or for as
// long as it may, and answers from what is known then.
func (f *File) lookUp(ctx context.Context, kid string, alg verifier.Algorithm, arrived time.Time) ([]*verifier.Key, error) {
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		l := f.start(f.now(), f.pause, CauseUnknownKID)
		if l == nil {
			return f.answer(kid, alg, RefusedBackoff)
		}
		refused, err := f.wait(ctx, l, arrived, maxFileWait)
		if err != nil {
			return nil, err
		}
		if refused != "" || !l.began.Before(arrived) || f.current.Load().knows(kid) {
			return f.answer(kid, alg, refused)
		}
	}
}

// wait waits until a look has ended, and no longer than the most from when it began
// or the request arrived. It returns why it does not, or an error if the context has
// ended. Nobody waits for a look that hangs.
func (f *File) wait(ctx context.Context, l *look, arrived time.Time, most time.Duration) (Refusal, error) {
	if !f.waiting.TryAcquire(1) {
		return RefusedWaiting, nil
	}
	defer f.waiting.Release(1)
	if l.began.Before(arrived) {
		arrived = l.began
	}
	timer := time.NewTimer(most - elapsed(arrived, f.now()))
	defer timer.Stop()
	select {
	case <-l.landed:
		return "", nil
	case <-ctx.Done():
		return "", ctx.Err()
	case <-timer.C:
		return RefusedSlow, nil
	}
}

// answer answers a request for a kid that was not known when it arrived. Where the
// last look has failed, nobody knows whether there is such a key.
func (f *File) answer(kid string, alg verifier.Algorithm, refused Refusal) ([]*verifier.Key, error) {
	if set := f.current.Load(); set.knows(kid) {
		return set.find(kid, alg), nil
	}
	err := f.unavailable()
	// A file that was read without fault within the last second does not have the key.
	if refused != "" && (err != nil || refused != RefusedBackoff) {
		e := LookUpRefused{Source: f.path, Reason: refused, Answer: err}
		f.observers.tell(func(o Observer) { o.LookUpRefused(e) })
	}
	return nil, err
}

// unavailable says why the file cannot be relied on now, or returns nil.
func (f *File) unavailable() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	cause := f.trouble(now)
	if cause == nil {
		return nil
	}
	return &verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: max(f.pause-elapsed(f.began, now), 0), Err: cause}
}

// trouble is what the last look failed of, or that it does not end. f.mu is held.
func (f *File) trouble(now time.Time) error {
	if f.look != nil && elapsed(f.look.began, now) >= maxFileWait {
		return f.named(errFileSlow)
	}
	return f.lastError
}

func (f *File) named(err error) error { return fmt.Errorf("jwks: file %q: %w", f.path, err) }
