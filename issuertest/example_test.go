package issuertest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func ExampleStart() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client()})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     idp.URL(),
		Audience:   verifier.AnyOf("api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := v.Verify(t.Context(), idp.Token(issuertest.Claims{"sub": "bob"}))
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject() != "bob" {
		t.Errorf("subject %q, want bob", token.Subject())
	}
}

// A development server can have its issuer beside the application. Here, it serves
// one request.
func ExampleNew() {
	idp := issuertest.New("http://127.0.0.1:8080/issuer")
	idp.AddKey(verifier.ES256)
	mux := http.NewServeMux()
	mux.Handle("/issuer/", idp)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, idp.Discovery().URL(), nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 {"issuer":"http://127.0.0.1:8080/issuer","jwks_uri":"http://127.0.0.1:8080/issuer/keys","response_types_supported":["code"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256"]}
}

func ExampleIssuer_Token() {
	idp := issuertest.New("https://id.example.com")
	keys, err := jwks.NewStatic(idp.KeySet().Content())
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     idp.URL(),
		Audience:   verifier.AnyOf("api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, claims := range []issuertest.Claims{
		nil,
		{"exp": time.Now().Add(-time.Hour)},
		{"exp": nil},
		{"aud": []string{"shop", "bank"}},
	} {
		_, err := v.Verify(context.Background(), idp.Token(claims))
		if err != nil {
			fmt.Println(verifier.KindOf(err).String())
			continue
		}
		fmt.Println("accepted")
	}
	// Output:
	// accepted
	// expired
	// claim
	// audience
}

func ExampleIssuer_Withdraw() {
	idp := issuertest.New("https://id.example.com")
	old := idp.AddKey(verifier.ES256)
	idp.Rotate()
	idp.Withdraw(old)
	_ = old.Token(nil) // bears a kid that is no longer in the key set
}

func ExampleIssuer_NewKey() {
	idp := issuertest.New("https://id.example.com")
	key := idp.NewKey(verifier.EdDSA)
	_ = key.Token(nil) // bears a kid that the key set does not have yet
	idp.Publish(key)
}

func ExampleKey_TokenWithHeader() {
	key := issuertest.New("https://id.example.com").NewKey(verifier.ES256)
	_ = key.TokenWithHeader(issuertest.Claims{"kid": nil, "typ": "JWT"}, issuertest.Claims{"sub": "bob"})
}

func ExampleDocument_Break() {
	idp := issuertest.New("https://id.example.com")
	idp.KeySet().SetHeader("Retry-After", "30")
	idp.KeySet().Break(issuertest.Status(http.StatusServiceUnavailable))

	w := httptest.NewRecorder()
	idp.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, idp.KeySet().URL(), nil))
	fmt.Println(w.Code, w.Header().Get("Retry-After"), idp.KeySet().Fetches())
	idp.KeySet().Repair()
	// Output: 503 30 1
}

// A fault of one's own: the issuer is away under its own name, and its key set can
// be had from a mirror. In memory, the issuer answers under every name.
func ExampleFault() {
	t := new(testing.T) // the test's own

	idp := issuertest.Start(t)
	keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client(), Failover: "https://mirror.example.com/keys"})
	if err != nil {
		t.Fatal(err)
	}
	away := issuertest.Status(http.StatusServiceUnavailable)
	idp.Break(func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
		if r.Host == "mirror.example.com" {
			healthy.ServeHTTP(w, r)
			return
		}
		away(w, r, healthy)
	})
	if err := keys.Warm(t.Context()); err != nil {
		t.Error(err)
	}
}
