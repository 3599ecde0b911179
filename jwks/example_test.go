package jwks_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

func ExampleDiscover() {
	const issuer = "https://id.example.com/realms/myrealm"

	keys, err := jwks.Discover(issuer, nil) // does no I/O
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifier.New(verifier.Config{
		Issuer:     issuer,
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       keys,
	})
	fmt.Println(keys.Issuer(), err)
	// Output: https://id.example.com/realms/myrealm <nil>
}

func ExampleNewRemote() {
	// The issuer's name and the address where its keys are reached may differ, as in a
	// network of containers.
	keys, err := jwks.NewRemote("http://keycloak:8080/realms/myrealm/protocol/openid-connect/certs", &jwks.Options{
		InsecureAllowHTTP: true,
		Interval:          10 * time.Minute,
		Logger:            slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.Status().URL)
	// Output: http://keycloak:8080/realms/myrealm/protocol/openid-connect/certs
}

func ExampleNewStatic() {
	keys, err := jwks.NewStatic([]byte(`{"keys": [
		{"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "use": "sig",
		 "x": "NczzIx6zKEofr8AQgY-B6YalVuuW6dR5l9fC-MZq81c"},
		{"kty": "oct", "kid": "b", "k": "c2hhcmVk"}
	]}`))
	if err != nil {
		log.Fatal(err)
	}
	found, _ := keys.Keys(context.Background(), "a", verifier.EdDSA)
	fmt.Println(len(found), "key for a")
	for _, skipped := range keys.Skipped() {
		fmt.Println(skipped.ID, skipped.Reason)
	}
	// Output:
	// 1 key for a
	// b has the private or symmetric member k
}

func ExampleRemote_Ready() {
	keys, err := jwks.Discover("https://id.example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := keys.Ready(); err != nil {
			slog.WarnContext(r.Context(), "not ready", "error", err)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

func ExampleRemote_Warm() {
	keys, err := jwks.Discover("https://id.example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
	defer stop()
	if err := keys.Warm(ctx); err != nil {
		slog.Warn("starting without keys", "error", err) // tokens get 503 until there are some
	}
}
