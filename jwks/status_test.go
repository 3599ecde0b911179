package jwks_test

import (
	"encoding/json"
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
		want := `{"issuer":"` + s.idp.URL() + `","usable":false,"age_seconds":0,"keys":[]}`
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
