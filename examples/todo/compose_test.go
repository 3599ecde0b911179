package main

import (
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// composeFile is what these tests read of a compose file. deploy/ reads it whole, as
// Compose does.
type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
}

type composeService struct {
	Environment map[string]string `yaml:"environment"`
	Command     []string          `yaml:"command"`
	Ports       []string          `yaml:"ports"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	StopGracePeriod time.Duration `yaml:"stop_grace_period"`
}

// fallback is ${NAME:-text} without another one in the text.
var fallback = regexp.MustCompile(`\$\{\w+:-([^${}]*)\}`)

// readCompose reads compose.yaml and the file that it includes, with the default of
// each variable.
func readCompose(t *testing.T) composeFile {
	t.Helper()
	var all composeFile
	for _, name := range []string{"keycloak/compose.yaml", "compose.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for fallback.Match(text) { // the inner ones first
			text = fallback.ReplaceAll(text, []byte("$1"))
		}
		var file composeFile
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if all.Services == nil {
			all = file
			continue
		}
		maps.Copy(all.Services, file.Services)
	}
	return all
}

// environ is the environment of a service, in the form of os.Environ.
func (s composeService) environ() (environ []string) {
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		environ = append(environ, name+"="+s.Environment[name])
	}
	return environ
}

func replicas(t *testing.T, file composeFile) (names []string) {
	t.Helper()
	for name, s := range file.Services {
		if s.Environment["TODO_ADDR"] != "" {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		t.Fatalf("compose.yaml has the replicas %q, want two", names)
	}
	slices.Sort(names)
	return names
}

func TestComposeGivesReplicasSettingsThatAreRight(t *testing.T) {
	file := readCompose(t)
	for _, name := range replicas(t, file) {
		replica := file.Services[name]
		s, err := readSettings(replica.environ())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if patience := s.stopDelay + drainLimit; replica.StopGracePeriod <= patience {
			t.Errorf("%s is killed after %v, and may need %v to stop", name, replica.StopGracePeriod, patience)
		}
		if browser := file.Services["keycloak"].Environment["KC_HOSTNAME"]; !strings.HasPrefix(s.issuer, browser+"/realms/") {
			t.Errorf("%s trusts the issuer %s; Keycloak calls itself %s", name, s.issuer, browser)
		}
		for what, location := range map[string]string{"keys": s.jwksURL, "database": s.databaseURL} {
			at, err := url.Parse(location)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := file.Services[at.Hostname()]; !ok {
				t.Errorf("%s has its %s at %s, which is no service", name, what, at.Hostname())
			}
		}
		_, port, _ := net.SplitHostPort(s.adminAddr)
		if check := replica.Healthcheck.Test; len(check) != 4 || check[3] != "http://127.0.0.1:"+port+"/readyz" {
			t.Errorf("%s is checked by %q; its admin port is %s", name, check, port)
		}
	}
}

// server is one of upstream in nginx.conf.
var upstreamServer = regexp.MustCompile(`(?m)^\s*server ([\w.-]+:\d+)[ ;]`)

func TestNginxKnowsEachReplica(t *testing.T) {
	conf, err := os.ReadFile("deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, found := range upstreamServer.FindAllSubmatch(conf, -1) {
		got = append(got, string(found[1]))
	}
	file := readCompose(t)
	for _, name := range replicas(t, file) {
		_, port, _ := net.SplitHostPort(file.Services[name].Environment["TODO_ADDR"])
		want = append(want, net.JoinHostPort(name, port))
	}
	if !slices.Equal(got, want) {
		t.Errorf("nginx.conf passes requests to %q, the replicas are %q", got, want)
	}
}
