package repotest

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// local matches an absolute path of somebody's machine, and the hosts of
// package registries, which stand in files that a tool wrote on a machine
// with its own settings. Written as an expression it does not match itself.
var local = regexp.MustCompile(
	`(^|[^[:alnum:]])/(work|root|home|Users|tmp)/` +
		`|proxy\.golang\.org|sum\.golang\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|repo1?\.maven|pypi\.org|static\.crates\.io|deb\.debian\.org|archive\.ubuntu\.com`)

func TestNoFileNamesAMachineOrRegistry(t *testing.T) {
	r := open(t)
	for name := range r.files(t) {
		for i, line := range bytes.Split(r.read(t, name), []byte("\n")) {
			if found := local.Find(line); found != nil {
				t.Errorf("%s:%d names %q", name, i+1, found)
			}
		}
	}
}

func TestLocalNames(t *testing.T) {
	slash := "/"
	tests := map[string]bool{
		strings.Join([]string{"", "root", "go"}, slash):                      true,
		"see " + strings.Join([]string{"", "home", "me", "x.go"}, slash):     true,
		"replace => " + strings.Join([]string{"", "work", ""}, slash):        true,
		"https://" + strings.Join([]string{"proxy", "golang", "org"}, "."):   true,
		"https://" + strings.Join([]string{"registry", "npmjs", "org"}, "."): true,
		"go test work":                       false,
		"https://id.example.com/work/things": false,
		"GET /todos/work":                    false,
	}
	for line, want := range tests {
		if got := local.MatchString(line); got != want {
			t.Errorf("match of %q: %t, want %t", line, got, want)
		}
	}
}
