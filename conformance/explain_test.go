package conformance

import (
	"strings"
	"testing"
)

// TestAttacksAreExplained has Explain decide as Verify does about every attack, and its
// report tell neither the signature nor more than a few KiB.
func TestAttacksAreExplained(t *testing.T) {
	const most = 8 << 10
	longest := 0
	for _, row := range rows(t) {
		token, err := row.Recipe.Token(Now)
		if err != nil {
			t.Fatal(err)
		}
		v := newVerifier(t, row.Config)
		verified, err := v.Verify(t.Context(), token)
		want := outcome(verified, err)
		report := v.Explain(t.Context(), token)
		got := "accepted"
		if !report.Accepted {
			got = report.Kind
		}
		if got != want {
			t.Errorf("%s/%s: explained as %s, and Verify says %s", row.Family, row.Name, got, want)
		}
		text := report.String() + report.Line()
		longest = max(longest, len(text))
		if len(text) > most {
			t.Errorf("%s/%s: the report has %d bytes", row.Family, row.Name, len(text))
		}
		if signature := token[strings.LastIndex(token, ".")+1:]; len(signature) >= 40 && strings.Contains(text, signature[:40]) {
			t.Errorf("%s/%s: the report has the signature", row.Family, row.Name)
		}
	}
	t.Logf("the longest report has %d bytes", longest)
}
