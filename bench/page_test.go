package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var updatePage = flag.Bool("update", false, "make the page and the plots again from the lines of the last run")

const docs = "../docs"

// Nobody edits the page or the plots by hand: they are what the lines of the run say.
func TestPageIsWhatWasMeasured(t *testing.T) {
	if *updatePage {
		if err := files().Again(docs); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := os.ReadFile(filepath.Join(docs, linesFile))
	if err != nil {
		t.Fatal(err)
	}
	all, err := made(lines)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		text, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, want) {
			t.Errorf("docs/%s is not what docs/%s says: run the test with -update, or the program with -out ../docs", name, linesFile)
		}
	}
	seen, err := parsed(lines)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := seen.lines(); err != nil || !bytes.Equal(lines, again) {
		t.Errorf("%s is in another form than a run writes it (%v)", linesFile, err)
	}
}

// The same lines make the same page and the same plots.
func TestPageDependsOnTheLinesOnly(t *testing.T) {
	first, second := pageOf(t, invented()), pageOf(t, invented())
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s is another one the second time", name)
		}
	}
	other := invented()
	other.put(id{firstVerify, "ES256", "cap"}, reading{cpu: 90_000})
	other.put(id{overHTTP, repeated, "cap"}, reading{cpu: 90_000})
	other.put(id{overGRPC, distinct, "cap"}, reading{cpu: 90_000})
	for name, text := range pageOf(t, other) {
		if bytes.Equal(text, first[name]) {
			t.Errorf("%s does not show that a library is slower", name)
		}
	}
}

// pageOf returns what is made of results that were written.
func pageOf(t *testing.T, r *results) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(filepath.Join(dir, linesFile))
	if err != nil {
		t.Fatal(err)
	}
	all, err := made(lines)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(text, want) {
			t.Errorf("%s was not written as it is made (%v)", name, err)
		}
	}
	return all
}

func TestPageSaysWhatWasMeasured(t *testing.T) {
	r := invented()
	r.put(id{firstVerify, "RS256", bare}, reading{cpu: 20_000})
	r.put(id{firstVerify, "RS256", noCache}, reading{cpu: 24_000, allocs: 12, bytes: 4000})
	r.put(id{firstVerify, "RS256", ours}, reading{cpu: 25_000, allocs: 13, bytes: 4300})
	r.put(id{firstVerify, "RS256", "keyfunc"}, reading{cpu: 10_000})
	r.put(id{repeatedToken, "RS256", bare}, reading{cpu: 20_000})
	r.put(id{repeatedToken, "RS256", ours}, reading{cpu: 1_000})
	r.put(id{cacheMemory, thousand, ours}, reading{bytes: 1000 * 2048})
	page := string(pageOf(t, r)[pageFile])
	for name, want := range map[string]string{
		"a ratio":                    "| **bearerproof (no cache)** | 1.20 (1.20–1.20) | 24.0 (24.0–24.0) | 41,700 | 12 | 4,000 |",
		"a mark for a check less":    "| jwx † |",
		"no mark":                    "| keyfunc | 0.50 (0.50–0.50) |",
		"what is not checked":        "| cap † | v1.2.3 | takes a token without \"exp\" for a default time after its \"iat\" |",
		"in a sentence":              "**A token that comes again costs 1.00 µs**, 0.050 of a bare RSA verification",
		"what the cache adds":        "costs 1.00 µs and 300 octets more with the cache",
		"when the cache pays":        "at least 4.17 % of the requests", // 1 of 24 + 1 - 1
		"a token that comes twice":   "| cache on | 25.0 | 13.0 | 5.80 |",
		"memory of a token":          "2.00 KiB for each",
		"memory of many":             "about 195 MiB",
		"a library that is the best": "The fastest other library with a key set needs 0.50 times",
		"machine":                    "Some CPU, 2 processors, linux/amd64, go1.27.0",
		"command":                    "`GOWORK=off go -C bench run . -out ../docs`",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: %q is not on the page", name, want)
		}
	}
	for _, odd := range []string{"NaN", "Inf", "<no value>", "%!"} {
		if strings.Contains(page, odd) {
			t.Errorf("the page has %q", odd)
		}
	}
}

func TestGoals(t *testing.T) {
	r := invented()
	goalOf := func(work string) goal {
		for _, g := range r.goals() {
			if g.work == work {
				return g
			}
		}
		t.Fatalf("there is no goal for %q", work)
		return goal{}
	}
	const rsa, speed, dots, http = "first verification, RS256, no cache", "speed-up on two processors, distinct tokens",
		"16 KiB and 1 MiB with the wrong number of dots", "net/http, repeated token: processor time of the server"
	for name, tt := range map[string]struct {
		put  map[id]reading
		work string
		want string
	}{
		"in time":           {map[id]reading{{firstVerify, "RS256", bare}: {cpu: 100}, {firstVerify, "RS256", noCache}: {cpu: 120}}, rsa, "yes"},
		"too slow":          {map[id]reading{{firstVerify, "RS256", bare}: {cpu: 100}, {firstVerify, "RS256", noCache}: {cpu: 121}}, rsa, "**no**"},
		"as fast on two":    {map[id]reading{{oneProcessor, distinct, ours}: {wall: 100}, {twoProcessors, distinct, ours}: {wall: 100}}, speed, "yes"},
		"slower on two":     {map[id]reading{{oneProcessor, distinct, ours}: {wall: 100}, {twoProcessors, distinct, ours}: {wall: 110}}, speed, "**no**"},
		"nothing allocated": {map[id]reading{{refusedToken, manyDots, ours}: {cpu: 1}, {refusedToken, oneMiB, ours}: {cpu: 1}}, dots, "yes"},
		"one allocation":    {map[id]reading{{refusedToken, manyDots, ours}: {cpu: 1}, {refusedToken, oneMiB, ours}: {cpu: 1, allocs: 1}}, dots, "**no**"},
		"a server in time":  {map[id]reading{{overHTTP, repeated, open}: {cpu: 100}, {overHTTP, repeated, ours}: {cpu: 110}}, http, "yes"},
		"a slow server":     {map[id]reading{{overHTTP, repeated, open}: {cpu: 100}, {overHTTP, repeated, ours}: {cpu: 111}}, http, "**no**"},
	} {
		for of, read := range tt.put {
			r.put(of, read)
		}
		if g := goalOf(tt.work); g.reached != tt.want {
			t.Errorf("%s: %+v, want %s", name, g, tt.want)
		}
	}
}

// A library that does better is named, whatever is measured.
func TestWinsNamesWhoIsBetter(t *testing.T) {
	r := invented()
	if got := r.wins(); got != "In nothing that was measured does a library do better than bearerproof." {
		t.Fatalf("where all are alike: %s", got)
	}
	r.put(id{refusedToken, manyDots, "keyfunc"}, reading{cpu: 500, allocs: 1, bytes: 1100})
	r.put(id{overGRPC, repeated, "jwx"}, reading{cpu: 900, wall: 11_000})
	r.put(id{firstVerify, "ES256", bare}, reading{cpu: 1})                               // is not a library
	r.put(id{firstVerify, "ES256", noCache}, reading{cpu: 1})                            // is bearerproof
	r.put(id{firstVerify, "PS256", "cap"}, reading{cpu: 10_990, allocs: 2, bytes: 1100}) // reads the same
	want := []string{
		"- refused, 16 KiB, many dots, µs: keyfunc 0.50; bearerproof 11.0.",
		"- refused, 16 KiB, many dots, allocations: keyfunc 1; bearerproof 2.",
		"- gRPC, repeated token, µs: jwx 0.90; bearerproof 11.0.",
	}
	if got := r.wins(); got != strings.Join(want, "\n") {
		t.Errorf("wins:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}
