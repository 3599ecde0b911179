package verifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Defaults and limits of [ByIssuerFunc].
const (
	defaultTenants  = 256
	mostTenants     = 65536
	defaultLifetime = 10 * time.Minute
	mostLifetime    = 24 * time.Hour
	defaultResolve  = 5 * time.Second
	mostResolve     = time.Minute
)

// ByIssuerFuncOptions are the settings of [ByIssuerFunc]. The zero value, and a nil
// pointer, stand for the defaults.
type ByIssuerFuncOptions struct {
	// Size is how many verifiers are kept. To make room, one goes that has accepted no
	// token yet, or else the one that has not accepted any for longest; when its issuer
	// comes again, resolve is asked again. It should not be below the number of tenants
	// that are active at a time. The default is 256; the most is 65,536.
	Size int

	// Lifetime is how long a verifier is used before resolve is asked again. The next
	// token asks in the background, while the old verifier serves. Where resolve
	// fails then, the old one goes on serving, for one further Lifetime at the most:
	// so a tenant that is taken off stops after twice this time, whatever happens. The
	// default is 10 min; the most is 24 h.
	Lifetime time.Duration

	// Timeout ends the context of one call of resolve. The default is 5 s; the most is
	// 1 min. A request waits for 5 s at the most, whatever this is.
	Timeout time.Duration

	// MaxTokenBytes is the longest token that is looked at. The verifiers apply their
	// own limits too, so that one which allows longer tokens than this needs it raised.
	// The default is 16 KiB; the most is 1 MiB.
	MaxTokenBytes int

	// Observer is told, with an empty Outcome.Issuer, of the tokens that are refused
	// before a verifier was chosen. The verifiers tell their own observers of the
	// others. The default is nobody.
	Observer Observer
}

// ByIssuerFunc returns a verifier for the tokens of many issuers that are not all
// known when the program starts, such as the tenants of a service. Where they are
// known, [ByIssuer] is simpler. It reads "iss" of the unverified token only to
// find the issuer's verifier, which then verifies the token from the start, with its
// own keys. Where it has none, it asks resolve for one and keeps it.
//
// # The issuer that resolve is given is what a stranger wrote
//
// Nobody has verified it: whoever can send a request chooses it. It is at most 512
// bytes long and not empty, and that is all that is known. It is good for one thing:
// being looked up, as a whole, in a list or a database of the issuers that you trust.
// Never make a URL of it, say with jwks.Discover, before such a look-up: anybody could
// then make this service fetch any address and, worse, bring an issuer of his own whose
// tokens it accepts. A prefix or a pattern is no look-up.
//
// An issuer that is ours still chooses, in its metadata, the host that its keys are
// fetched from. jwks.Discover says what to do where tenants are not trusted that far.
//
// # What resolve returns
//
//   - A verifier made by [New] whose Config.Issuer equals the issuer byte for byte.
//     Anything else (a nil, another issuer's, one of ByIssuer) is refused with
//     [ErrMisconfigured]. Return the same *Verifier again while the tenant's settings
//     are the same: a new one starts without keys, and would have to fetch them.
//   - An error of kind [ErrIssuer]: this is no issuer of ours. The token is refused
//     with that (401), a verifier that was kept for this issuer goes at once, and resolve
//     is not asked about it again for 10 s (for the last 256 such issuers).
//   - An error of another kind, which is kept: [ErrForbidden], say, for a tenant that
//     has not paid. It takes no tenant off that is being served; ErrIssuer does.
//   - Any other error, an ended context included, becomes one of kind [ErrUnavailable]
//     (503), so that a failing database logs nobody out. After an error that is not
//     ErrIssuer the issuer's tokens get the same answer for 1 s without a call, as
//     far as no verifier is kept for it; a verifier that is kept goes on serving as
//     Lifetime says, and resolve is asked again after 10 s.
//
// # How resolve is called
//
// It must be safe for concurrent use and return when its context ends. It is called
// once for all requests that wait for one issuer, on a goroutine and a context of its
// own, which has the Timeout and none of the values of a request's context. A request
// that gives up leaves alone.
//
// No request waits longer than 5 s for it, beside what the verifier's key source may
// take then. At most 1,024 wait at a time: those for one issuer take no more places
// than they leave free, and 128 are reserved for issuers that have had a verifier.
// Beyond that the answer is ErrUnavailable. A request that waits holds at most 2.5 times
// MaxTokenBytes: 40 KiB by default, and 40 MiB for all of them. At most 16 calls run at a time: 12 that
// requests wait for, in the order of their coming, and 4 that renew. Nothing runs while
// there is no call.
//
// A panic of resolve is caught, for it happens on a goroutine that no server looks
// after, and counts as an error of kind ErrMisconfigured.
//
// # Under attack
//
// Tokens of an issuer whose verifier is kept wait for none of this, whatever is sent
// meanwhile. Only an accepted token protects a verifier from making room: forged ones
// that name real tenants do not. An issuer whose verifier has become too old, for want
// of tokens, goes before those that have none. A new tenant's first token waits behind
// the calls for issuers that strangers made up, so resolve should answer for those from
// memory or with one quick query. When they come faster than it answers, some of the
// new tenants' requests are answered with ErrUnavailable, as many in proportion as of
// the strangers'. resolve need not fetch keys: jwks.Discover does no I/O until the
// first token.
func ByIssuerFunc(resolve func(ctx context.Context, issuer string) (*Verifier, error), o *ByIssuerFuncOptions) (*Verifier, error) {
	if resolve == nil {
		return nil, errors.New("verifier: ByIssuerFunc: resolve is nil")
	}
	var set ByIssuerFuncOptions
	if o != nil {
		set = *o
	}
	if err := set.fault(); err != nil {
		return nil, err
	}
	set.fill()
	combined := &Verifier{
		router: &foundIssuers{
			resolve:    resolve,
			timeout:    set.Timeout,
			lifetime:   set.Lifetime,
			live:       newLiveTenants(set.Size),
			calls:      make(map[string]*resolution),
			foreground: lane{most: foregroundCalls},
			background: lane{most: backgroundCalls},
			unknown:    newVerdicts(unknownSpan, maxVerdicts),
			failed:     newVerdicts(failedSpan, maxVerdicts),
		},
		observer: set.Observer,
		watched:  true, // the verifiers to come may have an observer
	}
	combined.limit(set.MaxTokenBytes)
	return combined, nil
}

// fault says what is wrong, or returns nil.
func (o *ByIssuerFuncOptions) fault() error {
	if o.Size < 0 || o.Size > mostTenants {
		return fmt.Errorf("verifier: ByIssuerFuncOptions.Size is %d, which is not 0 to %d", o.Size, mostTenants)
	}
	if o.Lifetime < 0 || o.Lifetime > mostLifetime {
		return fmt.Errorf("verifier: ByIssuerFuncOptions.Lifetime is %v, which is not 0 to %v", o.Lifetime, mostLifetime)
	}
	if o.Timeout < 0 || o.Timeout > mostResolve {
		return fmt.Errorf("verifier: ByIssuerFuncOptions.Timeout is %v, which is not 0 to %v", o.Timeout, mostResolve)
	}
	if o.MaxTokenBytes < 0 || o.MaxTokenBytes > mostMaxBytes {
		return fmt.Errorf("verifier: ByIssuerFuncOptions.MaxTokenBytes is %d, which is not 0 to %d", o.MaxTokenBytes, mostMaxBytes)
	}
	return nil
}

// fill puts the defaults in.
func (o *ByIssuerFuncOptions) fill() {
	o.Size = cmp.Or(o.Size, defaultTenants)
	o.Lifetime = cmp.Or(o.Lifetime, defaultLifetime)
	o.Timeout = cmp.Or(o.Timeout, defaultResolve)
	o.MaxTokenBytes = cmp.Or(o.MaxTokenBytes, defaultMaxBytes)
}
