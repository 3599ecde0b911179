package main

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/issuer"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

// playedTodo is the example in small. It has a fault: "none", or what it does wrong.
type playedTodo struct {
	fault    string
	ids      []string
	versions map[string]int
}

func playTodo(address, fault string) {
	p := &playedTodo{fault: fault, versions: make(map[string]int)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			panic("a token that nobody needs")
		}
	})
	mux.HandleFunc("GET /me", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /todos", p.list)
	mux.HandleFunc("POST /todos", p.create)
	mux.HandleFunc("GET /todos/{id}", p.get)
	mux.HandleFunc("PATCH /todos/{id}", p.edit)
	s := &http.Server{Addr: address, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})}
	fmt.Println(s.ListenAndServe())
}

// list has pages of 30 todos, so that there is more than one.
func (p *playedTodo) list(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	end := min(after+30, len(p.ids))
	if end < len(p.ids) {
		w.Header().Set("Link", fmt.Sprintf(`</todos?after=%d>; rel="next"`, end))
	}
	type todo struct {
		ID string `json:"id"`
	}
	page := []todo{}
	for _, id := range p.ids[after:end] {
		page = append(page, todo{id})
	}
	_ = json.MarshalWrite(w, page)
}

func (p *playedTodo) create(w http.ResponseWriter, r *http.Request) {
	id := fmt.Sprint(len(p.ids))
	if !wellFormed(r, "title") || p.fault == "refuses" && len(p.ids) >= pageSize {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if p.fault != "forgets todos" || len(p.ids) < pageSize {
		p.ids = append(p.ids, id)
		p.versions[id] = 1
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":%q}`, id)
}

func (p *playedTodo) get(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !slices.Contains(p.ids, id) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(p.versions[id])))
	fmt.Fprintf(w, `{"id":%q}`, id)
}

func (p *playedTodo) edit(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !wellFormed(r, "done") || !slices.Contains(p.ids, id) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if p.fault != "forgets edits" {
		p.versions[id]++
	}
	if p.fault == "edits twice" {
		p.versions[id]++
	}
}

func wellFormed(r *http.Request, member string) bool {
	body, err := io.ReadAll(r.Body)
	var members map[string]any
	return err == nil && json.Unmarshal(body, &members) == nil && len(members) == 1 && members[member] != nil && r.Header.Get("Content-Type") == "application/json"
}

// playWrk sends some requests of a plan one after the other, and prints what wrk does.
func playWrk(args []string, requests string) {
	n, _ := strconv.Atoi(requests)
	url, file := args[len(args)-3], args[len(args)-1]
	plan, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(plan, []byte("\n")), []byte("\n"))
	client := &http.Client{Transport: new(http.Transport), Timeout: time.Minute}
	failed := 0
	for at := range n {
		fields := strings.Split(string(lines[(at+1)%len(lines)]), "\t") // as wrk begins with the second one
		if !playRequest(client, url, args, fields) {
			failed++
		}
	}
	work(60 * time.Millisecond) // Linux counts a machine's busy time in steps of 10 ms
	fmt.Printf("    50%%    1.50ms\n    99%%    2.50ms\n  %d requests in 2.00s, 1.00KB read\n", n)
	if failed > 0 {
		fmt.Printf("  Non-2xx or 3xx responses: %d\n", failed)
	}
}

// work takes CPU time until the process has had so much.
func work(enough time.Duration) {
	var used syscall.Rusage
	for time.Duration(used.Utime.Nano()) < enough {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			panic(err)
		}
		for at := range 100_000 {
			_ = strconv.Itoa(at)
		}
	}
}

func playRequest(client *http.Client, url string, args, fields []string) bool {
	r, err := http.NewRequestWithContext(context.Background(), fields[0], url+fields[1], strings.NewReader(fields[2]))
	if err != nil {
		return false
	}
	if fields[2] != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if at := slices.Index(args, "-H"); at >= 0 {
		name, value, _ := strings.Cut(args[at+1], ": ")
		r.Header.Set(name, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode < 400
}

// play returns a site whose wrk sends so many requests each time, and whose server has no
// fault.
func play(t *testing.T, requests int) *site {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	i, err := issuer.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	bin := t.TempDir()
	script(t, filepath.Join(bin, "wrk"), fmt.Sprintf("LOAD_TEST_WRK=%d exec %q \"$@\"", requests, self))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return &site{dir: t.TempDir(), todo: self, env: []string{"LOAD_TEST_TODO=none"}, script: "requests.lua", issuer: i}
}

// script makes a program.
func script(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// lightly is a load for tests, in which wrk has one request on its way at the end.
var lightly = wrk.Load{Length: time.Second, Connections: 1}

// onlyOn returns the cell of an act on SQLite.
func onlyOn(t *testing.T, act string) cell {
	t.Helper()
	for _, c := range cells() {
		if c.id() == act+"/sqlite" {
			return c
		}
	}
	t.Fatalf("no cell %s", act)
	return cell{}
}
