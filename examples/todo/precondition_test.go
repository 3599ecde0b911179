package main

import (
	"net/http"
	"slices"
	"testing"
)

// A todo at version 3, and what each field lets happen.
func TestPreconditions(t *testing.T) {
	for _, row := range []struct {
		value          []string
		match, noMatch bool
	}{
		{[]string{`"3"`}, true, false},
		{[]string{`"2"`}, false, true},
		{[]string{`W/"3"`}, false, false}, // If-Match compares strongly, If-None-Match weakly
		{[]string{`W/"2"`}, false, true},
		{[]string{`*`}, true, false},
		{[]string{` * `}, true, false},
		{[]string{`"1", "3"`}, true, false},
		{[]string{`"1"`, `"3"`}, true, false},
		{[]string{`"1"`, `"2"`}, false, true},
		{[]string{`, ,"3",,`}, true, false},
		{[]string{"\t\"1\"\t,\t\"3\"\t"}, true, false},
		{[]string{`"x,y", "3"`}, true, false},
		{[]string{`"*"`}, false, true},
		{[]string{`"03"`}, false, true},
		{[]string{`"+3"`}, false, true},
		{[]string{`"3 "`}, false, true},
		{[]string{`"99999999999999999999"`}, false, true},
		{nil, true, true},
	} {
		for name, want := range map[string]bool{"If-Match": row.match, "If-None-Match": row.noMatch} {
			h := http.Header{}
			if row.value != nil {
				h[name] = row.value
			}
			conditions, err := preconditions(h)
			if err != nil {
				t.Errorf("%s %q: %v", name, row.value, err)
			}
			if got := allHold(conditions, 3); got != want {
				t.Errorf("%s %q holds at version 3: %v, want %v", name, row.value, got, want)
			}
		}
	}
	for _, value := range []string{"", "3", `"3`, `"3" "4"`, `w/"3"`, `W/3`, `*, "3"`, `"3", *`, ",", `'3'`} {
		for _, name := range []string{"If-Match", "If-None-Match"} {
			if _, err := preconditions(http.Header{name: {value}}); err == nil {
				t.Errorf("%s %q gave no error", name, value)
			}
		}
	}
}

func TestAGetOfWhatTheClientHas(t *testing.T) {
	s := newService(t)
	alice := s.full("alice")
	path := s.do(t, request{method: "POST", path: "/todos", token: alice, body: `{"title":"one"}`}).header.Get("Location")
	for _, row := range []struct {
		name, value string
		want        int
	}{
		{"If-None-Match", `"1"`, 304},
		{"If-None-Match", `W/"1", "7"`, 304},
		{"If-None-Match", `*`, 304},
		{"If-None-Match", `"2"`, 200},
		{"If-None-Match", `1`, 400},
		{"If-Match", `"1"`, 200},
		{"If-Match", `"2"`, 412},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got := s.do(t, request{method: method, path: path, token: alice, header: http.Header{row.name: {row.value}}})
			if got.status != row.want || row.want == 304 && (got.body != "" || got.header.Get("ETag") != `"1"` || got.header.Get("Cache-Control") != "private, no-store") {
				t.Errorf("%s with %s %s gave %d %v %s, want %d", method, row.name, row.value, got.status, got.header, got.body, row.want)
			}
		}
	}
	both := s.do(t, request{method: "GET", path: path, token: alice, header: http.Header{"If-Match": {`"2"`}, "If-None-Match": {`"1"`}}})
	if both.status != 412 {
		t.Errorf("If-Match fails and If-None-Match too: %d, want 412", both.status)
	}
	for _, method := range []string{"PATCH", "DELETE"} {
		for _, value := range []string{`*`, `"1"`} {
			got := s.do(t, request{method: method, path: path, token: alice, body: `{"done":true}`, header: http.Header{"If-None-Match": {value}}})
			if got.status != 412 {
				t.Errorf("%s with If-None-Match %s gave %d, want 412", method, value, got.status)
			}
		}
	}
	if got := s.do(t, request{method: "PATCH", path: path, token: alice, body: `{"done":true}`, header: http.Header{"If-None-Match": {`"7"`}}}); got.status != 200 {
		t.Errorf("PATCH unless it is at version 7 gave %d, want 200", got.status)
	}
}

func FuzzIfMatch(f *testing.F) {
	for _, seed := range []string{"*", `"1"`, `W/"1", "2"`, `"a,b" "c"`, `"`, `W/`, ",,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		tags, err := entityTags(http.Header{"If-Match": {value}}, "If-Match")
		if (err == nil) != (len(tags) > 0) {
			t.Errorf("%q gave both or neither of %q and %v", value, tags, err)
		}
		if slices.Contains(tags, anyTag) && len(tags) > 1 {
			t.Errorf("%q gave %q", value, tags)
		}
		for _, v := range versionsOfTags(tags) {
			if !slices.Contains(tags, etag(v)) {
				t.Errorf("%q gave the version %d", value, v)
			}
		}
	})
}
