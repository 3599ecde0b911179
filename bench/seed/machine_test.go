package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCPUModel(t *testing.T) {
	const cpuinfo = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n\nprocessor\t: 1\nmodel name\t: other\n"
	if got := cpuModel(cpuinfo); got != "AMD EPYC" {
		t.Errorf("cpuModel() = %q", got)
	}
	if got := cpuModel("processor\t: 0\nBogoMIPS\t: 50.00\n"); got != "a processor without a name" {
		t.Errorf("cpuModel() of one without a name = %q", got)
	}
}

func TestFirstFields(t *testing.T) {
	if got := firstFields("0.10 0.20 0.30 2/148 25760\n", 3); !slices.Equal(got, []string{"0.10", "0.20", "0.30"}) {
		t.Errorf("firstFields() = %q", got)
	}
	if got := firstFields("", 3); len(got) != 0 {
		t.Errorf("firstFields() of nothing = %q", got)
	}
}

// Only what is pinned can be measured again.
func TestMeasuredPackagesArePinned(t *testing.T) {
	pinned := pins(string(requirementsTxt))
	for _, name := range measuredPackages() {
		if pinned[name] == "" {
			t.Errorf("requirements.txt does not pin %s", name)
		}
	}
	for line := range strings.Lines(string(requirementsTxt)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && !pin.MatchString(line) {
			t.Errorf("requirements.txt has a line that pins nothing: %s", line)
		}
	}
	for name, version := range written(t).run.Versions.Packages {
		if pinned[name] != version {
			t.Errorf("docs/%s was measured with %s %s, requirements.txt has %q", pageFile, name, version, pinned[name])
		}
	}
}

var pin = regexp.MustCompile(`^[A-Za-z0-9_.-]+(\[[a-z]+\])?==[A-Za-z0-9.]+$`)

// pins returns the versions that a requirements file names.
func pins(requirements string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(requirements) {
		name, version, found := strings.Cut(strings.TrimSpace(line), "==")
		name, _, _ = strings.Cut(name, "[") // its extras
		if found {
			all[name] = version
		}
	}
	return all
}
