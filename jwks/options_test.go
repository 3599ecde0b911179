package jwks_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
)

func TestOptionsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	for field, o := range map[string]jwks.Options{
		"Timeout":  {Timeout: -1},
		"Interval": {Interval: -time.Second},
		"Cooldown": {Cooldown: -time.Hour},
		"MaxStale": {MaxStale: -1},
		"MaxStale (1m0s) is shorter than Options.Interval (5m0s)":       {MaxStale: time.Minute},
		"MaxStale (24h0m0s) is shorter than Options.Interval (48h0m0s)": {Interval: 48 * time.Hour},
	} {
		_, err := jwks.NewRemote("https://id.example.com/keys", &o)
		if err == nil || !strings.HasPrefix(err.Error(), "jwks: Options."+field) {
			t.Errorf("NewRemote with %s: %v", field, err)
		}
		if _, err := jwks.Discover("https://id.example.com", &o); err == nil {
			t.Errorf("Discover with %s is accepted", field)
		}
	}
}

func TestZeroOptionsAreTheDefaults(t *testing.T) {
	for _, o := range []*jwks.Options{nil, {}, {Interval: 24 * time.Hour}} {
		if _, err := jwks.NewRemote("https://id.example.com/keys", o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestOptionsAreNotChanged(t *testing.T) {
	o := jwks.Options{}
	if _, err := jwks.Discover("https://id.example.com", &o); err != nil || o != (jwks.Options{}) {
		t.Errorf("options became %+v, %v", o, err)
	}
}

func TestSmallSettingsAreHonouredAsGiven(t *testing.T) {
	bubble(t, jwks.Options{Interval: time.Second, Cooldown: time.Second, Timeout: 500 * time.Millisecond, MaxStale: 3 * time.Second}, func(s *source) {
		s.warm()
		s.after(time.Second)
		s.expect(s.kid(), found, 1, 0) // the interval
		s.spend()
		s.after(time.Second - time.Nanosecond)
		s.expect("a", unknown, 0, 0)
		s.after(time.Nanosecond)
		s.expect("a", unknown, 1, 0) // the cooldown
		s.idp.KeySet().Break(slow(time.Second))
		s.after(time.Second)
		s.expect("b", unavailable, 1, 500*time.Millisecond) // the timeout
		s.after(3*time.Second - 1500*time.Millisecond - time.Nanosecond)
		s.ask(s.kid())
		s.after(time.Nanosecond)
		if s.keys.Status().Usable {
			s.Error("usable beyond MaxStale")
		}
	})
}

func TestTinySettingsAreBoundedByTheCeiling(t *testing.T) {
	bubble(t, jwks.Options{Interval: 1, Cooldown: 1, MaxStale: time.Hour}, func(s *source) {
		s.warm()
		for i := range 1000 {
			s.ask(s.kid())
			s.ask(fmt.Sprint(i))
			s.keys.Recheck()
			_ = s.keys.Ready()
			s.after(10 * time.Millisecond)
		}
		if n := s.fetches(); n > 10+10 {
			s.Errorf("%d fetches in 10 s, want at most 20", n)
		}
	})
}

func TestHugeSettingsMeanNever(t *testing.T) {
	const never = math.MaxInt64
	bubble(t, jwks.Options{Interval: never, Cooldown: never, MaxStale: never, Timeout: never}, func(s *source) {
		s.keys.SetRandom(func() float64 { return 0.99 })
		s.warm()
		for range 5 {
			s.after(1000 * time.Hour)
			s.expect(s.kid(), found, 0, 0)
		}
		s.spend()
		s.after(1000 * time.Hour)
		s.expect("a", unknown, 0, 0)
	})
}

func TestIntervalVariesByUpToATenth(t *testing.T) {
	for random, want := range map[float64]time.Duration{0: 270 * time.Second, 0.5: 300 * time.Second, 1: 330 * time.Second} {
		t.Run(want.String(), func(t *testing.T) {
			bubble(t, jwks.Options{}, func(s *source) {
				s.keys.SetRandom(func() float64 { return random })
				s.warm()
				if got := s.keys.Status(); got.NextRefresh.Sub(got.FetchedAt) != want {
					s.Errorf("next refresh after %v", got.NextRefresh.Sub(got.FetchedAt))
				}
				s.after(want - time.Nanosecond)
				s.expect(s.kid(), found, 0, 0)
				s.after(time.Nanosecond)
				s.expect(s.kid(), found, 1, 0)
			})
		})
	}
}

func TestEachSetHasAnIntervalOfItsOwn(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		random := 0.0
		s.keys.SetRandom(func() float64 { return random })
		s.warm()
		random = 1
		s.after(270 * time.Second)
		s.expect(s.kid(), found, 1, 0)
		synctest.Wait()
		if got := s.keys.Status(); got.NextRefresh.Sub(got.FetchedAt) != 330*time.Second {
			s.Errorf("next refresh after %v", got.NextRefresh.Sub(got.FetchedAt))
		}
	})
}
