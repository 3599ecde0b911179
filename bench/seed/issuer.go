package main

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

// audience is that of the example.
const audience = "todo-api"

// issuer is the issuer of all servers. It runs in this process, so that what it costs
// is not counted as theirs.
type issuer struct {
	*issuertest.Issuer
	key     *issuertest.Key
	server  *http.Server
	fetches atomic.Int64 // requests for the key set
}

// startIssuer serves an issuer on a free port until stop.
func startIssuer(ctx context.Context) (*issuer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &issuer{Issuer: issuertest.New("http://" + l.Addr().String() + "/realms/todo")}
	i.key = i.AddKey(verifier.RS256)
	i.server = &http.Server{Handler: i, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := i.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			_ = l.Close() // the servers will say that they get no keys
		}
	}()
	return i, nil
}

func (i *issuer) stop() { _ = i.server.Close() }

// keySetURL is the address of the key set.
func (i *issuer) keySetURL() string { return i.URL() + "/keys" }

// ServeHTTP counts the requests for the key set.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/keys") {
		i.fetches.Add(1)
	}
	i.Issuer.ServeHTTP(w, r)
}

// token returns a token with the members and the size of those that Keycloak issues,
// but for the given ones; nil leaves one out.
func (i *issuer) token(header, claims issuertest.Claims) string {
	return tokenOf(i.key, header, claims)
}

func tokenOf(key *issuertest.Key, header, claims issuertest.Claims) string {
	roles := func(names ...string) issuertest.Claims { return issuertest.Claims{"roles": names} }
	now := time.Now()
	all := issuertest.Claims{
		"iat": now, "exp": now.Add(time.Hour),
		"aud": []string{audience, "account"},
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

// newTokens returns good tokens, no two of which are equal.
func (i *issuer) newTokens(ctx context.Context, n, workers int) ([]string, error) {
	tokens := make([]string, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for at := next.Add(1) - 1; at < int64(n) && ctx.Err() == nil; at = next.Add(1) - 1 {
				tokens[at] = i.token(nil, nil) // each has a "jti" of its own
			}
		})
	}
	all.Wait()
	return tokens, ctx.Err()
}
