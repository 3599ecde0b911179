package main

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// A library that is measured behind a server is really asked: a bad token does not come
// through.
func TestServersRefuse(t *testing.T) {
	s, err := newScene("RS256", 1)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := forge(s.tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, transport := range transports() {
		for _, library := range guarded() {
			server, err := newChild(t.Context(), order{transport, library, s.issuer.documents, s.warm})
			if err != nil {
				t.Fatal(err)
			}
			for name, tokens := range map[string]string{"good": s.tokens[0], "bad": bad} {
				callers, err := dial(t.Context(), transport, server.address, []string{tokens}, s.warm)
				if err != nil {
					t.Fatalf("%s, %s: %v", transport, library, err)
				}
				_, err = load(callers, 40, 1)
				if accepted, want := err == nil, name == "good" || !authenticates(library); accepted != want {
					t.Errorf("%s, %s: the %s token: %v", transport, library, name, err)
				}
				if err := closeAll(callers); err != nil {
					t.Error(err)
				}
			}
			if err := server.close(); err != nil {
				t.Errorf("%s, %s: %v", transport, library, err)
			}
		}
	}
}

// A server that is set up again has another address, and goes on counting its time.
func TestServe(t *testing.T) {
	s, err := newScene("RS256", 0)
	if err != nil {
		t.Fatal(err)
	}
	first, err := json.Marshal(order{overHTTP, ours, s.issuer.documents, s.warm})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	in := string(first) + "\n" + sayUsage + "\n" + sayAgain + "\n"
	if err := serve(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	var all []answer
	for line := range bytes.Lines(out.Bytes()) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	if len(all) != 3 || all[0].Address == "" || all[1].Address != "" || all[2].Address == "" {
		t.Fatalf("the answers are %+v", all)
	}
	if all[0].Used <= 0 || all[2].Used < all[0].Used {
		t.Errorf("the processor time is %d, and %d later", all[0].Used, all[2].Used)
	}
}

func TestServeRefusesOddOrders(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":            "",
		"no JSON":            "x\n",
		"an unknown library": `{"transport":"net/http","library":"nobody"}` + "\n",
		"no keys":            `{"transport":"net/http","library":"go-oidc"}` + "\n",
	} {
		if err := serve(t.Context(), strings.NewReader(in), io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDiscardKnowsRefusals(t *testing.T) {
	d := &discard{header: make(http.Header)}
	d.WriteHeader(http.StatusUnauthorized)
	if d.refusal() == nil {
		t.Error("401 is no refusal")
	}
	if d.WriteHeader(http.StatusOK); d.refusal() != nil {
		t.Error("200 is a refusal")
	}
}

func TestProtectIsTheLeast(t *testing.T) {
	good := errors.New("good")
	handler, err := protect(careless{func(raw string) error {
		if raw == "good" {
			return nil
		}
		return good
	}}, http.HandlerFunc(hello))
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]int{"Bearer good": 0, "Bearer bad": 401, "good": 401, "": 401} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", field)
		w := &discard{header: make(http.Header)}
		if handler.ServeHTTP(w, r); w.status != want {
			t.Errorf("%q: %d, want %d", field, w.status, want)
		}
	}
	if _, own := any(careless{}).(peers.Protector); own {
		t.Error("the double has a middleware of its own")
	}
}
