package main

import (
	"fmt"
	"slices"
	"strings"
)

// request is one that wrk sends.
type request struct{ method, path, body string }

// plan is what wrk sends, in turn.
type plan []request

// text is the file that requests.lua reads.
func (p plan) text() []byte {
	var text strings.Builder
	for _, r := range p {
		fmt.Fprintf(&text, "%s\t%s\t%s\n", r.method, r.path, r.body)
	}
	return []byte(text.String())
}

// count returns how many requests have a method.
func (p plan) count(method string) (n int) {
	for _, r := range p {
		if r.method == method {
			n++
		}
	}
	return n
}

// The methods that change something.
const (
	post  = "POST"
	patch = "PATCH"
)

// pageSize is how many todos the owner has before the load, which is a page of the list.
const pageSize = 100

// title is that of every todo.
const title = "buy milk, bread and a newspaper"

func get(path string) request { return request{"GET", path, ""} }

func list() request { return get("/todos") }

func create() request { return request{post, "/todos", `{"title":"` + title + `"}`} }

// planAlways is the plan of one request.
func planAlways(r request) func([]string) plan {
	return func([]string) plan { return plan{r} }
}

// planGets asks for each todo in turn.
func planGets(ids []string) (p plan) {
	for _, id := range ids {
		p = append(p, get("/todos/"+id))
	}
	return p
}

// planEdits marks each todo as done, and then as not done, so that each edit changes
// something.
func planEdits(ids []string) (p plan) {
	for _, done := range []string{"true", "false"} {
		for _, id := range ids {
			p = append(p, request{patch, "/todos/" + id, `{"done":` + done + `}`})
		}
	}
	return p
}

// planMix has nine readings and then a change: as many lists as single todos, as many
// edits as new ones.
func planMix(ids []string) (p plan) {
	gets, edits := planGets(ids), planEdits(ids)
	for n := range edits {
		edited := edits[n]
		tens := []request{
			list(), gets[n%len(gets)], list(), gets[(n+1)%len(gets)], list(), gets[(n+2)%len(gets)], list(), gets[(n+3)%len(gets)], list(), edited,
			gets[(n+4)%len(gets)], list(), gets[(n+5)%len(gets)], list(), gets[(n+6)%len(gets)], list(), gets[(n+7)%len(gets)], list(), gets[(n+8)%len(gets)], create(),
		}
		p = slices.Concat(p, tens)
	}
	return p
}
