package jwks_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
)

// connections is how many clients of a flood send at the same time.
const connections = 3000

// flood is many clients that send tokens under random kids, each once a second.
type flood struct {
	*source
	clients sync.WaitGroup
	stop    context.CancelFunc

	longest  atomic.Int64 // wait of a request, in nanoseconds
	answered [2]atomic.Int64
}

func (s *source) beginFlood() *flood {
	ctx, stop := context.WithCancel(s.Context())
	f := &flood{source: s, stop: stop}
	for range connections {
		f.clients.Go(func() {
			time.Sleep(rand.N(time.Second))
			for ctx.Err() == nil {
				f.send()
				time.Sleep(time.Second)
			}
		})
	}
	return f
}

func (f *flood) send() {
	start := time.Now()
	switch got := f.ask(fmt.Sprint("random-", rand.Uint64())); got {
	case unknown:
		f.answered[0].Add(1)
	case unavailable:
		f.answered[1].Add(1)
	default:
		f.Errorf("a random kid got %s", got)
	}
	waited := int64(time.Since(start))
	for longest := f.longest.Load(); waited > longest && !f.longest.CompareAndSwap(longest, waited); {
		longest = f.longest.Load()
	}
}

// end ends the flood, and waits for its last requests.
func (f *flood) end() {
	f.stop()
	f.clients.Wait()
}

func TestFloodCausesThreeFetchesAndOneEachTenSeconds(t *testing.T) {
	const fetch, span = 200 * time.Millisecond, 40 * time.Second
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(time.Minute) // the budget is full
		s.idp.KeySet().Break(slow(fetch))
		before := s.fetches()
		f := s.beginFlood()
		for range span / time.Second {
			s.after(time.Second)
			s.expect(s.kid(), found, 0, 0) // who has a known kid notices nothing
		}
		f.end()
		if n := s.fetches() - before; n < 5 || n > 3+int(span/(10*time.Second)) {
			s.Errorf("%d fetches in %v, want at most 7", n, span)
		}
		// Each waits for the fetch under way and for one of its own: nobody queues.
		if longest := time.Duration(f.longest.Load()); longest > 2*fetch {
			s.Errorf("a request waited for %v", longest)
		}
		if a, b := f.answered[0].Load(), f.answered[1].Load(); a < connections*int64(span/time.Second)/2 || b > 0 {
			s.Errorf("%d requests got 401 and %d got 503", a, b)
		}
	})
}

func TestRotationDuringAFloodAndRightAfterItIsFollowed(t *testing.T) {
	const fetch, late = 200 * time.Millisecond, 10*time.Second + 2*200*time.Millisecond
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.idp.KeySet().Break(slow(fetch))
		follow := func(when string) {
			s.Helper()
			next, published := s.idp.Rotate().ID(), time.Now()
			for s.ask(next) != found {
				time.Sleep(100 * time.Millisecond)
				if took := time.Since(published); took > late {
					s.Fatalf("%s: the new key is not known after %v", when, took)
				}
			}
		}
		f := s.beginFlood()
		s.after(3 * time.Second)
		for i := range 3 {
			follow(fmt.Sprint("rotation ", i, " during the flood"))
		}
		f.end()
		follow("right after the flood")
	})
}

// When the flood has spent the budget, a rotation that was followed leaves it as it
// was, and so does the next.
func TestRotationsAreNotThrottledByEachOtherHoweverManyAsk(t *testing.T) {
	bubble(t, jwks.Options{Cooldown: time.Hour, Interval: time.Hour}, func(s *source) {
		s.warm()
		s.expect("a", unknown, 1, 0) // one is left
		for range 30 {
			next := s.idp.Rotate().ID()
			before := s.fetches()
			if got := s.many(200, func(int) string { return next }); got[found] != 200 {
				s.Errorf("answers %v, want a key for all", got)
			}
			if n := s.fetches() - before; n != 1 {
				s.Errorf("%d fetches for a rotation", n)
			}
			s.after(time.Second) // the ceiling
		}
		s.expect("b", unknown, 1, 0)
		s.expect("c", unknown, 0, 0)
	})
}

func TestNodesThatDisagreeStayUnderTheCeiling(t *testing.T) {
	const span = 60
	bubble(t, jwks.Options{}, func(s *source) {
		a := s.kid()
		first := s.idp.KeySet().Content()
		old := s.idp.Key()
		b := s.idp.Rotate().ID()
		s.idp.Withdraw(old)
		s.idp.KeySet().Break(issuertest.Nodes(first, s.idp.KeySet().Content()))
		s.warm()
		count := map[answer]int{}
		for range span * 20 {
			for kid, n := range map[string]int{a: 50, b: 50} {
				for got, n := range s.many(n, func(int) string { return kid }) {
					count[got] += n
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		if n := s.fetches(); n > 10+span || n < span/2 {
			s.Errorf("%d fetches in %d s, want at most 10 and one a second", n, span)
		}
		if count[unavailable] > 0 || count[found] < count[unknown]/2 {
			s.Errorf("answers %v", count)
		}
	})
}

func TestKidOfASkippedKeyIsNoFreeFetch(t *testing.T) {
	const span = 2 * time.Minute
	bubble(t, jwks.Options{Interval: time.Hour}, func(s *source) {
		held := s.kid()
		odd := s.idp.NewKey(s.idp.Key().Algorithm())
		odd.SetMember("use", "enc")
		s.idp.Publish(odd)
		s.warm()
		before := s.fetches()
		for range span / (100 * time.Millisecond) {
			start := time.Now()
			if got := s.many(20, func(int) string { return odd.ID() }); got[unknown] != 20 {
				s.Errorf("answers %v", got)
			}
			if took := time.Since(start); took != 0 {
				s.Errorf("a request waited for %v", took)
			}
			s.after(100 * time.Millisecond)
		}
		if n := s.fetches() - before; n > 3+int(span/(10*time.Second)) || n < 5 {
			s.Errorf("%d fetches in %v, want at most 15", n, span)
		}
		s.expect(held, found, 0, 0)
		s.spend() // what is left
		s.after(10 * time.Second)
		s.expect(odd.ID(), unknown, 1, 0)
		s.expect("a", unknown, 0, 0) // it took what came
	})
}

// At most 1,024 wait, 256 kids are remembered, and one goroutine fetches.
func TestFloodLeavesGoroutinesAndMemoryBounded(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.after(time.Minute)
		s.idp.KeySet().Break(slow(time.Second))
		before := runtime.NumGoroutine()
		var all sync.WaitGroup
		var done atomic.Int64
		for i := range 2 * connections {
			all.Go(func() {
				s.ask(fmt.Sprint("random-", i))
				done.Add(1)
			})
		}
		synctest.Wait()
		if waiting := 2*connections - done.Load(); waiting != 1024 {
			s.Errorf("%d requests wait, want 1024", waiting)
		}
		// One fetches, and a few are of the connection and the issuer behind it.
		if n := runtime.NumGoroutine() - before; n > 1024+16 {
			s.Errorf("%d goroutines for 1024 that wait", n)
		}
		all.Wait()
		s.after(time.Second)
		if n := runtime.NumGoroutine() - before; n > 16 {
			s.Errorf("%d goroutines are left", n)
		}
		if n := s.keys.Absent(); n != 256 {
			s.Errorf("%d kids are remembered, want 256", n)
		}
		if n := s.keys.Status().UnknownKIDs.Absent; n > 256 {
			s.Errorf("%d kids are remembered", n)
		}
	})
}

func TestFloodOfAColdSourceIsAnsweredWithTheFirstFetch(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.KeySet().Break(slow(time.Second))
		kid := s.kid()
		var all sync.WaitGroup
		all.Go(func() {
			if got := s.ask(kid); got != found {
				s.Errorf("the good token got %s", got)
			}
		})
		synctest.Wait()
		start := time.Now()
		got := s.many(connections, func(i int) string { return fmt.Sprint("random-", i) })
		all.Wait()
		if got[unknown]+got[unavailable] != connections || got[unknown] < 1000 || time.Since(start) > 2*time.Second {
			s.Errorf("answers %v after %v", got, time.Since(start))
		}
		if n := s.fetches(); n > 2 {
			s.Errorf("%d fetches, want the first and one more", n)
		}
	})
}
