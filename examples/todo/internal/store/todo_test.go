package store

import (
	"strings"
	"testing"
)

// An id has one spelling, so that two texts never name the same todo.
func TestIDsHaveOneSpelling(t *testing.T) {
	if !ValidID(anID) {
		t.Errorf("%s is no id", anID)
	}
	for _, s := range []string{
		"", "x", strings.ToUpper("abc" + anID[3:]), "{" + anID + "}", "urn:uuid:" + anID, strings.ReplaceAll(anID, "-", ""),
		" " + anID, anID + "\n", anID[:35], anID + "0", strings.Repeat(anID, 1000),
	} {
		if ValidID(s) {
			t.Errorf("%.40q is taken for an id", s)
		}
	}
}
