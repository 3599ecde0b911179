package verifier_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// The key set and the clock of the examples: package jwks has sources for a real
// issuer, and without Now the clock is the machine's.
var (
	exampleKeys = sourceOf(exampleKey())
	exampleNow  = at(issued + 100)
	exampleJWT  = testdata.Token("RS256")
)

func exampleKey() *verifier.Key {
	key, err := verifier.NewKey("rsa-2048", verifier.RS256, signer("rsa-2048").Public())
	if err != nil {
		panic(err)
	}
	return key
}

func exampleVerifier() *verifier.Verifier {
	v, err := verifier.New(verifier.Config{
		Issuer:     "https://id.example.com",
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       exampleKeys,
		Now:        exampleNow,
	})
	if err != nil {
		panic(err)
	}
	return v
}

func exampleToken() *verifier.Token {
	token, err := exampleVerifier().Verify(context.Background(), exampleJWT)
	if err != nil {
		panic(err)
	}
	return token
}

func ExampleNew() {
	v, err := verifier.New(verifier.Config{
		Issuer:     "https://id.example.com",
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       exampleKeys, // jwks.Discover(issuer, nil)
		Now:        exampleNow,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := v.Verify(context.Background(), exampleJWT)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Subject(), token.Scopes())
	// Output: alice [todos:read todos:write]
}

// What is missing fails when the program starts.
func ExampleNew_missing() {
	_, err := verifier.New(verifier.Config{Issuer: "https://id.example.com", Algorithms: []verifier.Algorithm{verifier.RS256}, Keys: exampleKeys})
	fmt.Println(err)
	// Output: verifier: Config.Audience names no audience
}

func ExampleVerifier_Verify() {
	_, err := exampleVerifier().Verify(context.Background(), exampleJWT+"x")
	switch {
	case errors.Is(err, verifier.ErrExpired):
		fmt.Println("log in again")
	case errors.Is(err, verifier.ErrInvalidToken):
		fmt.Println("401:", verifier.KindOf(err).String())
	case err != nil:
		fmt.Println("503, retry after", verifier.RetryAfter(err))
	}
	// Output: 401: malformed
}

func ExampleBearerToken() {
	token, err := verifier.BearerToken([]string{"Bearer abc.def.ghi"})
	fmt.Println(token, err)
	_, err = verifier.BearerToken([]string{"Basic eDp5"})
	fmt.Println(err)
	// Output:
	// abc.def.ghi <nil>
	// verifier: no bearer token: the Authorization field has another scheme
}

func ExampleClaims() {
	type claims struct {
		ID string `json:"jti"`
	}
	c, err := verifier.Claims[claims](exampleToken())
	fmt.Println(c.ID, err)
	// Output: sample <nil>
}

func ExampleScopes() {
	err := verifier.Authorize(context.Background(), exampleToken(), verifier.Scopes("todos:read", "admin"))
	fmt.Println(err)
	if refusal, ok := errors.AsType[*verifier.Error](err); ok {
		fmt.Println("asks for:", refusal.Scope)
	}
	// Output:
	// verifier: the token is not sufficient: scope "admin" is missing
	// asks for: todos:read admin
}

// Any function of its shape is a Check.
func ExampleCheck() {
	blocked := map[string]bool{"mallory": true}
	notBlocked := verifier.Check(func(_ context.Context, t *verifier.Token) error {
		if blocked[t.Subject()] {
			return errors.New("the account is blocked")
		}
		return nil
	})
	fmt.Println(verifier.Authorize(context.Background(), exampleToken(), notBlocked))
	// Output: <nil>
}

func ExampleAuthorize() {
	err := verifier.Authorize(context.Background(), exampleToken(), func(context.Context, *verifier.Token) error {
		return &verifier.Error{Kind: verifier.ErrUnavailable, Err: errors.New("the database is down")}
	})
	fmt.Println(verifier.KindOf(err).String(), verifier.RetryAfter(err))
	// Output: unavailable 1s
}

func ExampleRFC9068() {
	err := verifier.RFC9068(context.Background(), exampleToken())
	fmt.Println(err)
	// Output: verifier: a claim is not acceptable: client_id is absent, and RFC 9068 requires it
}

func ExampleByIssuer() {
	partner, err := verifier.New(verifier.Config{
		Issuer:     "https://partner.example.com",
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.ES256},
		Keys:       sourceOf(), // the partner's own keys
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := verifier.ByIssuer(exampleVerifier(), partner)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := v.Verify(context.Background(), exampleJWT)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Issuer())
	// Output: https://id.example.com
}

// The tenants are rows of a database, or, as here, of a map. A tenant's verifier is made
// once, so that it keeps its keys when it is asked for again.
func ExampleByIssuerFunc() {
	var mu sync.Mutex
	tenants := map[string]*verifier.Verifier{"https://id.example.com": nil, "https://partner.example.com": nil}

	resolve := func(_ context.Context, issuer string) (*verifier.Verifier, error) {
		mu.Lock()
		defer mu.Unlock()
		known, ok := tenants[issuer] // a stranger wrote it: nothing else is done with it before this
		if !ok {
			return nil, verifier.ErrIssuer
		}
		if known != nil {
			return known, nil
		}
		made, err := verifier.New(verifier.Config{
			Issuer:     issuer,
			Audience:   verifier.AnyOf("todo-api"),
			Algorithms: []verifier.Algorithm{verifier.RS256},
			Keys:       exampleKeys, // jwks.Discover(issuer, nil), which fetches nothing yet
			Now:        exampleNow,
		})
		if err != nil {
			return nil, err
		}
		tenants[issuer] = made
		return made, nil
	}

	v, err := verifier.ByIssuerFunc(resolve, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := v.Verify(context.Background(), exampleJWT)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Issuer(), token.Subject())
	// Output: https://id.example.com alice
}

// Every tenant that is active at a time should have a place.
func ExampleByIssuerFuncOptions() {
	resolve := func(context.Context, string) (*verifier.Verifier, error) { return nil, verifier.ErrIssuer }
	v, err := verifier.ByIssuerFunc(resolve, &verifier.ByIssuerFuncOptions{
		Size:     2000,
		Lifetime: 2 * time.Minute, // a tenant that is taken off stops within twice this
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = v.Verify(context.Background(), exampleJWT)
	fmt.Println(err)
	// Output: verifier: wrong issuer: iss is "https://id.example.com"
}

func ExampleNewContext() {
	ctx := verifier.NewContext(context.Background(), exampleToken())
	token, ok := verifier.FromContext(ctx)
	fmt.Println(token.Subject(), ok)
	// Output: alice true
}

func ExampleFromContext() {
	handler := func(ctx context.Context) string {
		token, ok := verifier.FromContext(ctx)
		if !ok {
			return "500: mounted without authentication"
		}
		return "hello " + token.Subject()
	}
	fmt.Println(handler(context.Background()))
	fmt.Println(handler(verifier.NewContext(context.Background(), exampleToken())))
	// Output:
	// 500: mounted without authentication
	// hello alice
}

func ExampleParseAlgorithm() {
	alg, err := verifier.ParseAlgorithm("ES256")
	fmt.Println(alg, err)
	_, err = verifier.ParseAlgorithm("none")
	fmt.Println(err)
	// Output:
	// ES256 <nil>
	// verifier: "none" is not an algorithm that a token may be signed with
}

// Settings name algorithms as JOSE does.
func ExampleAlgorithm_UnmarshalText() {
	var settings struct {
		Algorithms []verifier.Algorithm `json:"algorithms"`
	}
	err := json.Unmarshal([]byte(`{"algorithms":["RS256","EdDSA"]}`), &settings)
	fmt.Println(settings.Algorithms, err)
	// Output: [RS256 EdDSA] <nil>
}

func ExampleNewKey() {
	key, err := verifier.NewKey("2026-01", verifier.RS256, signer("rsa-2048").Public())
	fmt.Println(key.ID(), key.Algorithm(), err)
	_, err = verifier.NewKey("old", verifier.RS256, signer("rsa-1024").Public())
	fmt.Println(err)
	// Output:
	// 2026-01 RS256 <nil>
	// verifier: RSA key has 1024 bits, which is not 2048 to 8192
}

func ExampleToken_LogValue() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindTime {
			return slog.Attr{} // times are not the same in every time zone
		}
		return a
	}}))
	log.Info("verified", "token", exampleToken())
	// Output: level=INFO msg=verified token.iss=https://id.example.com token.sub=alice token.kid=rsa-2048
}
