package jwks

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// failover is a second address of the key set. Only one fetch at a time uses it, and
// the fetches of a Remote follow one another, so it needs no lock.
type failover struct {
	address *url.URL
	rest    time.Duration // how long the first address is not the first to be asked, once it failed
	failed  time.Time     // when the fetch began in which the first address failed last
	why     error         // and what it failed of
}

// attempt is an attempt to get a set from one of the addresses.
type attempt func(context.Context) (found, error)

// fetch asks the one address and then, if it fails, the other. Where both fail, it is
// the error of the first that counts, Retry-After included.
func (o *failover) fetch(ctx context.Context, f *flight, first, second attempt) (found, error) {
	if o.leads(f) {
		return o.fetchInTurn(ctx, f, first, second)
	}
	got, why := withHalf(ctx, first)
	if o.note(f, why); why == nil {
		return got, nil
	}
	other, err := second(ctx)
	if err != nil {
		return got, why
	}
	f.failedOver = why
	return other, nil
}

// leads reports whether the second address is to be asked first: a first one that
// hangs would cost each fetch half of its time.
func (o *failover) leads(f *flight) bool {
	return o.why != nil && elapsed(o.failed, f.began) < o.rest
}

// fetchInTurn asks the second address first. The first is asked too if that does not
// bring the key which the fetch was made for: the first may be back, and have it.
func (o *failover) fetchInTurn(ctx context.Context, f *flight, first, second attempt) (found, error) {
	got, err := withHalf(ctx, second)
	if err == nil && (f.kid == "" || len(got.set.find(f.kid, f.alg)) > 0) {
		f.failedOver = o.why
		return got, nil
	}
	other, why := first(ctx)
	if o.note(f, why); why == nil || err != nil {
		return other, why
	}
	f.failedOver = why
	return got, nil
}

// note remembers whether the first address did.
func (o *failover) note(f *flight, err error) { o.failed, o.why = f.began, err }

// withHalf runs an attempt and leaves half of the time for another.
func withHalf(ctx context.Context, try attempt) (found, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer stop()
	}
	return try(ctx)
}

// sameAddress reports whether two URLs are asked at the same place (RFC 3986 §6.2.2
// and §6.2.3, as far as origins go).
func sameAddress(a, b *url.URL) bool {
	return origin(a) == origin(b) && strings.TrimPrefix(a.RequestURI(), "/") == strings.TrimPrefix(b.RequestURI(), "/")
}
