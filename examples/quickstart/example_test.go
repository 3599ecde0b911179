package quickstart

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/go-chi/chi/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/bearerproof/bearerproof/adapters/chiauth"
	"github.com/bearerproof/bearerproof/adapters/grpcauth"
	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func newVerifier() (*verifier.Verifier, error) {
	const issuer = "https://id.example.com/realms/myrealm"

	keys, err := jwks.Discover(issuer, nil)
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
}

// list and create are what a service does once it knows who calls.
func list(w http.ResponseWriter, r *http.Request) {
	if t, ok := verifier.FromContext(r.Context()); ok {
		listOf(w, t.Subject())
	}
}

func listOf(w http.ResponseWriter, owner string) { fmt.Fprintln(w, "the todos of", owner) }

func create(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }

// status asks a handler without a token.
func status(h http.Handler, method string) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/todos", nil))
	return w.Code
}

func Example_netHTTP() {
	v, err := newVerifier()
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()

	auth := httpauth.New(v, nil)
	mux.Handle("GET /todos", auth.HandlerFunc(func(w http.ResponseWriter, r *http.Request, t *verifier.Token) {
		listOf(w, t.Subject())
	}))
	mux.Handle("POST /todos", auth.Require(verifier.Scopes("todos:write"))(http.HandlerFunc(create)))

	fmt.Println(status(mux, http.MethodGet), status(mux, http.MethodPost))
	// Output: 401 401
}

func Example_chi() {
	v, err := newVerifier()
	if err != nil {
		fmt.Println(err)
		return
	}
	r := chi.NewRouter()

	auth := httpauth.New(v, nil)
	chiauth.Group(r, auth, func(r chi.Router) {
		r.Get("/todos", list)
		r.With(auth.Require(verifier.Scopes("todos:write"))).Post("/todos", create)
	})

	fmt.Println(status(r, http.MethodGet), status(r, http.MethodPost))
	// Output: 401 401
}

func Example_gRPC() {
	if err := serveGRPC(); err != nil {
		fmt.Println(err)
	}
	// Output: [grpc.health.v1.Health]
}

func serveGRPC() error {
	v, err := newVerifier()
	if err != nil {
		return err
	}

	auth := grpcauth.New(v, &grpcauth.Options{
		Public: []string{"/grpc.health.v1.Health/Check"},
	})
	server := grpc.NewServer(auth.ServerOptions()...)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	if err := auth.Validate(server); err != nil { // a misspelt method name
		return err
	}
	fmt.Println(slices.Sorted(maps.Keys(server.GetServiceInfo())))
	return nil
}

func TestWithIssuertest(t *testing.T) {
	idp := issuertest.Start(t)
	keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client()})
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     idp.URL(),
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	protected := httpauth.New(v, nil).Require(verifier.Scopes("todos:write"))(http.HandlerFunc(create))
	r := httptest.NewRequest(http.MethodPost, "/todos", nil)
	r.Header.Set("Authorization", "Bearer "+idp.Token(issuertest.Claims{"aud": "todo-api", "scope": "todos:write"}))
	w := httptest.NewRecorder()
	protected.ServeHTTP(w, r)
	if w.Code != http.StatusCreated {
		t.Errorf("%d %s, want 201", w.Code, w.Body)
	}
}
