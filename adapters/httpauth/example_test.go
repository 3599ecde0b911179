package httpauth_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// provider returns the verifier that the examples use. None of them sends a token, so
// no key is fetched.
func provider() *verifier.Verifier {
	const issuer = "https://id.example.com/realms/myrealm"
	keys, err := jwks.Discover(issuer, nil)
	if err != nil {
		log.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.EdDSA},
		Keys:       keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// ask sends a GET request without credentials.
func ask(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// Protection is put on each route, and the health check has none.
func Example() {
	auth := httpauth.New(provider(), nil)

	mux := http.NewServeMux()
	mux.Handle("GET /todos", auth.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, t *verifier.Token) {
		fmt.Fprintln(w, "the todos of", t.Subject())
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})

	w := ask(mux, "/todos")
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	fmt.Println(w.Body)
	w = ask(mux, "/healthz")
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 Bearer realm="api"
	// {"type":"about:blank","title":"Unauthorized","status":401,"detail":"a bearer token is required"}
	// 200 ok
}

// Require protects handlers of the usual shape. Checks are demands beyond a good
// token.
func ExampleAuth_Require() {
	auth := httpauth.New(provider(), nil)
	create := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok := verifier.FromContext(r.Context())
		if !ok { // mounted without Require
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "a todo of", t.Subject())
	})

	mux := http.NewServeMux()
	mux.Handle("POST /todos", auth.Require(verifier.Scopes("todos:write"))(create))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/todos", nil))
	fmt.Println(w.Code)
	// Output: 401
}

// A handler that takes a token cannot be mounted without authentication.
func ExampleAuth_HandlerFunc() {
	auth := httpauth.New(provider(), &httpauth.Options{Realm: "todos"})
	list := func(w http.ResponseWriter, _ *http.Request, t *verifier.Token) {
		fmt.Fprintln(w, "the todos of", t.Subject())
	}

	mux := http.NewServeMux()
	mux.Handle("GET /todos", auth.HandlerFunc(list, verifier.Scopes("todos:read")))

	w := ask(mux, "/todos")
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer realm="todos"
}

// Optional lets requests without a credential through, and refuses bad tokens.
func ExampleAuth_Optional() {
	auth := httpauth.New(provider(), nil)
	greet := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "stranger"
		if t, ok := verifier.FromContext(r.Context()); ok {
			name = t.Subject()
		}
		fmt.Fprintln(w, "hello,", name)
	})

	fmt.Print(ask(auth.Optional(greet), "/").Body)
	// Output: hello, stranger
}

// ErrorWriter writes answers in a form of its own; the fields are set already.
func ExampleNew_errorWriter() {
	auth := httpauth.New(provider(), &httpauth.Options{
		ErrorWriter: func(w http.ResponseWriter, _ *http.Request, refusal httpauth.Refusal) {
			if errors.Is(refusal.Err, verifier.ErrKeysUnavailable) {
				refusal.Description = "please try again in a moment"
			}
			http.Error(w, refusal.Description, refusal.Status)
		},
	})
	h := auth.Require()(http.NotFoundHandler())

	w := ask(h, "/")
	fmt.Print(w.Code, " ", w.Body)
	// Output: 401 a bearer token is required
}
