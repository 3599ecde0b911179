package jwks_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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

// outcomes passes on how fetches end.
type outcomes struct {
	jwks.NopObserver
	ended chan string // a counter in practice
}

func (o outcomes) FetchFinished(e jwks.FetchFinished) {
	select {
	case o.ended <- fmt.Sprint(e.Cause, " ", e.Outcome, " ", e.Failures):
	default: // an observer must not block
	}
}

func ExampleObserver() {
	issuer := httptest.NewServer(http.NotFoundHandler()) // an issuer without keys
	defer issuer.Close()

	o := outcomes{ended: make(chan string, 10)}
	keys, err := jwks.NewRemote(issuer.URL, &jwks.Options{Observer: o, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.Warm(context.Background()))
	fmt.Println(<-o.ended)
	// Output:
	// verifier: the issuer's keys are unavailable: jwks: the key set cannot be had: the answer has status 404
	// cold failed 1
}

func ExampleNewLogObserver() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	audit := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	o := jwks.NewLogObserver(audit) // for Options.Observer, beside Options.Logger
	o.KeyRemoved(jwks.KeyEvent{Source: "https://id.example.com", Key: jwks.KeyStatus{ID: "a", Thumbprint: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}})
	// Output: level=INFO msg="a key was removed" source=https://id.example.com kid=a thumbprint=kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
}

func ExampleFileSnapshot() {
	state := os.Getenv("STATE_DIRECTORY") // a directory that survives a restart
	keys, err := jwks.Discover("https://id.example.com", &jwks.Options{
		Snapshot: jwks.FileSnapshot(filepath.Join(state, "keys.snapshot")),
		Failover: "https://mirror.example.com/id-keys.json",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(keys.Status().Restored)
	// Output: false
}

func ExampleNewFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "keys.json")
	set := `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "use": "sig",
		"x": "NczzIx6zKEofr8AQgY-B6YalVuuW6dR5l9fC-MZq81c"}]}`
	if err := os.WriteFile(path, []byte(set), 0o600); err != nil {
		log.Fatal(err)
	}

	keys, err := jwks.NewFile(path, &jwks.FileOptions{Interval: time.Minute, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	found, _ := keys.Keys(context.Background(), "a", verifier.EdDSA)
	fmt.Println(len(found), "key for a")
	// Output: 1 key for a
}

func ExampleRemote_Status() {
	keys, err := jwks.Discover("https://id.example.com", nil)
	if err != nil {
		log.Fatal(err)
	}
	http.NewServeMux().HandleFunc("GET /debug/keys", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.MarshalWrite(w, keys.Status()); err != nil { // on an internal address
			slog.Warn("writing the status", "error", err)
		}
	})
	status := keys.Status()
	fmt.Println(status.Usable, status.UnknownKIDs.Budget)
	// Output: false 3
}
