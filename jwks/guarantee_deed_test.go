package jwks_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// replace publishes another document.
func (w *world) replace(change func(document) document) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, m := time.Now(), &w.issuer
	w.before = m.published
	m.published = change(slices.Clone(m.published))
	m.changed++
	for _, s := range w.before.usable() {
		if !m.published.has(s) {
			w.gone[s] = now
			delete(w.since, s)
		}
	}
	for _, s := range m.published.usable() {
		if !w.before.has(s) {
			w.since[s] = now
			delete(w.gone, s)
			w.rotated = append(w.rotated, now)
		}
	}
	for _, p := range m.published {
		if !w.before.names(p.kid) {
			w.named[p.kid] = now
		}
	}
	maps.DeleteFunc(w.named, func(kid string, _ time.Time) bool { return !m.published.names(kid) })
}

// nextKid is that of the key which is published next.
func (w *world) nextKid() string { return fmt.Sprint("key-", w.kids+1) }

func (w *world) newKey() int {
	w.made++
	return (w.made - 1) % len(materials())
}

func (w *world) publish() {
	kid := w.nextKid()
	w.kids++
	key := w.newKey()
	w.replace(func(d document) document { return append(d, published{signer{kid, key}, true}) })
}

// nth finds the nth JWK that is good, or is not.
func (d document) nth(n int, usable bool) int {
	var places []int
	for i, p := range d {
		if p.usable == usable {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return -1
	}
	return places[n%len(places)]
}

func (w *world) withdraw(e event) {
	if len(w.issuer.published.usable()) < 2 {
		return
	}
	w.replace(func(d document) document {
		i := d.nth(e.n, true)
		return slices.Delete(d, i, i+1)
	})
}

func (w *world) restore() {
	back := document{}
	for _, p := range w.before {
		if p.usable && !w.issuer.published.names(p.kid) {
			back = append(back, p)
		}
	}
	if len(back) > 0 {
		w.replace(func(d document) document { return append(d, back...) })
	}
}

func (w *world) reuse(e event) {
	key := w.newKey()
	w.replace(func(d document) document {
		d[d.nth(e.n, true)].key = key
		return d
	})
}

func (w *world) spoil(e event) {
	if len(w.issuer.published.usable()) < 2 {
		return
	}
	w.replace(func(d document) document {
		d[d.nth(e.n, true)].usable = false
		return d
	})
}

func (w *world) mend(e event) {
	w.replace(func(d document) document {
		if i := d.nth(e.n, false); i >= 0 {
			d[i].usable = true
		}
		return d
	})
}

func (w *world) flip(e event) {
	for range e.n {
		w.publish()
		w.withdraw(event{})
		w.sendAll(w.unmet())
		w.rest(e.each)
	}
}

func (w *world) fail(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.issuer.wrong = disorders[e.n%len(disorders)]
	w.issuer.metadata = e.n/len(disorders)%2 == 1
	w.issuer.flaps = time.Time{}
}

func (w *world) flap(e event) {
	w.fail(e)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.issuer.flaps, w.issuer.up, w.issuer.down = time.Now(), max(e.each, 1), max(e.span, 1)
}

func (w *world) slower(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.issuer.latency = e.each
	w.issuer.slowest = max(w.issuer.slowest, e.each)
}

func (w *world) disagree() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.issuer.stale != nil || len(w.before.usable()) == 0 {
		return
	}
	w.issuer.stale = w.before
	w.disputes = append(w.disputes, dispute{from: time.Now()})
}

func (w *world) repair() {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, now := &w.issuer, time.Now()
	m.latency = w.life.latency
	if m.wrong != none {
		m.wrong, m.metadata, m.repaired = none, false, now
	}
	if m.stale != nil {
		m.stale, m.agreed = nil, now
		w.disputes[len(w.disputes)-1].to = now
		for range m.published.usable() {
			w.rotated = append(w.rotated, now)
		}
	}
}

// cacheControls are the values of Cache-Control.
var cacheControls = [...]string{"", "max-age=0", "no-cache", "public", "max-age=75", "max-age=86400", "max-age=nonsense"}

func (w *world) changeCache(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.life.caches {
		w.issuer.cache = cacheControls[e.n%len(cacheControls)]
	}
}

// stream sends n tokens, one each.
func (w *world) stream(e event, next func(i int) claim) {
	for i := range max(e.n, 1) {
		if i > 0 {
			w.pass(e.each)
		}
		w.send(next(i))
	}
}

// randoms counts the random kids.
var randoms atomic.Uint64

func random() claim {
	return claim{signer: signer{kid: fmt.Sprint("random-", randoms.Add(1))}, kind: anonymous}
}

// sendAll sends a token of each signer.
func (w *world) sendAll(all []signer) {
	for _, s := range all {
		w.send(claim{signer: s})
	}
}

// signers lists those of a map in order.
func (w *world) signers(m map[signer]time.Time) []signer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.SortedFunc(maps.Keys(m), func(a, b signer) int {
		return cmp.Or(strings.Compare(a.kid, b.kid), cmp.Compare(a.key, b.key))
	})
}

// accepted lists the good signers of which a token was accepted before.
func (w *world) accepted() []signer {
	return slices.DeleteFunc(w.signers(w.since), func(s signer) bool { return !w.knows(s) })
}

// unmet lists the others.
func (w *world) unmet() []signer {
	return slices.DeleteFunc(w.signers(w.since), w.knows)
}

func (w *world) knows(s signer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.met[s]
}

// underGood makes claims with a good kid.
func (w *world) underGood(kind claimKind) func(int) claim {
	return func(i int) claim {
		all := w.issuer.published.usable()
		return claim{signer: all[i%len(all)], kind: kind}
	}
}

func (w *world) sendUnfit(e event) {
	i := w.issuer.published.nth(e.n, false)
	if i < 0 {
		return
	}
	kid := w.issuer.published[i].kid
	w.stream(e, func(int) claim { return claim{signer: signer{kid: kid}, kind: anonymous} })
}

func (w *world) busy(e event) {
	for end := time.Now().Add(e.span); time.Now().Before(end) && !w.broken(); {
		w.sendAll(w.accepted())
		w.rest(e.each)
	}
}

func (w *world) probes(e event) {
	for i := range max(e.n, 1) {
		if i > 0 {
			w.rest(e.each)
		}
		w.probe()
		w.settle()
	}
}

// untilDue is the time to the next moment at which a guarantee must hold.
func (w *world) untilDue() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, m := time.Now(), &w.issuer
	var due []time.Time
	for s, since := range w.since {
		if !w.met[s] {
			due = append(due, later(since, later(m.repaired, m.agreed)).Add(w.life.cooldown))
		}
	}
	for _, since := range w.gone {
		at := later(since, m.agreed).Add(2*w.life.interval + m.slowest)
		due = append(due, at, at.Add(trustUnread))
	}
	due = append(due, m.repaired.Add(longestWait+1), m.repaired.Add(max(longestWait, min(longestDelay, w.life.interval))+1))
	if w.held != nil {
		due = append(due, w.held.read.Add(w.life.maxStale))
	}
	due = slices.DeleteFunc(due, func(at time.Time) bool { return !at.After(now) })
	if len(due) == 0 {
		return 0
	}
	return slices.MinFunc(due, time.Time.Compare).Sub(now)
}

// untilGain is the time until the budget for unknown kids gains, by the model's
// estimate.
func (w *world) untilGain() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	level := w.tokens(time.Now())
	return time.Duration((1 - (level - float64(int(level)))) * float64(w.life.cooldown))
}

// untilIdle is the time until the set is idle.
func (w *world) untilIdle() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held == nil {
		return 0
	}
	return max(0, time.Until(w.held.began.Add(2*w.held.interval)))
}
