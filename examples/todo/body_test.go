package main

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"title":"a"}`, `{"title":null}`, `{}`, `null`, `[]`, "{\"title\":\"\xff\"}", `{"title":"\ud800"}`, `{"title":"a"}{}`} {
		f.Add(seed)
	}
	type patch struct {
		Title optional[string] `json:"title"`
		Done  optional[bool]   `json:"done"`
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequestWithContext(t.Context(), "PATCH", "/", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		got, err := readBody[patch](httptest.NewRecorder(), r)
		if err != nil {
			if p, ok := errors.AsType[*problem](err); !ok || p.Status < 400 || p.Status > 499 {
				t.Errorf("%q gave %v, want a problem that blames the client", text, err)
			}
			return
		}
		if got.Title.value != nil && !utf8.ValidString(*got.Title.value) {
			t.Errorf("%q gave a title that is not UTF-8", text)
		}
	})
}
