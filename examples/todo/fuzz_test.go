package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
)

// FuzzAPI sends bob's requests. In path, header and body, {hers} stands for the id
// of a todo of alice, {his} for that of one of bob, and {none} for one that nobody
// has. header has lines of a name and a value.
func FuzzAPI(f *testing.F) {
	s := newService(f)
	routes := s.api.routes(mountOpenAPI)
	if err := s.auth.keys.Warm(f.Context()); err != nil {
		f.Fatal(err)
	}
	hers, err := s.store.Create(f.Context(), "alice", "secret "+rand.Text())
	if err != nil {
		f.Fatal(err)
	}
	bob := s.full("bob")
	his := ""
	f.Fuzz(func(t *testing.T, method, path, header string, body []byte) {
		if _, err := s.store.Get(t.Context(), "bob", his); errors.Is(err, store.ErrNotFound) {
			todo, err := s.store.Create(t.Context(), "bob", "his")
			if err != nil {
				t.Fatal(err)
			}
			his = todo.ID
		}
		ids := strings.NewReplacer("{hers}", hers.ID, "{his}", his, "{none}", nobodysID)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, "http://todo.example.com/"+ids.Replace(path), strings.NewReader(ids.Replace(string(body))))
		if err != nil {
			t.Skip("not a request") // net/http refuses it too
		}
		for line := range strings.Lines(ids.Replace(header)) {
			if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); ok {
				r.Header.Add(name, strings.TrimSpace(value))
			}
		}
		if r.Header.Get("Authorization") == "" {
			r.Header.Set("Authorization", "Bearer "+bob)
		}
		w := recorder{httptest.NewRecorder(), cancel} // a client leaves after the first event
		routes.ServeHTTP(w, r)
		if w.Code < 200 || w.Code > 499 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w.Code > 399 {
			if p := fromJSON[problem](t, w.Body.String()); p.Status != w.Code || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s, want a problem", w.Code, w.Body)
			}
		}
		if strings.Contains(w.Body.String(), hers.Title) {
			t.Errorf("bob sees alice's todo: %d %s", w.Code, w.Body)
		}
		if now, err := s.store.Get(t.Context(), "alice", hers.ID); err != nil || now != hers {
			t.Errorf("alice's todo has become %+v, %v", now, err)
		}
		if w.Code == http.StatusCreated {
			made := fromJSON[todoJSON](t, w.Body.String())
			if err := store.CheckTitle(made.Title); err != nil {
				t.Errorf("a todo was made whose %v", err)
			}
			if err := s.store.Delete(t.Context(), "bob", made.ID); err != nil {
				t.Error(err)
			}
		}
	})
}
