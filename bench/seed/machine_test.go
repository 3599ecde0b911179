package main

import (
	"regexp"
	"strings"
	"testing"
)

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
