package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Limits of the router of [ByIssuerFunc].
const (
	maxIssuerBytes = 512

	unknownSpan  = 10 * time.Second // how long resolve's "not ours" is remembered
	failedSpan   = time.Second      // how long any other error of resolve is
	refreshPause = 10 * time.Second // how long a live tenant is let alone after one
	maxVerdicts  = 256              // of each sort
)

// foundIssuers is the router of ByIssuerFunc.
type foundIssuers struct {
	resolve  func(ctx context.Context, issuer string) (*Verifier, error) // set once
	timeout  time.Duration                                               // set once
	lifetime time.Duration                                               // set once

	mu         sync.Mutex // guards what follows; resolve is never called under it
	live       liveTenants
	calls      map[string]*resolution // queued or under way, by issuer
	foreground lane                   // for requests that wait
	background lane                   // for tenants that are renewed, so that strangers do not hold that up
	unknown    verdicts
	failed     verdicts
	waiting    int // requests, for all calls
}

func (f *foundIssuers) choose(ctx context.Context, issuer string) (*tenant, error) {
	if len(issuer) > maxIssuerBytes {
		return nil, refuse(ErrIssuer, fmt.Errorf("iss has %d bytes, and %d are allowed", len(issuer), maxIssuerBytes))
	}
	if issuer == "" {
		return nil, refuse(ErrIssuer, errors.New("iss is absent or empty"))
	}
	t, call, err := f.find(ctx, issuer)
	if call != nil {
		return f.await(ctx, call)
	}
	return t, err
}

// find returns the tenant, or the call to wait for, or why there is neither.
func (f *foundIssuers) find(ctx context.Context, issuer string) (*tenant, *resolution, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if t := f.live.byIssuer[issuer]; t != nil && f.usable(t, now) {
		f.renew(t, now)
		return t, nil, nil
	}
	id := sha256.Sum256([]byte(issuer))
	if err := f.unknown.of(id, now); err != nil {
		return nil, nil, err
	}
	if err := f.failed.of(id, now); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, refuse(ErrCanceled, err)
	}
	call, err := f.join(issuer, now)
	return nil, call, err
}

// usable reports whether a tenant may still be served by what resolve last said.
func (f *foundIssuers) usable(t *tenant, now time.Time) bool {
	return elapsed(t.resolved, now) < 2*f.lifetime
}

// renew asks again about a tenant that is due, and waits for nothing. f.mu is held.
func (f *foundIssuers) renew(t *tenant, now time.Time) {
	due := elapsed(t.resolved, now) >= f.lifetime && !now.Before(t.retry)
	if due && f.calls[t.issuer] == nil {
		f.begin(t.issuer, &f.background)
	}
}

// accepted counts a token as use of its tenant.
func (f *foundIssuers) accepted(by *tenant) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live.bringBack(by)
	f.live.use(by.issuer)
}

// settle keeps what a call brought, for later requests. f.mu is held.
func (f *foundIssuers) settle(c *resolution, v *Verifier, err error) {
	c.err = err
	id := sha256.Sum256([]byte(c.issuer))
	switch {
	case err == nil:
		c.tenant = &tenant{issuer: c.issuer, verifier: v, resolved: c.began}
		f.live.put(c.tenant)
	case KindOf(err) == ErrIssuer:
		f.live.deny(c.issuer)
		f.unknown.add(id, err, c.began)
	default:
		now := time.Now()
		if t := f.live.byIssuer[c.issuer]; t != nil {
			t.retry = now.Add(refreshPause)
		}
		f.failed.add(id, err, now)
	}
}
