package migrate

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/migrating.md"

var update = flag.Bool("update", false, "write the code and the table into docs/migrating.md")

// What stands in the page between a comment that names its source, and the next one that
// says "end".
var copied = regexp.MustCompile(`(?s)(<!-- from (\S+) (\S+) -->\n)(.*?)(<!-- end -->)`)

// TestPageShowsTheseFiles compares the page with the code that is compiled here, and with
// the table that the other tests hold. With -update it writes the page.
func TestPageShowsTheseFiles(t *testing.T) {
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	now := copied.ReplaceAllFunc(old, func(part []byte) []byte {
		match := copied.FindSubmatch(part)
		file, region := string(match[2]), string(match[3])
		shown[file+" "+region] = true
		text := table()
		if region != "table" {
			text = "```go\n" + regionOf(t, file, region) + "```\n"
		}
		return []byte(string(match[1]) + text + string(match[5]))
	})
	for _, want := range []string{
		"gooidc.go before", "gooidc.go after", "keyfunc.go before", "keyfunc.go after",
		"jwtmiddleware.go before", "jwtmiddleware.go claims", "jwtmiddleware.go after", "fastapi.go after", "behaviour_test.go table",
	} {
		if !shown[want] {
			t.Errorf("the page does not show %s", want)
		}
	}
	if bytes.Equal(old, now) {
		return
	}
	if !*update {
		t.Fatalf("the page shows other code or another table than there is here; run the test with -update. It should be:\n%s", now)
	}
	if err := os.WriteFile(page, now, 0o600); err != nil {
		t.Fatal(err)
	}
}

// regionOf returns the lines between two markers in a file of this package, without the
// indentation of the markers.
func regionOf(t *testing.T, file, region string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?ms)^(\t*)// migrate:` + region + `\n(.*?)\n+\t*// migrate:end$`).FindSubmatch(source)
	if match == nil {
		t.Fatalf("%s has no region %s", file, region)
	}
	var b strings.Builder
	for line := range strings.Lines(string(match[2]) + "\n") {
		b.WriteString(strings.TrimPrefix(line, string(match[1])))
	}
	return b.String()
}
