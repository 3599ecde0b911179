package jwks_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestClockAheadIsTheDifferenceThatNothingElseExplains(t *testing.T) {
	date := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return date.Add(d) }
	for name, test := range map[string]struct {
		age             string
		asked, answered time.Time
		want            time.Duration
	}{
		"in the same moment":     {"", date, date, 0},
		"within the second":      {"", after(900 * time.Millisecond), after(999 * time.Millisecond), 0},
		"on the way":             {"", after(-2 * time.Second), after(3 * time.Second), 0},
		"just after the second":  {"", after(time.Second), after(time.Second), -500 * time.Millisecond},
		"ahead":                  {"", after(-time.Minute - time.Second), after(-time.Minute), time.Minute + time.Second},
		"behind":                 {"", after(time.Minute), after(time.Minute + time.Second), -time.Minute},
		"from a cache":           {"60", after(time.Minute), after(time.Minute), 0},
		"from a cache, behind":   {"60", after(2 * time.Minute), after(2 * time.Minute), -time.Minute + 500*time.Millisecond},
		"with an age of no sort": {"-60", after(0), after(0), 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Date": {date.Format(http.TimeFormat)}}
			if test.age != "" {
				h.Set("Age", test.age)
			}
			if got := jwks.ClockAhead(h, test.asked, test.answered); got == nil || *got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
	for _, bad := range []string{"", "yesterday", "1767268800"} {
		if got := jwks.ClockAhead(http.Header{"Date": {bad}}, date, date); got != nil {
			t.Errorf("Date %q says %v", bad, *got)
		}
	}
}

// wantClock fails unless the source says that the issuer's clock is ahead by so much,
// or, for nil, that it does not know.
func (s *source) wantClock(want *int) {
	s.Helper()
	got := s.keys.Describe("", 0).ClockSeconds
	switch {
	case want == nil && got != nil:
		s.Errorf("the clock is %d s ahead, which nobody can know", *got)
	case want != nil && (got == nil || *got != *want):
		s.Errorf("the clock is ahead by %v, want %d s", got, *want)
	}
}

func TestDescribeTheIssuersClock(t *testing.T) {
	zero, ahead, behind := 0, 90, -3600
	bubble(t, jwks.Options{Interval: time.Minute}, func(s *source) {
		s.wantClock(nil)
		s.warm()
		s.wantClock(&zero)
		s.idp.SetSkew(90*time.Second - 500*time.Millisecond) // Date is cut to the second
		s.after(time.Minute)
		s.ask(s.kid())
		s.after(0)
		s.wantClock(&ahead)
		s.idp.SetSkew(-time.Hour)
		s.idp.Break(issuertest.Status(http.StatusServiceUnavailable))
		s.after(time.Minute)
		s.ask(s.kid())
		s.after(0)
		s.wantClock(&ahead) // the Date of an error is not taken
		s.idp.Repair()
		s.after(time.Minute)
		s.ask(s.kid())
		s.after(0)
		s.wantClock(&behind)
		// A token that is good by the issuer's clock alone has that for a hint.
		v, err := verifier.New(verifier.Config{
			Issuer: s.idp.URL(), Audience: verifier.AnyOf("api"), Algorithms: []verifier.Algorithm{verifier.ES256}, Keys: s.keys,
		})
		if err != nil {
			s.Fatal(err)
		}
		r := v.Explain(s.Context(), s.idp.Token(nil))
		if r.Kind != "expired" || r.Hint.Cause != "clock_skew" || !strings.Contains(r.String(), "the issuer's clock: 3600 s behind ours") {
			s.Errorf("%s", r)
		}
	})
}

// A Date can be any, and an int can be of 32 bits.
func TestDescribeAClockOfAnotherAge(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.idp.SetSkew(200 * 365 * 24 * time.Hour)
		s.warm()
		most := 1<<31 - 1
		s.wantClock(&most)
	})
}

func TestDescribeAnIssuerUnderAnotherName(t *testing.T) {
	discovering(t, jwks.Options{}, func(s *source) {
		content := strings.Replace(string(s.idp.Discovery().Content()), s.idp.URL(), "https://other.example", 1)
		s.idp.Discovery().SetContent([]byte(content))
		if got := s.ask(s.kid()); got != unavailable {
			s.Fatalf("got %s", got)
		}
		state := s.wantLookUp(s.kid(), verifier.LookUpFailed)
		if !state.OtherIssuer || state.Usable || !strings.Contains(state.LastError, "other.example") {
			s.Errorf("%+v", state)
		}
		s.idp.Break(issuertest.Status(http.StatusBadGateway))
		s.after(5 * time.Second)
		s.ask(s.kid())
		if state := s.keys.Describe(s.kid(), verifier.ES256); state.OtherIssuer {
			s.Errorf("%+v", state)
		}
	})
}
