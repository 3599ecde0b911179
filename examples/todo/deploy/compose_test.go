package deploy

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// project loads compose.yaml as Compose does: checked against its schema, with what it
// includes, and with the default of each variable.
func project(t *testing.T) *types.Project {
	t.Helper()
	logrus.SetOutput(io.Discard) // the loader's own log
	options, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeHasTheTopology(t *testing.T) {
	p := project(t)
	names := p.ServiceNames()
	slices.Sort(names)
	if want := []string{"keycloak", "nginx", "postgres", "todo-1", "todo-2"}; p.Name != "todo" || !slices.Equal(names, want) {
		t.Errorf("the project %s has the services %q, want %q", p.Name, names, want)
	}
	for name, wants := range map[string][]string{"todo-1": {"postgres"}, "todo-2": {"postgres"}, "nginx": {"todo-1", "todo-2"}, "keycloak": {"postgres"}} {
		for _, want := range wants {
			if p.Services[name].DependsOn[want].Condition != types.ServiceConditionHealthy {
				t.Errorf("%s does not wait for %s to be healthy", name, want)
			}
		}
	}
	for name, s := range p.Services {
		if s.HealthCheck == nil || len(s.HealthCheck.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
		if s.Build == nil && (strings.HasSuffix(s.Image, ":latest") || !strings.Contains(s.Image, ":")) {
			t.Errorf("%s is of no certain version: %s", name, s.Image)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is published on %q", name, port.HostIP)
			}
		}
		for _, volume := range s.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if info, err := os.Stat(volume.Source); err != nil || !info.Mode().IsRegular() || !volume.ReadOnly {
				t.Errorf("%s mounts %s, which is no file or may be written to: %v", name, volume.Source, err)
			}
		}
	}
}

func TestComposeRestrictsWhatIsOurs(t *testing.T) {
	p := project(t)
	for _, name := range []string{"todo-1", "todo-2", "nginx"} {
		s := p.Services[name]
		if !s.ReadOnly || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.Privileged {
			t.Errorf("%s: read only %v, %q, without %q, privileged %v", name, s.ReadOnly, s.SecurityOpt, s.CapDrop, s.Privileged)
		}
	}
}

func TestComposeBuildsTheImage(t *testing.T) {
	p := project(t)
	for _, name := range []string{"todo-1", "todo-2"} {
		build := p.Services[name].Build
		if build == nil || !isFile(filepath.Join(build.Context, "go.work")) || !isFile(filepath.Join(build.Context, build.Dockerfile)) {
			t.Errorf("%s is built with %+v", name, build)
		}
	}
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
