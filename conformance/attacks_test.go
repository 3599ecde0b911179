package conformance

import (
	"encoding/json/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/verifier"
)

// atLeast is how many attacks there are at the least, so that none gets lost.
const atLeast = 30

func TestAttacksThroughVerify(t *testing.T) {
	good, err := Recipe{}.Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows(t) {
		t.Run(row.Requirement+" "+row.Name, func(t *testing.T) {
			v, err := row.Config.Verifier()
			if err != nil {
				t.Fatal(err)
			}
			token, err := row.Recipe.Token()
			if err != nil {
				t.Fatal(err)
			}
			verified, err := v.Verify(t.Context(), token)
			if got := outcome(verified, err); got != row.Expect {
				t.Errorf("got %s (%v), want %s", got, err, row.Expect)
			}
			if err != nil && len(token) > 64 && strings.Contains(err.Error(), token[len(token)-32:]) {
				t.Error("the error repeats the token")
			}
			usual, err := Config{}.Verifier()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := usual.Verify(t.Context(), good); err != nil {
				t.Errorf("the good token is refused afterwards: %v", err)
			}
		})
	}
}

func outcome(token *verifier.Token, err error) string {
	if err == nil && token.Subject() == "alice" {
		return "accepted"
	}
	return verifier.KindOf(err).String()
}

func TestAttacksAreDistinct(t *testing.T) {
	names, recipes := map[string]bool{}, map[string]string{}
	for _, row := range rows(t) {
		if names[row.Name] {
			t.Errorf("two rows are called %q", row.Name)
		}
		names[row.Name] = true
		if !regexp.MustCompile(`^R\d{1,3}$`).MatchString(row.Requirement) {
			t.Errorf("%s: requirement %q", row.Name, row.Requirement)
		}
		recipe, err := json.Marshal(struct {
			Recipe Recipe
			Config Config
		}{row.Recipe, row.Config}, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := recipes[string(recipe)]; twice {
			t.Errorf("%q and %q are the same attack", row.Name, other)
		}
		recipes[string(recipe)] = row.Name
	}
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
