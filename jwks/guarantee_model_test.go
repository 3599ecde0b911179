package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// The numbers that the guarantees name.
const (
	longestWait   = 5 * time.Second // G4, G6
	knownKidWait  = time.Second     // G4
	failedLately  = 2 * time.Minute // G4
	longestDelay  = time.Minute     // G3, after an outage
	trustUnread   = time.Hour       // G3
	mostWaiting   = 1024            // G7
	mostAbsent    = 256             // G7
	missBudget    = 3               // G2
	ceiling       = 10              // G2
	ceilingPeriod = time.Second     // G2
)

// violation says which guarantee does not hold, and how that showed.
type violation struct{ guarantee, text string }

func (v violation) String() string { return v.guarantee + ": " + v.text }

// world is one life of a source: its issuer, its clients, and what the guarantees say
// of it. It judges by what the issuer was asked and what the clients were told, and
// knows nothing of the source but that.
type world struct {
	jwks.NopObserver

	life  life
	born  time.Time
	keys  *jwks.Remote
	ctx   context.Context
	asked sync.WaitGroup // requests under way

	mu     sync.Mutex // guards what follows
	issuer modelled

	since    map[signer]time.Time // since when a good key has been published
	named    map[string]time.Time // since when a kid has been in the document
	gone     map[signer]time.Time // when a key was withdrawn that may still work
	met      map[signer]bool      // accepted at least once
	before   document             // ahead of the last change
	kids     int                  // published so far
	made     int                  // keys used so far
	rotated  []time.Time          // when a key became good
	disputes []dispute

	began    []time.Time
	ended    []fetched
	open     []*fetched // of which it was not told that they have ended
	held     *holding
	landings int
	failures int
	failedAt time.Time // the end of the last fetch that failed
	good     bool      // the last fetch did not fail

	waiting  int // requests under way
	provoked []stay
	nagged   map[signer]time.Time // when a token was refused under a kid that is held with another key
	probed   time.Time            // when Ready first said no, with a well issuer
	urged    urge

	budget     float64 // an estimate, for histories that are out for harm
	budgetAt   time.Time
	violations []violation
}

// dispute is a time in which the issuer's nodes disagree.
type dispute struct{ from, to time.Time }

// fetched is a fetch that has ended.
type fetched struct {
	began  time.Time
	failed bool
	fresh  bool // it brought a whole set
	cold   bool // there was no usable set
	got    *delivery
}

// holding is the set that a source must hold by now.
type holding struct {
	document document
	began    time.Time
	read     time.Time
	interval time.Duration // in force
}

// stay is the time that a request took.
type stay struct{ from, to time.Time }

// urge is the first request that found a set due for a refresh with nothing in its way.
type urge struct {
	held *holding
	at   time.Time
}

func newWorld(l life) *world {
	return &world{
		life: l, born: time.Now(), good: true,
		since: map[signer]time.Time{}, named: map[string]time.Time{}, gone: map[signer]time.Time{},
		met: map[signer]bool{}, nagged: map[signer]time.Time{},
		issuer: modelled{validator: l.validator, latency: l.latency, slowest: l.latency, agreed: time.Now()},
		budget: missBudget, budgetAt: time.Now(),
	}
}

// violate notes a violation. w.mu is held.
func (w *world) violate(guarantee, format string, of ...any) {
	at := time.Since(w.born).String()
	w.violations = append(w.violations, violation{guarantee, at + ": " + fmt.Sprintf(format, of...)})
}

// interval is the one in force under a Cache-Control of the model's.
func (w *world) interval(cache string) time.Duration {
	var seconds int
	if _, err := fmt.Sscanf(cache, "max-age=%d", &seconds); err != nil {
		return w.life.interval
	}
	return min(w.life.interval, max(time.Minute, time.Duration(seconds)*time.Second))
}

// usable reports whether a set may be relied on.
func (w *world) usable(h *holding, now time.Time) bool {
	return h != nil && now.Sub(h.read) < w.life.maxStale
}

// FetchStarted implements [jwks.Observer]. The fetch before may have ended without
// that being told yet.
func (w *world) FetchStarted(e jwks.FetchStarted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.open = append(w.open, &fetched{began: now, cold: !w.usable(w.held, now)})
	w.began = append(w.began, now)
	if e.Cause != jwks.CauseScheduled {
		w.budget = max(0, w.tokens(now)-1)
	}
}

// deliver notes what the fetch under way, which is the last, is answered with. w.mu is
// held.
func (w *world) deliver(d *delivery) {
	if len(w.open) == 0 {
		w.violate("G7", "a request for keys that is no part of a fetch")
		return
	}
	w.open[len(w.open)-1].got = d
}

// pending lists what the fetches under way were answered with. w.mu is held.
func (w *world) pending() []*delivery {
	var all []*delivery
	for _, f := range w.open {
		if f.got != nil {
			all = append(all, f.got)
		}
	}
	return all
}

// landed takes the fetch which an event is about off the open ones. w.mu is held.
func (w *world) landed(e jwks.FetchFinished) (fetched, bool) {
	began, failed := time.Now().Add(-e.Duration), e.Outcome == jwks.OutcomeFailed
	i := slices.IndexFunc(w.open, func(f *fetched) bool { return f.began.Equal(began) && (f.got == nil) == failed })
	if i < 0 {
		return fetched{}, false
	}
	f := *w.open[i]
	f.failed = failed
	w.open = slices.Delete(w.open, i, i+1)
	return f, true
}

// tokens estimates the budget for unknown kids. w.mu is held.
func (w *world) tokens(now time.Time) float64 {
	w.budget = min(missBudget, w.budget+float64(now.Sub(w.budgetAt))/float64(w.life.cooldown))
	w.budgetAt = now
	return w.budget
}

// FetchFinished implements [jwks.Observer].
func (w *world) FetchFinished(e jwks.FetchFinished) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, known := w.landed(e)
	switch {
	case !known:
		w.violate("G3", "a fetch %s (%v), which is not what the issuer sent", e.Outcome, e.Err)
		return
	case f.failed:
		w.failures++
		w.failedAt, w.good = time.Now(), false
		w.budget = min(missBudget, w.budget+1)
	case f.got.fresh:
		w.good, f.fresh = true, true
		w.landings++
		w.probed = time.Time{}
		w.held = &holding{f.got.document, f.began, f.began, w.interval(f.got.cache)}
	default:
		w.good = true
		w.landings++
		next := *w.held
		if next.began = f.began; f.got.cache != "" {
			next.interval = w.interval(f.got.cache)
		}
		w.held = &next
		clear(w.nagged) // a 304 says nothing of other keys under the same kids
	}
	w.ended = append(w.ended, f)
}

// claim is a request with a token.
type claim struct {
	signer
	kind  claimKind
	leave time.Duration // when the caller gives up, or 0
}

// claimKind is what is special about a token.
type claimKind int

const (
	proper    claimKind = iota // signed by the signer
	anonymous                  // it could be signed by anybody: only the kid counts
	forged                     // its signature is bad
	foreign                    // of an algorithm that no key is for
)

// visit is what there was when a request came.
type visit struct {
	claim
	start    time.Time
	held     *holding
	pending  []*delivery
	landings int
	failures int
	failedAt time.Time
	good     bool
	crowded  bool // there is no waiting place
}

// arrive notes that a request comes.
func (w *world) arrive(c claim) visit {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	v := visit{
		claim: c, start: now, held: w.held, pending: w.pending(), landings: w.landings,
		failures: w.failures, failedAt: w.failedAt, good: w.good, crowded: w.waiting >= mostWaiting,
	}
	w.waiting++
	if w.usable(w.held, now) && w.held.document.names(c.kid) {
		w.urge(now)
	}
	return v
}

// urge notes a request that must make the source refresh a set that is due. w.mu is
// held.
func (w *world) urge(now time.Time) {
	rested := max(longestWait, min(longestDelay, w.life.interval))
	due := now.Sub(w.held.began) >= w.held.interval+w.held.interval/10
	if due && w.issuer.well(now.Add(-rested)) && w.urged.held != w.held {
		w.urged = urge{w.held, now}
	}
}

// request sends a token and judges the answer. A verifier asks for a new look where
// the keys did not do.
func (w *world) request(c claim) {
	ctx := w.ctx
	if c.leave > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.leave)
		defer stop()
	}
	v := w.arrive(c)
	alg := verifier.ES256
	if c.kind == foreign {
		alg = verifier.EdDSA
	}
	keys, err := w.keys.Keys(ctx, c.kid, alg)
	end := time.Now()
	got := w.verify(c, keys, err)
	if got == unknown && len(keys) > 0 {
		w.keys.Recheck()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting--
	v.crowded = v.crowded || w.waiting >= mostWaiting // others may have come in first
	if got != found || end.After(v.start) || !w.known(v) {
		w.provoked = append(w.provoked, stay{v.start, end})
	}
	w.judge(v, got, end)
}

// send lets a request go, and does not wait for its answer.
func (w *world) send(c claim) { w.asked.Go(func() { w.request(c) }) }

// verify is what a verifier makes of the keys.
func (w *world) verify(c claim, keys []*verifier.Key, err error) answer {
	switch {
	case errors.Is(err, context.DeadlineExceeded) && c.leave > 0:
		return gone
	case err != nil:
		return unavailable
	case c.kind == anonymous && len(keys) > 0:
		return found
	case c.kind == proper && slices.ContainsFunc(keys, func(k *verifier.Key) bool {
		return k.Thumbprint() == materials()[c.key].thumbprint
	}):
		return found
	}
	return unknown
}

// judge holds an answer against the guarantees. w.mu is held.
func (w *world) judge(v visit, got answer, end time.Time) {
	w.judgeWait(v, got, end)
	if got == gone || v.kind == forged || v.kind == foreign {
		return
	}
	if got == found {
		w.met[v.signer] = true
		delete(w.nagged, v.signer)
		w.judgeAcceptance(v, end)
		return
	}
	switch {
	case w.mustHold(v, end):
		w.violate("G5", "%s got %s, though its key is held", v.kid, got)
	case got == unavailable && w.mustKnow(v, end):
		w.violate("G8", "%s got %s, though there is a set and the issuer answers", v.kid, got)
	default:
		w.judgeRefusal(v, got)
	}
	w.forget(v.signer)
}

// judgeWait: G4, nobody waits longer than 5 s, nor with a known kid longer than 1 s,
// and then only after idling, and not where a fetch failed lately.
func (w *world) judgeWait(v visit, got answer, end time.Time) {
	took := end.Sub(v.start)
	if took > longestWait {
		w.violate("G4", "%q waited for %v", v.kid, took)
	}
	if !w.known(v) || took == 0 {
		return
	}
	if age := v.start.Sub(v.held.began); age < 2*v.held.interval {
		w.violate("G4", "%q, which is known, waited for %v under a set of %v", v.kid, took, age)
	}
	if !v.failedAt.IsZero() && v.start.Sub(v.failedAt) < failedLately {
		w.violate("G4", "%q, which is known, waited for %v, and a fetch failed %v before", v.kid, took, v.start.Sub(v.failedAt))
	}
	if took > knownKidWait && w.usable(v.held, v.start.Add(knownKidWait)) && w.still(v.kid, v.start) {
		w.violate("G4", "%q, which is known, waited for %v and got %s", v.kid, took, got)
	}
}

// known reports whether the source knows the kid when the request comes.
func (w *world) known(v visit) bool {
	without := func(d *delivery) bool { return !d.document.names(v.kid) }
	return w.usable(v.held, v.start) && v.held.document.names(v.kid) && !slices.ContainsFunc(v.pending, without)
}

// still reports whether every answer to a fetch that could be under way has the kid.
func (w *world) still(kid string, at time.Time) bool {
	since, named := w.named[kid]
	lately := at.Add(-longestWait)
	return named && !since.After(lately) && w.agree(lately) || kid == ""
}

// agree reports whether all answers since then have had the same document.
func (w *world) agree(since time.Time) bool {
	return w.issuer.stale == nil && !w.issuer.agreed.After(since)
}

// mustHold reports whether the source held the key from start to end: G5.
func (w *world) mustHold(v visit, end time.Time) bool {
	if v.held == nil || w.landings > v.landings+1 {
		return false
	}
	for _, h := range []*holding{v.held, w.held} {
		if !w.usable(h, end) || !h.document.has(v.signer) {
			return false
		}
	}
	return !slices.ContainsFunc(slices.Concat(v.pending, w.pending()), func(d *delivery) bool {
		return d.fresh && !d.document.has(v.signer)
	})
}

// mustKnow reports whether the source had a set, and the issuer was to be reached: G8.
func (w *world) mustKnow(v visit, end time.Time) bool {
	if !w.usable(v.held, end) || !w.usable(w.held, end) || !w.issuer.well(v.start) {
		return false
	}
	reached := v.good && v.failures == w.failures
	return reached || w.issuer.well(v.start.Add(-longestWait)) && !v.crowded
}

// judgeRefusal: G6, a cold source serves within 5 s of an outage and one fetch; G1, a
// new key is accepted within one cooldown and one fetch.
func (w *world) judgeRefusal(v visit, got answer) {
	published, good := w.since[v.signer]
	if !good || v.kind != proper || v.crowded {
		return
	}
	since := later(published, later(w.issuer.repaired, w.issuer.agreed))
	late := v.start.Sub(since)
	stubborn := w.issuer.validator == stubbornETag
	switch {
	case w.issuer.wrong != none || w.issuer.stale != nil:
	case stubborn && w.issuer.slowest > longestWait/2:
		// The fetch under way may get a 304, and then nobody waits for a second one.
	case !w.usable(v.held, v.start):
		if late >= longestWait {
			w.violate("G6", "%s got %s, %v after it could be had", v.kid, got, late)
		}
	case late < w.life.cooldown:
	case !v.held.document.names(v.kid):
		w.violate("G1", "%s got %s, %v after it was published and could be had", v.kid, got, late)
	default:
		// The held set knows the kid with another key: the first refusal makes it look.
		first, nagged := w.nagged[v.signer]
		if !nagged || first.Sub(since) < w.life.cooldown {
			w.nagged[v.signer] = v.start
		} else if v.start.Sub(first) > w.issuer.slowest {
			w.violate("G1", "%s, with another key, got %s, %v after it was published and %v after it was refused", v.kid, got, late, v.start.Sub(first))
		}
	}
}

// judgeAcceptance: G3, a withdrawn key stops.
func (w *world) judgeAcceptance(v visit, end time.Time) {
	if v.held == w.held && v.held != nil && len(w.pending()) == 0 && v.start.Sub(v.held.read) >= w.life.maxStale {
		w.violate("G3", "%q works under a set that was read %v ago", v.kid, v.start.Sub(v.held.read))
	}
	withdrawn, is := w.gone[v.signer]
	if !is || v.kind != proper || w.held == nil || w.issuer.stale != nil {
		return
	}
	interval := w.held.interval
	if v.held != nil {
		interval = max(interval, v.held.interval)
	}
	since := later(withdrawn, w.issuer.agreed)
	limit := since.Add(2*interval + w.issuer.slowest)
	if w.issuer.validator == stubbornETag {
		limit = limit.Add(trustUnread)
	}
	if v.start.Before(limit) || !w.issuer.well(v.start) {
		return
	}
	// Requests wait for a fetch that takes no longer than a second, unless one failed lately.
	failed := !w.failedAt.IsZero() && v.start.Sub(w.failedAt) < failedLately || w.doomed()
	quick := w.issuer.slowest <= knownKidWait && !failed && !v.crowded
	// Otherwise it stops one fetch after the first request.
	refreshed := v.held == w.held && w.urged.held == v.held && v.start.Sub(w.urged.at) > w.issuer.slowest
	if quick || refreshed {
		w.violate("G3", "%s works %v after it was withdrawn", v.kid, v.start.Sub(since))
	}
}

// doomed reports whether a fetch that began before the issuer was repaired may have
// failed by now.
func (w *world) doomed() bool {
	return slices.ContainsFunc(w.open, func(f *fetched) bool { return f.got == nil && !f.began.After(w.issuer.repaired) })
}

// forget drops a withdrawn key that has stopped.
func (w *world) forget(s signer) {
	if w.issuer.stale == nil && w.held != nil && !w.held.document.has(s) {
		delete(w.gone, s)
	}
}

// probe asks whether the source is ready. Nothing else runs meanwhile.
func (w *world) probe() {
	w.mu.Lock()
	now := time.Now()
	usable := w.usable(w.held, now)
	if usable {
		w.urge(now)
	}
	w.mu.Unlock()
	err := w.keys.Ready()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judgeProbe(now, usable, err)
}

// judgeProbe: G6, a source serves within 5 s of an outage and one fetch, a probe being
// enough; and readiness is having a usable set.
func (w *world) judgeProbe(now time.Time, usable bool, err error) {
	switch {
	case usable && err != nil:
		w.violate("G5", "not ready with a usable set: %v", err)
	case !usable && err == nil:
		w.violate("G3", "ready without a usable set")
	}
	if usable || !w.issuer.well(now.Add(-longestWait)) {
		w.probed = time.Time{}
		return
	}
	if w.probed.IsZero() {
		w.probed = now
	}
	if now.Sub(w.probed) > w.issuer.slowest {
		w.violate("G6", "not ready %v after the outage and %v after a probe: %v", now.Sub(w.issuer.repaired), now.Sub(w.probed), err)
	}
}

// settle lets all that happens at this time happen, and checks G7.
func (w *world) settle() {
	synctest.Wait()
	absent := w.keys.Absent()
	w.mu.Lock()
	defer w.mu.Unlock()
	if absent > mostAbsent {
		w.violate("G7", "%d kids are remembered", absent)
	}
	if w.waiting > mostWaiting {
		w.violate("G7", "%d requests wait", w.waiting)
	}
}

// broken reports whether a guarantee has not held.
func (w *world) broken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.violations) > 0
}

// close checks what holds of a whole life.
func (w *world) close() []violation {
	w.repair()
	w.rest(longestWait)
	if !w.broken() {
		w.probe() // G6, and nothing but a probe
		w.settle()
		w.rest(w.issuer.slowest + 1)
		w.probe()
		w.rest(w.life.cooldown)
		for range 2 { // a kid that is held with another key needs a second look: G1
			w.sendAll(w.signers(w.since))
			w.rest(w.issuer.slowest + 1)
		}
	}
	w.rest(2 * longestWait)
	w.asked.Wait()
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	if left := goroutines("jwks.(*Remote)"); left > 0 {
		w.violate("G7", "%d goroutines are left", left)
	}
	w.judgeFetches()
	return w.violations
}

// goroutines counts those with a function on their stack.
func goroutines(function string) int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, function) {
			n++
		}
	}
	return n
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
