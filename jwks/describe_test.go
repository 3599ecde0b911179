package jwks_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// wantLookUp fails unless the source says that of a kid, for ES256.
func (s *source) wantLookUp(kid string, want verifier.LookUp) verifier.KeySetState {
	s.Helper()
	before := s.fetches()
	state := s.keys.Describe(kid, verifier.ES256)
	if state.LookUp != want {
		s.Errorf("look-up of %q: %q, want %q", kid, state.LookUp, want)
	}
	if synctest.Wait(); s.fetches() != before {
		s.Error("Describe caused a fetch")
	}
	return state
}

func TestDescribeARemoteSet(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		state := s.wantLookUp(s.kid(), "")
		if state.Usable || state.Keys != 0 || state.Source != s.idp.KeySet().URL() || state.LastError != "" {
			s.Errorf("before the first fetch: %+v", state)
		}
		first := s.kid()
		second := s.idp.AddKey(verifier.RS256).ID()
		s.warm()
		s.after(90 * time.Second)
		state = s.wantLookUp(first, verifier.LookUpNotNeeded)
		if !state.Usable || state.Keys != 2 || state.KeysForAlgorithm != 1 || state.AgeSeconds != 90 || !slices.Equal(state.KIDs, []string{first, second}) || !state.Published {
			s.Errorf("%+v", state)
		}
		if state := s.keys.Describe("", 0); state.KeysForAlgorithm != 0 || state.Published || state.LookUp != verifier.LookUpNotNeeded {
			s.Errorf("without a kid: %+v", state)
		}
		if state := s.keys.Describe(second, verifier.ES256); !state.Published || state.SkippedBecause != "" {
			s.Errorf("a key for another algorithm: %+v", state)
		}
	})
}

func TestDescribeALookUp(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		s.warm()
		s.wantLookUp("new", "")
		s.expect("new", unknown, 1, 0)
		if state := s.wantLookUp("new", verifier.LookUpInVain); state.Published {
			s.Errorf("%+v", state)
		}
		s.spend()
		s.expect("never asked for", unknown, 0, 0)
		s.wantLookUp("never asked for", verifier.LookUpRefused)
		s.wantLookUp(s.kid(), verifier.LookUpNotNeeded)
		s.after(10 * time.Second) // there is budget again
		s.wantLookUp("never asked for", "")
		s.idp.Break(issuertest.Status(http.StatusBadGateway))
		s.after(time.Minute)
		s.expect("another", unavailable, 1, 0)
		state := s.wantLookUp("another", verifier.LookUpFailed)
		if !strings.Contains(state.LastError, "502") || !state.Usable {
			s.Errorf("%+v", state)
		}
	})
}

func TestDescribeTheReasonOfASkippedKey(t *testing.T) {
	source := static(t, jwkOf(t, "p-256", members{"kid": "good"}), jwkOf(t, "p-384", members{"kid": "bad", "use": "enc"}))
	state := source.Describe("bad", verifier.ES384)
	if !state.Published || state.SkippedBecause != "use is not sig" || state.Keys != 1 || state.Skipped != 1 || state.KeysForAlgorithm != 0 || !state.Usable {
		t.Errorf("%+v", state)
	}
	if state := source.Describe("good", verifier.ES256); state.SkippedBecause != "" || state.LookUp != verifier.LookUpNotNeeded || state.KeysForAlgorithm != 1 {
		t.Errorf("%+v", state)
	}
	if state := source.Describe("other", verifier.ES256); state.LookUp != "" || state.Published {
		t.Errorf("%+v", state)
	}
}

// A good key under the kid is what the verifier uses, whatever else has that kid.
func TestDescribeAKidThatIsGoodAndBad(t *testing.T) {
	source := static(t, jwkOf(t, "p-256", members{"kid": "both"}), jwkOf(t, "p-384", members{"kid": "both", "use": "enc"}))
	if state := source.Describe("both", verifier.ES256); state.SkippedBecause != "" || !slices.Equal(state.KIDs, []string{"both"}) {
		t.Errorf("%+v", state)
	}
}

func TestDescribeAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys.json")
		write := func(text []byte) {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(testdata.Set("usable"))
		source, err := jwks.NewFile(path, &jwks.FileOptions{Logger: discard()})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		state := source.Describe("p-256", verifier.ES256)
		if !state.Usable || state.Source != path || state.AgeSeconds != 5 || state.LookUp != verifier.LookUpNotNeeded || state.KeysForAlgorithm != 1 {
			t.Errorf("%+v", state)
		}
		if n := finds(t, source, "other", verifier.ES256); n != 0 {
			t.Fatal("found")
		}
		if state := source.Describe("other", verifier.ES256); state.LookUp != verifier.LookUpInVain {
			t.Errorf("%+v", state)
		}
		time.Sleep(5 * time.Second)
		if state := source.Describe("other", verifier.ES256); state.LookUp != "" {
			t.Errorf("nobody has asked lately: %+v", state)
		}
		write([]byte("broken"))
		if _, err := source.Keys(t.Context(), "other", verifier.ES256); verifier.KindOf(err) != verifier.ErrKeysUnavailable {
			t.Fatalf("error %v", err)
		}
		if state := source.Describe("other", verifier.ES256); state.LookUp != verifier.LookUpFailed || !strings.Contains(state.LastError, "not a JSON object") {
			t.Errorf("%+v", state)
		}
	})
}

// The verifier finds the method of each source.
func TestExplainShowsTheSource(t *testing.T) {
	bubble(t, jwks.Options{}, func(s *source) {
		v, err := verifier.New(verifier.Config{
			Issuer: s.idp.URL(), Audience: verifier.AnyOf("api"), Algorithms: []verifier.Algorithm{verifier.ES256}, Keys: s.keys,
		})
		if err != nil {
			s.Fatal(err)
		}
		good := s.idp.Token(nil)
		if r := v.Explain(s.Context(), good); !r.Accepted || r.KeySet == nil || r.KeySet.LookUp != verifier.LookUpNotNeeded {
			s.Errorf("%s", r)
		}
		stranger := s.idp.NewKey(verifier.ES256)
		if r := v.Explain(s.Context(), stranger.Token(nil)); r.Kind != "unknown_key" || r.KeySet.LookUp != verifier.LookUpInVain || r.Hint.Cause != "key_rotated" {
			s.Errorf("%s", r)
		}
		before := s.fetches()
		for range 20 {
			v.Explain(s.Context(), s.idp.NewKey(verifier.ES256).Token(nil))
		}
		if n := s.fetches() - before; n > 3 {
			s.Errorf("%d fetches for unknown kids, which is more than the budget", n)
		}
		if r := v.Explain(s.Context(), s.idp.NewKey(verifier.ES256).Token(nil)); r.KeySet.LookUp != verifier.LookUpRefused || r.Hint.Cause != "key_not_looked_up" {
			s.Errorf("%s", r)
		}
	})
}
