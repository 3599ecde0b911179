package jwks_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// history is one random life of a source: its issuer rotates, withdraws keys, fails,
// hangs and recovers, while clients send good tokens, new ones and floods. The
// guarantees of the policy are checked at each step.
type history struct {
	*source
	random *rand.Rand
	fetch  *recorder
	what   []string // happened

	keys     []*issuertest.Key
	pending  map[*issuertest.Key]time.Time // published, and not accepted yet
	gone     map[*issuertest.Key]time.Time // withdrawn, and not refused yet
	headers  headers
	broken   bool
	repaired time.Time // the end of the last outage
	outages  int
	rotated  int
	cooldown time.Duration
	interval time.Duration
	shortest time.Duration // what the interval can be shortened to
	asked    time.Time     // the last time at which every held key was asked for
}

// headers are how an issuer answers about the freshness of its keys.
type headers int

const (
	noHeaders    headers = iota
	goodETag             // changes with the set
	stubbornETag         // never changes, so that a conditional fetch always gets a 304
	goodAll              // as goodETag, and Cache-Control at random
	stubbornAll          // as stubbornETag, and Cache-Control at random
)

// stubborn tells issuers that answer 304 for ever.
func (h headers) stubborn() bool { return h == stubbornETag || h == stubbornAll }

// cached tells issuers that send Cache-Control.
func (h headers) cached() bool { return h == goodAll || h == stubbornAll }

// recorder notes the fetches of a key set.
type recorder struct {
	http.RoundTripper
	path string

	mu     sync.Mutex // guards what follows
	began  []time.Time
	failed int
	last   time.Time // the end of the last fetch that failed
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Path != r.path {
		return r.RoundTripper.RoundTrip(request)
	}
	r.mu.Lock()
	r.began = append(r.began, time.Now())
	r.mu.Unlock()
	response, err := r.RoundTripper.RoundTrip(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && response.StatusCode == http.StatusNotModified && request.Header.Get("If-None-Match")+request.Header.Get("If-Modified-Since") != "":
	case err != nil || response.StatusCode != http.StatusOK || response.ContentLength <= 2: // garbage, or none, below
		r.failed++
		r.last = time.Now()
	}
	return response, err
}

func (r *recorder) counts() (began []time.Time, failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.began), r.failed
}

// failedLately reports whether a fetch failed in the last two minutes.
func (r *recorder) failedLately() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.last.IsZero() && time.Since(r.last) < 2*time.Minute
}

func TestGuaranteesHoldInRandomHistories(t *testing.T) {
	lives, steps := 60, 120
	if testing.Short() {
		lives = 20
	}
	for seed := range lives {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t, uint64(seed))
				for range steps {
					h.step()
					if t.Failed() {
						t.Fatalf("history: %q", h.what)
					}
				}
				h.end()
				if t.Failed() {
					t.Fatalf("history: %q", h.what)
				}
			})
		})
	}
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{
		random:   rand.New(rand.NewPCG(seed, 7)),
		pending:  map[*issuertest.Key]time.Time{},
		gone:     map[*issuertest.Key]time.Time{},
		headers:  headers(seed / 6 % uint64(stubbornAll+1)), // each with each kind of source below
		cooldown: 10 * time.Second,
		interval: []time.Duration{5 * time.Minute, 20 * time.Second}[seed%2],
	}
	h.shortest = h.interval
	if h.headers.cached() {
		h.shortest = min(h.interval, time.Minute)
	}
	o := jwks.Options{Interval: h.interval, Cooldown: h.cooldown, MaxStale: 24 * time.Hour}
	h.source = newSource(t, &o)
	client := *o.Client
	h.fetch = &recorder{RoundTripper: client.Transport, path: "/keys"}
	o.Client = &client
	client.Transport = h.fetch
	keys, err := jwks.NewRemote(h.idp.KeySet().URL(), &o)
	if seed%3 == 0 {
		keys, err = jwks.Discover(h.idp.URL(), &o)
	}
	h.use(keys, err)
	h.source.keys.SetRandom(rand.New(rand.NewPCG(seed, 8)).Float64) // one fetch at a time draws from it
	h.keys = []*issuertest.Key{h.idp.Key()}
	h.mark()
	if seed%5 != 0 {
		h.warm()
	}
	return h
}

func (h *history) happened(format string, of ...any) {
	h.what = append(h.what, time.Now().Format("04:05.000 ")+fmt.Sprintf(format, of...))
}

// step lets something happen, and something else be asked.
func (h *history) step() {
	switch n := h.random.IntN(20); {
	case n < 3:
		h.rotate()
	case n < 4 && len(h.keys) > 1:
		h.withdraw()
	case n < 6 && !h.broken:
		h.fail()
	case n < 11 && h.broken:
		h.repair()
	case n < 12:
		h.source.keys.Recheck()
		_ = h.source.keys.Ready()
	}
	h.askForWithdrawnKeys() // before others make the source look
	if h.random.IntN(2) == 0 {
		h.sendFlood()
	}
	h.askForHeldKeys()
	h.askForPendingKeys()
	h.after(time.Duration(h.random.Int64N(int64(3 * time.Second))))
	if h.random.IntN(30) == 0 {
		h.pause()
	}
	h.checkCeiling()
}

// pause lets nobody ask for a while.
func (h *history) pause() {
	pause := []time.Duration{h.interval, 2 * h.interval, 3 * h.interval, 70 * time.Minute}[h.random.IntN(4)]
	h.happened("a pause of %v", pause)
	h.after(pause)
}

// mark sets the header fields of answers, after each change of the set.
func (h *history) mark() {
	keys := h.idp.KeySet()
	switch h.headers {
	case noHeaders:
	case goodETag, goodAll:
		keys.SetHeader("ETag", fmt.Sprintf(`"%x"`, h.random.Uint64()))
	case stubbornETag, stubbornAll:
		keys.SetHeader("ETag", `"a"`)
	}
	if h.headers.cached() {
		values := []string{"", "no-cache", "max-age=0", "public, max-age=75", "max-age=86400", "max-age=nonsense"}
		keys.SetHeader("Cache-Control", values[h.random.IntN(len(values))])
	}
}

func (h *history) withdraw() {
	key := h.keys[0]
	h.keys = h.keys[1:]
	delete(h.pending, key)
	h.gone[key] = time.Now()
	h.idp.Withdraw(key)
	h.mark()
	h.happened("withdrawn %s", key.ID())
	if h.random.IntN(2) == 0 {
		h.pause()
	}
}

func (h *history) rotate() {
	key := h.idp.AddKey(verifier.ES256)
	h.rotated++
	h.keys = append(h.keys, key)
	h.pending[key] = time.Now()
	h.mark()
	h.happened("published %s", key.ID())
}

func (h *history) fail() {
	h.broken = true
	h.outages++
	faults := map[string]issuertest.Fault{
		"status 500": issuertest.Status(500), "a hang": issuertest.Hang(), "garbage": issuertest.Body("text/plain", "no"),
		"a redirect":   issuertest.RedirectTo("https://elsewhere.example.com/keys"),
		"slow answers": slow(time.Duration(h.random.Int64N(int64(3 * time.Second)))),
	}
	names := slices.Sorted(maps.Keys(faults))
	name := names[h.random.IntN(len(names))]
	h.idp.KeySet().Break(faults[name])
	h.happened("broken by %s", name)
}

func (h *history) repair() {
	h.broken = false
	h.repaired = time.Now()
	h.idp.Repair()
	synctest.Wait() // until a fetch that hung has ended
	h.happened("repaired")
}

// sendFlood sends random kids at the same time. G8: none is a 5xx while the issuer
// answers and there is a set. G4: none waits longer than 5 s.
func (h *history) sendFlood() {
	healthy := !h.broken && time.Since(h.repaired) >= 5*time.Second && h.source.keys.Status().Usable
	start := time.Now()
	got := h.many(20, func(int) string {
		return fmt.Sprint("random-", rand.Uint64()) // concurrent: h.random is not for that
	})
	if took := time.Since(start); took > 5*time.Second {
		h.Errorf("G4: a request of the flood waited for %v", took)
	}
	if healthy && got[unavailable] > 0 {
		h.Errorf("G8: %d of a flood got 503 while the issuer answers", got[unavailable])
	}
	if got[found]+got[gone] > 0 {
		h.Errorf("a random kid got %v", got)
	}
	h.happened("flood: %v", got)
}

// askForHeldKeys: G5, a published key of the held set is never refused, nor is another
// while the set has it. G4: a second is the longest wait for it, and only after idling.
func (h *history) askForHeldKeys() {
	for _, key := range h.source.keys.Status().Keys {
		start, age := time.Now(), h.source.keys.Status().AgeSeconds
		if got := h.ask(key.ID); got != found && (h.published(key.ID) || h.holds(key.ID)) {
			h.Errorf("G5: held key %s: %s", key.ID, got)
		}
		took := time.Since(start)
		if idle := age >= int(2*h.shortest/time.Second); took > time.Second && h.published(key.ID) || took > 0 && !idle {
			h.Errorf("G4: a request with a known kid waited for %v, under a set that was %d s old", took, age)
		}
	}
	h.asked = time.Now()
	synctest.Wait()
}

func (h *history) published(kid string) bool {
	return slices.ContainsFunc(h.keys, func(key *issuertest.Key) bool { return key.ID() == kid })
}

func (h *history) holds(kid string) bool {
	return slices.ContainsFunc(h.source.keys.Status().Keys, func(key jwks.KeyStatus) bool { return key.ID == kid })
}

// askForWithdrawnKeys: G3, a withdrawn key is refused after twice the interval (and an
// hour, if the issuer answers 304 for ever), while the issuer answers. Where requests
// do not wait for that, because a fetch failed lately, it is one fetch later.
func (h *history) askForWithdrawnKeys() {
	for _, key := range slices.SortedFunc(maps.Keys(h.gone), byID) {
		start, lately := time.Now(), h.fetch.failedLately()
		if h.ask(key.ID()) != found {
			delete(h.gone, key)
			h.happened("refused %s", key.ID())
			continue
		}
		last := h.gone[key].Add(2 * h.interval)
		if h.headers.stubborn() {
			last = last.Add(time.Hour)
		}
		if lately {
			// The delay of an attempt that failed must be over, a request have come after
			// it, and a fetch ended.
			if last = later(last, h.repaired.Add(min(time.Minute, h.interval))); h.asked.Before(last) {
				continue
			}
		}
		if !h.broken && !start.Before(last) {
			h.Errorf("G3: key %s works %v after it was withdrawn and %v after the last outage", key.ID(), start.Sub(h.gone[key]), start.Sub(h.repaired))
		}
	}
}

func byID(a, b *issuertest.Key) int { return strings.Compare(a.ID(), b.ID()) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// askForPendingKeys: G1, a new key is accepted within 10 s and one fetch of when it
// was published and the issuer answers.
func (h *history) askForPendingKeys() {
	for _, key := range h.keys {
		published, pending := h.pending[key]
		if !pending {
			continue
		}
		start := time.Now()
		got := h.ask(key.ID())
		if took := time.Since(start); took > 5*time.Second {
			h.Errorf("G4: a request with a new kid waited for %v", took)
		}
		if got == found {
			delete(h.pending, key)
			h.happened("accepted %s", key.ID())
			continue
		}
		since := published
		if h.repaired.After(since) {
			since = h.repaired
		}
		if !h.broken && start.Sub(since) >= h.cooldown {
			h.Errorf("G1: new key %s got %s, %v after it was published and could be had", key.ID(), got, start.Sub(since))
		}
	}
}

// checkCeiling: G2, never more than 10 fetches and one a second.
func (h *history) checkCeiling() {
	began, _ := h.fetch.counts()
	for first := range began {
		span := began[len(began)-1].Sub(began[first])
		if n := len(began) - first; n > 10+int(span/time.Second)+1 {
			h.Errorf("G2: %d fetches in %v", n, span)
		}
	}
}

// end checks what holds of a whole history.
func (h *history) end() {
	if h.broken {
		h.repair()
	}
	h.after(5 * time.Second)
	if err := h.source.keys.Warm(h.Context()); err != nil { // G6
		h.Errorf("G6: not usable 5 s after an outage: %v", err)
	}
	h.after(h.interval + h.interval/5)
	_ = h.source.keys.Ready()
	synctest.Wait()
	began, failed := h.fetch.counts()
	span := time.Since(began[0])
	scheduled := int(span/(h.shortest*9/10)) + 1
	if most := 1 + 3 + int(span/h.cooldown) + scheduled + h.rotated; len(began)-failed > most {
		h.Errorf("G2: %d good fetches in %v, want at most %d", len(began)-failed, span, most)
	}
	// The delays are 1, 2 and 4 s, a tenth shorter at most, and then 5 s.
	if most := 4*h.outages + int(span/(4500*time.Millisecond)); failed > most {
		h.Errorf("G2: %d failed fetches in %v with %d outages, want at most %d", failed, span, h.outages, most)
	}
	if n := h.source.keys.Absent(); n > 256 {
		h.Errorf("G7: %d kids remembered", n)
	}
	for _, key := range h.keys {
		if got := h.ask(key.ID()); got != found {
			h.Errorf("a published key got %s in the end", got)
		}
	}
	h.after(2*h.interval + time.Hour) // no more than a pause, for most issuers
	h.askForWithdrawnKeys()
	for _, key := range h.source.keys.Status().Keys {
		if !h.published(key.ID) {
			h.Errorf("G3: key %s is withdrawn and held", key.ID)
		}
	}
}
