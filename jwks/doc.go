// Package jwks gives a verifier the keys of an issuer.
//
// A [Remote] fetches a JWK set (RFC 7517) over HTTP and keeps it: [Discover] finds
// its address through the issuer's metadata, [NewRemote] is given it. A [Static] is
// a set that the program brings along.
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
package jwks
