package conformance

import (
	"encoding/json/v2"
	"fmt"
	"regexp"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// atLeast is how many attacks there are at the least, so that none gets lost.
const atLeast = 1000

// stopped is a clock that stands still.
func stopped() time.Time { return time.Unix(Now, 0) }

func outcome(token *verifier.Token, err error) string {
	if err == nil && token.Subject() == "alice" {
		return "accepted"
	}
	return verifier.KindOf(err).String()
}

func TestAttacksAreDistinct(t *testing.T) {
	names, attacks := map[string]bool{}, map[string]string{}
	for _, row := range rows(t) {
		if names[row.Name] {
			t.Errorf("two rows are called %q", row.Name)
		}
		names[row.Name] = true
		if !regexp.MustCompile(`^R\d{1,3}$`).MatchString(row.Requirement) {
			t.Errorf("%s: requirement %q", row.Name, row.Requirement)
		}
		if (row.CVE == "") != (row.Library == "") || row.CVE != "" && !regexp.MustCompile(`^CVE-20\d\d-\d{4,6}$`).MatchString(row.CVE) {
			t.Errorf("%s: CVE %q of library %q", row.Name, row.CVE, row.Library)
		}
		attack := whole(t, row)
		if other, twice := attacks[attack]; twice {
			t.Errorf("%q and %q are the same attack", row.Name, other)
		}
		attacks[attack] = row.Name
	}
}

// whole is all that is sent for a row, and what it is sent to. Signatures are made with
// the same random numbers for each row, so that what is equal looks equal.
func whole(t *testing.T, row Row) string {
	t.Helper()
	var text string
	t.Run(row.Name, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, 1)
		token, err := row.Recipe.Token(Now)
		if err != nil {
			t.Fatal(err)
		}
		config, err := json.Marshal(row.Config, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		credential := row.Credential.with(token)
		text = fmt.Sprintf("%q %q %q %s", credential.Fields, credential.Query, credential.Body, config)
	})
	return text
}

func rows(t *testing.T) []Row {
	t.Helper()
	rows, err := Rows()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < atLeast {
		t.Fatalf("%d attacks, want at least %d", len(rows), atLeast)
	}
	return rows
}
