package jwks_test

import (
	"encoding/json"
	jsonv2 "encoding/json/v2"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestStatusOfAColdSource(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		got := s.json()
		want := `{"issuer":"` + s.idp.URL() + `","usable":false,"restored":false,"age_seconds":0,"keys":[],"fetching":false,"unknown_kids":{"budget":3,"absent":0}}`
		if got != want {
			s.Errorf("status %s, want %s", got, want)
		}
	})
}

// json is the status as an operator's page would show it.
func (s *source) json() string {
	s.Helper()
	data, err := json.Marshal(s.keys.Status())
	if err != nil {
		s.Fatal(err)
	}
	return string(data)
}

func TestStatusTellsAgeKeysAndSkippedKeys(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		odd := s.idp.AddKey(verifier.EdDSA)
		odd.SetMember("use", "enc")
		start := time.Now()
		s.warm()
		s.after(90 * time.Second)
		status := s.keys.Status()
		if !status.Usable || status.AgeSeconds != 90 || !status.FetchedAt.Equal(start) || !status.NextRefresh.Equal(start.Add(5*time.Minute)) {
			s.Errorf("status %+v", status)
		}
		if len(status.Keys) != 1 || status.Keys[0].Algorithm != "ES256" || len(status.Keys[0].Thumbprint) != 43 {
			s.Errorf("keys %+v", status.Keys)
		}
		if len(status.Skipped) != 1 || status.Skipped[0] != (jwks.SkippedKey{Index: 1, ID: odd.ID(), Reason: "use is not sig"}) {
			s.Errorf("skipped %+v", status.Skipped)
		}
		if s.keys.Status(); s.fetches() != 1 {
			s.Error("Status fetches")
		}
		for _, part := range []string{`"usable":true`, `"age_seconds":90`, `"fetched_at":"2000-01-01T`, `"next_refresh":"2000-01-01T`, `"thumbprint":"`, `"reason":"use is not sig"`, `"url":"` + s.idp.KeySet().URL() + `"`} {
			if !strings.Contains(s.json(), part) {
				s.Errorf("status %s lacks %s", s.json(), part)
			}
		}
	})
}

func TestStatusTellsOfFailuresAndTheNextAttempt(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0 })
		s.idp.KeySet().Break(issuertest.Status(418))
		s.ask(s.kid())
		s.after(time.Second)
		s.ask(s.kid())
		status := s.keys.Status()
		if status.Failures != 2 || !strings.Contains(status.LastError, "status 418") || !status.NextRefresh.Equal(time.Now().Add(2*time.Second)) {
			s.Errorf("status %+v", status)
		}
		s.idp.Repair()
		s.after(2 * time.Second)
		s.warm()
		if status := s.keys.Status(); status.Failures != 0 || status.LastError != "" {
			s.Errorf("after the recovery: %+v", status)
		}
	})
}

func TestStatusIsACopy(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.AddKey(verifier.EdDSA).SetMember("use", "enc")
		s.warm()
		first := s.keys.Status()
		first.Keys[0].ID, first.Skipped[0].Reason = "changed", "changed"
		if again := s.keys.Status(); again.Keys[0].ID == "changed" || again.Skipped[0].Reason == "changed" {
			s.Error("a caller changes the source")
		}
	})
}

// Each member is there when it has something to say, under both encoders.
func TestStatusAsJSON(t *testing.T) {
	restarting(t, jwks.Options{}, func(r *restarted) {
		r.idp.AddKey(verifier.EdDSA).SetMember("use", "enc")
		for range 5 {
			r.idp.Publish(r.idp.NewKey(verifier.ES256))
		}
		r.idp.Break(issuertest.Status(418))
		r.restart()
		r.ask("")
		for name, marshal := range map[string]func(any) ([]byte, error){
			"encoding/json":    json.Marshal,
			"encoding/json/v2": func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
		} {
			status := r.keys.Status()
			status.Crowded, status.FailedOver, status.URL = []string{"a"}, "b", "c"
			status.Skipped = []jwks.SkippedKey{{Index: 1, ID: "d", Reason: "e"}}
			text, err := marshal(status)
			if err != nil {
				r.Fatal(name, err)
			}
			var members map[string]any
			if err := json.Unmarshal(text, &members); err != nil {
				r.Fatal(name, err)
			}
			want := []string{
				"age_seconds", "crowded", "failed_over", "failures", "fetched_at", "fetching", "issuer", "keys", "last_error",
				"last_fetch", "next_refresh", "restored", "skipped", "unknown_kids", "url", "usable", "usable_until",
			}
			if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
				r.Errorf("%s: members %q, want %q", name, got, want)
			}
			for member, want := range map[string]string{
				"usable":       "true",
				"restored":     "true",
				"fetching":     "false",
				"last_fetch":   "map[began:2000-01-01T00:00:00Z cause:cold ended:2000-01-01T00:00:00Z outcome:failed seconds:0]",
				"unknown_kids": "map[absent:0 budget:3]",
				"usable_until": "2000-01-02T00:00:00Z",
				"skipped":      "[map[index:1 kid:d reason:e]]",
			} {
				if got := fmt.Sprint(members[member]); got != want {
					r.Errorf("%s: %s is %s, want %s", name, member, got, want)
				}
			}
			var again jwks.Status
			if err := json.Unmarshal(text, &again); err != nil || *again.UnknownKIDs != *status.UnknownKIDs || !again.LastFetch.Began.Equal(status.LastFetch.Began) || again.LastFetch.Outcome != jwks.OutcomeFailed {
				r.Errorf("%s: read back as %+v, %v", name, again, err)
			}
		}
	})
}

func TestStatusTellsOfTheFetchUnderWayAndOfTheLast(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		start := time.Now()
		s.idp.KeySet().Break(slow(1500 * time.Millisecond))
		_ = s.keys.Ready()
		s.after(time.Second)
		if status := s.keys.Status(); !status.Fetching || status.LastFetch != (jwks.FetchStatus{}) {
			s.Errorf("under way: %+v", status)
		}
		s.after(time.Second)
		want := jwks.FetchStatus{Began: start, Ended: start.Add(1500 * time.Millisecond), Seconds: 1.5, Cause: jwks.CauseCold, Outcome: jwks.OutcomeFetched}
		if status := s.keys.Status(); status.Fetching || status.LastFetch != want {
			s.Errorf("got %+v, want %+v", status, want)
		}
		s.idp.KeySet().Break(issuertest.Status(418))
		s.after(time.Second)
		s.ask("a")
		if got := s.keys.Status().LastFetch; got.Outcome != jwks.OutcomeFailed || got.Cause != jwks.CauseUnknownKID || !got.Began.Equal(start.Add(3*time.Second)) {
			s.Errorf("got %+v", got)
		}
	})
}

func TestStatusTellsHowLongTheSetIsUsable(t *testing.T) {
	bubble(t, jwks.Options{MaxStale: time.Hour}, func(s *source) {
		start := time.Now()
		s.idp.KeySet().SetHeader("ETag", `"a"`)
		s.warm()
		s.after(5 * time.Minute)
		s.ask(s.kid())
		s.after(time.Second)
		// A 304 renews the set, and does not put MaxStale off.
		if status := s.keys.Status(); status.LastFetch.Outcome != jwks.OutcomeUnchanged || !status.UsableUntil.Equal(start.Add(time.Hour)) || status.AgeSeconds != 1 {
			s.Errorf("status %+v", status)
		}
	})
}

func TestStatusTellsWhatIsLeftForUnknownKids(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Hour}, func(s *source) {
		s.warm()
		want := func(budget, absent int) {
			s.Helper()
			if got := *s.keys.Status().UnknownKIDs; got != (jwks.UnknownKIDStatus{Budget: budget, Absent: absent}) {
				s.Errorf("got %+v, want %d and %d", got, budget, absent)
			}
		}
		want(2, 0) // the cold fetch took one
		s.expect("a", unknown, 1, 0)
		s.expect("b", unknown, 1, 0)
		want(0, 2)
		s.after(10*time.Second - time.Nanosecond)
		want(0, 2)
		s.after(time.Nanosecond)
		want(1, 0)
		s.after(time.Hour)
		want(3, 0)
		s.expect("c", unknown, 1, 0)
		want(2, 1)
	})
}
