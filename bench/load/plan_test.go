package main

import (
	"fmt"
	"strings"
	"testing"
)

func someIDs() (ids []string) {
	for n := range pageSize {
		ids = append(ids, fmt.Sprintf("id-%d", n))
	}
	return ids
}

func TestPlans(t *testing.T) {
	tests := map[string]struct{ gets, lists, posts, patches int }{
		healthz:  {gets: 1},
		me:       {gets: 1},
		"list":   {lists: 1},
		"get":    {gets: 100},
		"create": {posts: 1},
		"edit":   {patches: 200},
		"mix":    {gets: 1800, lists: 1800, posts: 200, patches: 200},
	}
	for _, a := range acts() {
		p := a.plan(someIDs())
		lists := 0
		for _, r := range p {
			if r == list() {
				lists++
			}
		}
		want := tests[a.id]
		if p.count("GET") != want.gets+want.lists || lists != want.lists || p.count(post) != want.posts || p.count(patch) != want.patches {
			t.Errorf("%s: %d GET, of them %d lists, %d POST, %d PATCH", a.id, p.count("GET"), lists, p.count(post), p.count(patch))
		}
	}
}

// Each edit changes what the one before it left.
func TestEditsAlternate(t *testing.T) {
	done := make(map[string]string)
	edits := planEdits(someIDs())
	for _, r := range append(edits, edits...) {
		if done[r.path] == r.body {
			t.Fatalf("%s is %s already", r.path, r.body)
		}
		done[r.path] = r.body
	}
	if len(done) != pageSize {
		t.Errorf("%d todos are edited", len(done))
	}
}

// requests.lua reads a method in capitals, a path, and a body, with tabs between them.
func TestTextOfAPlan(t *testing.T) {
	p := plan{list(), create(), {patch, "/todos/id", `{"done":true}`}}
	want := "GET\t/todos\t\nPOST\t/todos\t{\"title\":\"" + title + "\"}\nPATCH\t/todos/id\t{\"done\":true}\n"
	if got := string(p.text()); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	for _, a := range acts() {
		for line := range strings.Lines(string(a.plan(someIDs()).text())) {
			if strings.Count(line, "\t") != 2 {
				t.Fatalf("%s: %q", a.id, line)
			}
		}
	}
}

func TestKept(t *testing.T) {
	creates, edits, mix, reads := plan{create()}, planEdits(someIDs()), planMix(someIDs()), plan{list()}
	tests := map[string]struct {
		plan     plan
		answered int
		added    stored
		kept     bool
	}{
		"all":                         {creates, 100, stored{100, 0}, true},
		"and those in flight":         {creates, 100, stored{116, 0}, true},
		"one is missing":              {creates, 100, stored{99, 0}, false},
		"one that nobody asked for":   {creates, 100, stored{117, 0}, false},
		"an edit, where none was":     {creates, 100, stored{100, 1}, false},
		"all edits":                   {edits, 100, stored{0, 100}, true},
		"an edit is missing":          {edits, 100, stored{0, 99}, false},
		"reading":                     {reads, 100, stored{0, 0}, true},
		"a todo that nobody made":     {reads, 100, stored{1, 0}, false},
		"the mix":                     {mix, 2000, stored{100, 100}, true},
		"the mix, todos are missing":  {mix, 2000, stored{81, 100}, false},
		"the mix, edits are missing":  {mix, 2000, stored{100, 81}, false},
		"the mix, nobody asked for":   {mix, 2000, stored{103, 100}, false},
		"the mix, in flight":          {mix, 2000, stored{84, 102}, true},
		"the mix, hardly any request": {mix, 3, stored{0, 0}, true},
	}
	for name, tt := range tests {
		if err := tt.plan.kept(tt.answered, 16, tt.added); (err == nil) != tt.kept {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What kept takes for granted: any part of the mix has its share of changes, but for one.
func TestChangesAreEvenlySpread(t *testing.T) {
	p := planMix(someIDs())
	for from := range 25 {
		for length := 1; length < 100; length++ {
			for _, method := range []string{post, patch} {
				got := p[from : from+length].count(method)
				if share := length / 20; got < share || got > share+1 {
					t.Fatalf("%d of %d requests from %d on are %s", got, length, from, method)
				}
			}
		}
	}
}

func TestCells(t *testing.T) {
	var ids []string
	for _, c := range cells() {
		ids = append(ids, c.id())
	}
	const want = "healthz/sqlite me/sqlite list/sqlite list/postgres get/sqlite get/postgres create/sqlite create/postgres create/postgres-silent edit/sqlite edit/postgres mix/sqlite mix/postgres"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("cells %s, want %s", got, want)
	}
}
