package repotest

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	named    = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	linked   = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)\s]*)?\)`)
)

// A page that says which test holds a promise must not outlive the test.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	r := open(t)
	exist := map[string]bool{}
	for name := range r.files(t) {
		if strings.HasSuffix(name, "_test.go") {
			for _, match := range declared.FindAllSubmatch(r.read(t, name), -1) {
				exist[string(match[1])] = true
			}
		}
	}
	for name := range r.files(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, match := range named.FindAllSubmatch(r.read(t, name), -1) {
			if test := string(match[1]); !exist[test] {
				t.Errorf("%s names %s, which does not exist", name, test)
			}
		}
	}
}

func TestDocumentsLinkToFilesThatExist(t *testing.T) {
	r := open(t)
	there := map[string]bool{}
	for name := range r.files(t) {
		for dir := name; dir != "."; dir = path.Dir(dir) {
			there[dir] = true
		}
	}
	for name := range r.files(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, match := range linked.FindAllSubmatch(r.read(t, name), -1) {
			target := string(match[1])
			if strings.ContainsAny(target, "./") && !there[path.Join(path.Dir(name), target)] { // else it is Go: f[T](x)
				t.Errorf("%s links to %s, which does not exist", name, target)
			}
		}
	}
}
