package jwks

import (
	"log/slog"
	"sync"
	"time"
)

// quietPeriod is how long the log is not told again of what can happen with every
// request, and maxQuiet for how many topics that is remembered. maxKeyLines is how many
// lines are written about the keys of one source in that time: a set has up to 1,024
// keys, and an issuer may publish others every second.
const (
	quietPeriod = time.Minute
	maxQuiet    = 1024
	maxKeyLines = 64
)

// logObserver writes events to a log. The sources' Options.Logger is written through
// one.
type logObserver struct {
	NopObserver
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex // guards what follows
	told map[topic]time.Time
	keys map[string]keyLines // by source
}

// topic is what a log is told of once in a while.
type topic struct{ what, source string }

// keyLines counts the lines about a source's keys since a time.
type keyLines struct {
	since time.Time
	n     int
}

// NewLogObserver returns an [Observer] that writes to a log what an operator should
// know: failures and recoveries, keys that come, go, change or are not used. What may
// happen with every request is written once a minute for each source. Of a source's
// keys at most 64 lines are written in a minute, and then one that says that there were
// more. A source logs to its Options.Logger like this by itself: this is for an Observer
// that passes events on, and for a log of one's own. A nil log stands for
// slog.Default().
func NewLogObserver(log *slog.Logger) Observer {
	if log == nil {
		log = slog.Default()
	}
	return &logObserver{log: log, now: time.Now, told: make(map[topic]time.Time), keys: make(map[string]keyLines)}
}

func (l *logObserver) FetchFinished(e FetchFinished) {
	log := l.log.With("source", e.Source)
	if e.Outcome == OutcomeFailed {
		log.Warn("fetching the key set failed", "error", e.Err, "failures", e.Failures)
		return
	}
	if e.Failures > 0 {
		log.Info("the key set can be fetched again", "failures", e.Failures)
	}
	if e.FailedOver != nil && !l.toldLately("failover", e.Source) {
		log.Warn("the key set came from the failover address", "error", e.FailedOver)
	}
}

func (l *logObserver) DiscoveryFailed(e DiscoveryFailed) {
	l.log.Warn("discovery failed, the last address is used", "source", e.Source, "error", e.Err)
}

func (l *logObserver) LookUpRefused(e LookUpRefused) {
	// Where the issuer is to blame, its failures are in the log.
	if e.Answer == nil && !l.toldLately("refused", e.Source) {
		l.log.Warn("tokens with unknown kids are refused without a look-up", "source", e.Source, "reason", e.Reason)
	}
}

func (l *logObserver) StaleServed(e StaleServed) {
	if !l.toldLately("stale", e.Source) {
		l.log.Warn("an old key set serves", "source", e.Source, "age", e.Age.Round(time.Second))
	}
}

func (l *logObserver) KeyAdded(e KeyEvent) {
	if l.tooManyKeys(e.Source) {
		return
	}
	l.log.Info("a key was added", "source", e.Source, "kid", e.Key.ID, "thumbprint", e.Key.Thumbprint)
}

func (l *logObserver) KeyRemoved(e KeyEvent) {
	if l.tooManyKeys(e.Source) {
		return
	}
	l.log.Info("a key was removed", "source", e.Source, "kid", e.Key.ID, "thumbprint", e.Key.Thumbprint)
}

func (l *logObserver) KeyChanged(e KeyEvent) {
	if l.tooManyKeys(e.Source) {
		return
	}
	l.log.Warn("another key has the kid of an old one", "source", e.Source, "kid", e.Key.ID, "thumbprint", e.Key.Thumbprint, "before", e.Before.Thumbprint)
}

func (l *logObserver) KeySkipped(e KeySkipped) {
	if l.tooManyKeys(e.Source) {
		return
	}
	l.log.Info("a key of the set is not used", "source", e.Source, "kid", e.Key.ID, "reason", e.Key.Reason)
}

func (l *logObserver) SnapshotUsed(e SnapshotUsed) {
	l.log.Warn("the key set of an earlier process serves", "source", e.Source, "age", e.Age.Round(time.Second))
}

func (l *logObserver) SnapshotFailed(e SnapshotFailed) {
	message := "the snapshot of the key set cannot be used"
	if e.Writing {
		message = "the snapshot of the key set cannot be written"
	}
	l.log.Warn(message, "source", e.Source, "error", e.Err)
}

// toldLately reports whether the log was told of something within the last minute,
// and takes it that it is told now if not.
func (l *logObserver) toldLately(what, source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, of := l.now(), topic{what, source}
	if at, told := l.told[of]; told && now.Sub(at) < quietPeriod {
		return true
	}
	if len(l.told) >= maxQuiet {
		clear(l.told) // a line too many is no harm
	}
	l.told[of] = now
	return false
}

// tooManyKeys counts a line about a key, and reports whether it is not to be written.
// The first time, the log is told of that.
func (l *logObserver) tooManyKeys(source string) bool {
	n := l.countKey(source)
	if n == maxKeyLines+1 {
		l.log.Info("more keys came, went or changed within a minute than are logged", "source", source)
	}
	return n > maxKeyLines
}

// countKey returns how many lines about a source's keys there would be within a minute.
func (l *logObserver) countKey(source string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, lines := l.now(), l.keys[source]
	if now.Sub(lines.since) >= quietPeriod {
		if len(l.keys) >= maxQuiet {
			clear(l.keys) // lines too many are no harm
		}
		lines = keyLines{since: now}
	}
	lines.n++
	l.keys[source] = lines
	return lines.n
}
