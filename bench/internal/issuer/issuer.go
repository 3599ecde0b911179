// Package issuer is the issuer of the servers that are measured.
package issuer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

// Audience is that of the example.
const Audience = "todo-api"

// Issuer is the issuer of all servers. It runs in this process, so that what it costs
// is not counted as theirs.
type Issuer struct {
	*issuertest.Issuer
	Key     *issuertest.Key // that of all tokens
	server  *http.Server
	fetches atomic.Int64
}

// Start serves an issuer on a free port until Close.
func Start(ctx context.Context) (*Issuer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &Issuer{Issuer: issuertest.New("http://" + l.Addr().String() + "/realms/todo")}
	i.Key = i.AddKey(verifier.RS256)
	i.server = &http.Server{Handler: i, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := i.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			_ = l.Close() // the servers will say that they get no keys
		}
	}()
	return i, nil
}

// Close stops serving.
func (i *Issuer) Close() { _ = i.server.Close() }

// Fetches returns how often the key set was asked for.
func (i *Issuer) Fetches() int { return int(i.fetches.Load()) }

// KeySetURL is the address of the key set.
func (i *Issuer) KeySetURL() string { return i.URL() + "/keys" }

// ServeHTTP counts the requests for the key set.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/keys") {
		i.fetches.Add(1)
	}
	i.Issuer.ServeHTTP(w, r)
}

// Token returns a token with the members and the size of those that Keycloak issues,
// but for the given ones; nil leaves one out.
func (i *Issuer) Token(header, claims issuertest.Claims) string {
	return TokenOf(i.Key, header, claims)
}

// TokenOf is [Issuer.Token] under another key.
func TokenOf(key *issuertest.Key, header, claims issuertest.Claims) string {
	roles := func(names ...string) issuertest.Claims { return issuertest.Claims{"roles": names} }
	now := time.Now()
	all := issuertest.Claims{
		"iat": now, "exp": now.Add(time.Hour),
		"aud": []string{Audience, "account"},
		"sub": "f1a2b3c4-d5e6-4d6c-9c4b-6f1d0f4e6a0b",
		"typ": "Bearer", "azp": "todo-web", "sid": "6f1d0f4e-6a0b-4d6c-9c4b-f1a2b3c4d5e6", "acr": "1",
		"allowed-origins": []string{"http://localhost:8080"},
		"realm_access":    roles("offline_access", "uma_authorization", "default-roles-todo", "todo-admin"),
		"resource_access": issuertest.Claims{"account": roles("manage-account", "manage-account-links", "view-profile")},
		"scope":           "openid profile email todos:read todos:write",
		"email_verified":  true, "name": "Alice Example", "preferred_username": "alice",
		"given_name": "Alice", "family_name": "Example", "email": "alice@example.com",
		"groups": []string{"/staff", "/staff/engineering", "/staff/engineering/platform"},
	}
	for name, value := range claims {
		all[name] = value
	}
	named := issuertest.Claims{"typ": "JWT"}
	for name, value := range header {
		named[name] = value
	}
	return key.TokenWithHeader(named, all)
}

// NewTokens returns good tokens, no two of which are equal.
func (i *Issuer) NewTokens(ctx context.Context, n, workers int) ([]string, error) {
	tokens := make([]string, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for at := next.Add(1) - 1; at < int64(n) && ctx.Err() == nil; at = next.Add(1) - 1 {
				tokens[at] = i.Token(nil, nil) // each has a "jti" of its own
			}
		})
	}
	all.Wait()
	return tokens, ctx.Err()
}
