package issuertest_test

import (
	"net/http"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
)

func TestNodes(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		first := []byte("first")
		idp.KeySet().Break(issuertest.Nodes(first, nil, []byte{}))
		first[0] = 'F'
		own := string(idp.KeySet().Content())
		for turn, want := range []string{"first", own, "", "first", own} {
			if a := fetch(t, idp, idp.KeySet().URL()); a.body != want || a.status != 200 || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("fetch %d: status %d, body %q, want %q", turn, a.status, a.body, want)
			}
		}
		idp.Repair()
		if a := fetch(t, idp, idp.KeySet().URL()); a.body != own {
			t.Errorf("body %q after the repair, want the issuer's own", a.body)
		}
	})
}

func TestNodesTakeTurnsWhateverComesAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		idp.KeySet().Break(issuertest.Nodes([]byte("a"), []byte("b"), []byte("c")))
		bodies := make(chan string)
		for range 12 {
			go func() { bodies <- fetch(t, idp, idp.KeySet().URL()).body }()
		}
		count := map[string]int{}
		for range 12 {
			count[<-bodies]++
		}
		if count["a"] != 4 || count["b"] != 4 || count["c"] != 4 {
			t.Errorf("the nodes answered %v, want 4 each", count)
		}
	})
}

func TestNodesHeedValidators(t *testing.T) {
	idp := issuertest.Start(t)
	idp.KeySet().SetHeader("ETag", `"one"`)
	idp.KeySet().Break(issuertest.Nodes([]byte("a"), []byte("b")))
	for validator, want := range map[string]int{`"one"`: 304, `"two"`: 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, idp.KeySet().URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", validator)
		if a, err := answerOf(idp.Client().Do(req)); err != nil || a.status != want {
			t.Errorf("status %d and error %v for %s, want %d", a.status, err, validator, want)
		}
	}
}
