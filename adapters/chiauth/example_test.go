package chiauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"

	"github.com/bearerproof/bearerproof/adapters/chiauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func ExampleGroup() {
	auth, issuer, err := newAuth()
	if err != nil {
		fmt.Println(err)
		return
	}
	r := chi.NewRouter()
	chiauth.Group(r, auth, func(r chi.Router) {
		r.Get("/me", func(w http.ResponseWriter, r *http.Request) {
			token, found := verifier.FromContext(r.Context())
			if !found {
				http.Error(w, "this route is not protected", http.StatusInternalServerError)
				return
			}
			fmt.Fprint(w, token.Subject())
		})
	})
	server := httptest.NewServer(r)
	defer server.Close()

	for _, token := range []string{"", issuer.Token(issuertest.Claims{"sub": "alice"})} {
		request, err := http.NewRequest(http.MethodGet, server.URL+"/me", http.NoBody)
		if err != nil {
			fmt.Println(err)
			return
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(response.StatusCode, response.Header.Get("WWW-Authenticate"))
		response.Body.Close()
	}
	// Output:
	// 401 Bearer realm="api"
	// 200
}

func ExampleOpenRoutes() {
	auth, _, err := newAuth()
	if err != nil {
		fmt.Println(err)
		return
	}
	list := func(http.ResponseWriter, *http.Request) {}
	r := chi.NewRouter()
	r.Get("/healthz", list)
	chiauth.Group(r, auth, func(r chi.Router) {
		r.Get("/todos", list)
		r.Get("/todos/{id:[0-9]+}", list)
	})
	r.Delete("/todos/{id:[0-9]+}", list) // by mistake outside of the group

	open, err := chiauth.OpenRoutes(r)
	fmt.Println(open, err)
	// Output: [DELETE /todos/{id:[0-9]+} GET /healthz] <nil>
}
