// Package jwks gives a verifier the keys of an issuer.
//
// A [Remote] fetches a JWK set (RFC 7517) over HTTP and keeps it: [Discover] finds
// its address through the issuer's metadata, [NewRemote] is given it. A [File] follows
// a file that may change, and a [Static] is a set that the program brings along.
//
//	keys, err := jwks.Discover("https://id.example.com/realms/myrealm", nil)
//
// # What a Remote does
//
// It does no I/O until the first token, [Remote.Warm] or [Remote.Ready], and no
// goroutine runs while it is idle, so nothing needs closing.
//
// The set is refreshed in the background when it is older than Options.Interval and
// something asks, so a token whose kid is in the held set does not wait. Only if
// nothing has asked for twice the interval, it waits for the refresh, for a second at
// most. A refresh replaces the set whole: a key that is gone is revoked. The answer's
// max-age may shorten the interval, and its validators are sent back, so that an
// unchanged set need not be transferred. While the issuer cannot be reached or answers
// nonsense, the last good set serves until Options.MaxStale, and then the source fails
// closed with [verifier.ErrKeysUnavailable].
//
// A kid that the set does not know causes a fetch at once, which all who need it
// wait for together, no longer than five seconds. These fetches are bounded by a
// budget of three, one more each Options.Cooldown; one that brings the key which it
// was made for is free, so that an issuer may rotate as often as it likes while
// nobody can turn random kids into load. When no look-up is possible, the token is
// refused: as unknown (401) while the issuer answers, as unavailable (503) while it
// does not.
//
// Keys of a set are read one at a time. One that is unfit to verify signatures is
// skipped with a reason, which [Remote.Status] and the log show; the others work.
//
// # A second address
//
// Options.Failover is another address of the same key set, such as a mirror or a second
// node. It is asked within the same fetch when the first address fails, which then has
// half of the fetch's time, and it leads for a minute after that: a first address that
// hangs delays one fetch and not each. While it leads, a kid that it does not have is
// looked for at the first address too. Backoff, budget and ceiling count such a fetch
// once, and where both fail, the error is that of the first. A mirror must keep up with
// the issuer: what it serves replaces the set like any answer.
//
// # Restarts
//
// A process starts without keys. Options.Snapshot, made by [FileSnapshot], is a file in
// which a Remote leaves the public keys of each good answer. The next process reads it
// if its own first fetch fails, and then serves with these keys, while it goes on trying
// to reach the issuer. Options.MaxStale counts from the issuer's original answer, so that
// no number of restarts lets a withdrawn key live longer. A file that is damaged, too old,
// from the future, another source's, or writable by others is not used.
//
// # Files
//
// [NewFile] reads a JWK set from a file, such as a mounted ConfigMap, and follows its
// changes without a goroutine: it looks again when a token asks and the interval is over.
// A content that is no good leaves the last good one in force. Unlike a Remote's set, a
// File's has no age at which it is given up.
//
// # Observing
//
// Options.Logger gets a line for each failure, recovery and change of a key, and one a
// minute at most for what may happen with every request. [Remote.Status] describes the
// held set and the fetches, for a page or a metric that is read now and then; it can be
// written as JSON. An [Observer] is told of each event as it happens: fetches and what
// they end in, requests that are refused without a look-up, requests that are served
// from an old set, keys that come and go. Embed [NopObserver] and write the methods that
// matter:
//
//	type counter struct {
//		jwks.NopObserver
//		fetches *prometheus.CounterVec
//	}
//
//	func (c counter) FetchFinished(e jwks.FetchFinished) {
//		c.fetches.WithLabelValues(e.Source, string(e.Cause), string(e.Outcome)).Inc()
//	}
//
// A request under a key of a set that is not overdue tells nobody of anything, and
// allocates nothing.
package jwks
