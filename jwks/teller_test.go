package jwks_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
)

// Say because nobody reads its pipe.
func TestObserverThatHangsLeavesNoGoroutinesBehindAndIsToldHowItEnded(t *testing.T) {
	w := &witness{}
	bubble(t, jwks.Options{Observer: w}, func(s *source) {
		gate := make(chan struct{})
		w.met = func(event any) {
			if _, ok := event.(jwks.FetchFinished); ok {
				<-gate
			}
		}
		for i := range 360 {
			if i%30 == 0 {
				old := s.idp.Key()
				s.idp.Rotate()
				s.idp.Withdraw(old)
			}
			if i == 359 {
				s.idp.Break(issuertest.Status(503))
			}
			s.ask(fmt.Sprint("stranger ", i))
			s.after(10 * time.Second)
		}
		if n := strings.Count(running(), "jwks.(*Remote).fly("); n != 1 {
			s.Errorf("%d goroutines of %d fetches", n, s.fetches())
		}
		close(gate)
		synctest.Wait()
		if strings.Contains(running(), "jwks.(*Remote).fly(") {
			s.Error("a goroutine is left")
		}
		ends := seen[jwks.FetchFinished](w)
		if n := len(ends); n != 17 || ends[n-1].Outcome != jwks.OutcomeFailed || ends[n-1].Failures != 1 {
			s.Errorf("told of %d fetches, the last of them %+v", n, ends[n-1])
		}
		held := map[string]bool{}
		for _, news := range seen[keyNews](w) {
			if held[news.Key.ID] == (news.what == "added") {
				s.Errorf("%s is %s without need", news.Key.ID, news.what)
			}
			if held[news.Key.ID] = true; news.what == "removed" {
				delete(held, news.Key.ID)
			}
		}
		if !held[s.kid()] || len(held) != 1 {
			s.Errorf("by what was told the keys are %v, and not %s", held, s.kid())
		}
	})
}
