package conformance

import (
	"encoding/json/v2"
	"strings"
	"testing"
	"time"
)

// mint makes each token once for the doors whose clocks show the same hour, because a
// signature takes milliseconds. A token that is about seconds is always made anew. The
// zero value is ready.
type mint struct{ made map[string]string }

func (m *mint) token(t *testing.T, r Recipe, now time.Time) string {
	t.Helper()
	recipe, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	key := now.Truncate(time.Hour).String() + string(recipe)
	if token, found := m.made[key]; found {
		return token
	}
	token, err := r.Token(now.Unix())
	if err != nil {
		t.Fatal(err)
	}
	if m.made == nil {
		m.made = map[string]string{}
	}
	if !strings.Contains(string(recipe), "<now") {
		m.made[key] = token
	}
	return token
}
