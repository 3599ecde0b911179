package jwks_test

import (
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
)

// Each row is a configuration that cannot work, and how the error of its constructor
// begins.
func TestConfigurationThatCannotWorkIsRefusedByName(t *testing.T) {
	const issuer, url = "https://id.example.com", "https://id.example.com/keys"
	discover := func(issuer string, o jwks.Options) func() error {
		return func() error { _, err := jwks.Discover(issuer, &o); return err }
	}
	remote := func(url string, o jwks.Options) func() error {
		return func() error { _, err := jwks.NewRemote(url, &o); return err }
	}
	file := func(path string, o jwks.FileOptions) func() error {
		return func() error { _, err := jwks.NewFile(path, &o); return err }
	}
	none := jwks.Options{}
	taken := jwks.FileSnapshot(filepath.Join(t.TempDir(), "taken"))
	holder, err := jwks.Discover(issuer, &jwks.Options{Snapshot: taken})
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.KeepAlive(holder)
	type row struct {
		make func() error
		want string
	}
	rows := []row{
		{discover("", none), `jwks: issuer "" is not an absolute URL`},
		{discover("id.example.com", none), `jwks: issuer "id.example.com" is not an absolute URL`},
		{discover("http://id.example.com", none), `jwks: issuer "http://id.example.com" is not https`},
		{discover("ftp://id.example.com", none), `jwks: issuer "ftp://id.example.com" is not https`},
		{discover("https://id.example.com?a=b", none), `jwks: issuer "https://id.example.com?a=b" has a query`},
		{discover("https://id.example.com?", none), `jwks: issuer "https://id.example.com?" has a query`},
		{discover("https://id.example.com#a", none), `jwks: issuer "https://id.example.com#a" has a user or a fragment`},
		{discover("https://id.example.com#", none), `jwks: issuer "https://id.example.com#" has a fragment`},
		{discover("https://bob:secret@id.example.com", none), `jwks: issuer "https://bob:xxxxx@id.example.com" has a user`},
		{remote("", none), `jwks: URL "" is not an absolute URL`},
		{remote("/keys", none), `jwks: URL "/keys" is not an absolute URL`},
		{remote("http://id.example.com/keys", none), `jwks: URL "http://id.example.com/keys" is not https`},
		{remote("https://id.example.com/keys#a", none), `jwks: URL "https://id.example.com/keys#a" has a user or a fragment`},
		{file("", jwks.FileOptions{}), `jwks: the path of the file is empty`},
		{file("keys", jwks.FileOptions{Interval: -1}), `jwks: FileOptions.Interval is negative`},
	}
	for _, bad := range []struct {
		o    jwks.Options
		want string
	}{
		{jwks.Options{Timeout: -1}, "jwks: Options.Timeout is negative"},
		{jwks.Options{Interval: -time.Second}, "jwks: Options.Interval is negative"},
		{jwks.Options{Cooldown: -time.Hour}, "jwks: Options.Cooldown is negative"},
		{jwks.Options{MaxStale: -1}, "jwks: Options.MaxStale is negative"},
		{jwks.Options{MaxStale: time.Minute}, "jwks: Options.MaxStale (1m0s) is shorter than Options.Interval (5m0s)"},
		{jwks.Options{Interval: 48 * time.Hour}, "jwks: Options.MaxStale (24h0m0s) is shorter than Options.Interval (48h0m0s)"},
		{jwks.Options{Failover: "http://mirror.example.com/keys"}, `jwks: Options.Failover "http://mirror.example.com/keys" is not https`},
		{jwks.Options{Failover: "mirror"}, `jwks: Options.Failover "mirror" is not an absolute URL`},
		{jwks.Options{Failover: "https://mirror.example.com#a"}, `jwks: Options.Failover "https://mirror.example.com#a" has a user or a fragment`},
		{jwks.Options{Snapshot: taken}, "jwks: Options.Snapshot: "},
		{jwks.Options{Snapshot: jwks.FileSnapshot("")}, "jwks: Options.Snapshot: "},
		{jwks.Options{Snapshot: &jwks.Snapshot{}}, "jwks: Options.Snapshot: "},
	} {
		rows = append(rows, row{discover(issuer, bad.o), bad.want}, row{remote(url, bad.o), bad.want})
	}
	for _, same := range []string{url, "https://ID.example.com:443/keys"} {
		rows = append(rows, row{remote(url, jwks.Options{Failover: same}), fmt.Sprintf("jwks: Options.Failover %q is the first address", same)})
	}
	for _, row := range rows {
		if err := row.make(); err == nil || !strings.HasPrefix(err.Error(), row.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got  %v\nwant %s…", err, row.want)
		}
	}
}

func TestSnapshotOfTwoSourcesIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	first, err := jwks.Discover("https://a.example.com", &jwks.Options{Snapshot: jwks.FileSnapshot(path)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = jwks.Discover("https://b.example.com", &jwks.Options{Snapshot: jwks.FileSnapshot(path)})
	if err == nil || !strings.Contains(err.Error(), "Options.Snapshot") || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	runtime.KeepAlive(first)
}

func TestConfigurationThatWorks(t *testing.T) {
	for name, err := range map[string]error{
		"an issuer with a port and a path": second(jwks.Discover("https://id.example.com:8443/realms/a/", nil)),
		"http on this machine":             second(jwks.Discover("http://localhost:8080", nil)),
		"http that is allowed":             second(jwks.NewRemote("http://keycloak:8080/keys", &jwks.Options{InsecureAllowHTTP: true, Failover: "http://mirror/keys"})),
		"a mirror on another port":         second(jwks.NewRemote("https://id.example.com/keys", &jwks.Options{Failover: "https://id.example.com:8443/keys"})),
		"a mirror at another path":         second(jwks.NewRemote("https://id.example.com/keys", &jwks.Options{Failover: "https://id.example.com/keys?node=2"})),
		"a failed construction":            failedOnce(t),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ *jwks.Remote, err error) error { return err }

// failedOnce makes a source after an attempt with the same snapshot failed.
func failedOnce(t *testing.T) error {
	o := jwks.Options{Snapshot: jwks.FileSnapshot(filepath.Join(t.TempDir(), "keys")), Failover: "nonsense"}
	if _, err := jwks.Discover("https://id.example.com", &o); err == nil {
		t.Error("a bad failover is accepted")
	}
	o.Failover = ""
	return second(jwks.Discover("https://id.example.com", &o))
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
