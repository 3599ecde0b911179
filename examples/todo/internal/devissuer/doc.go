// Package devissuer is the identity provider that the example starts when no other one is configured.
//
// It is an OpenID provider built on github.com/zitadel/oidc/v3/pkg/op: discovery, the authorization code flow with
// PKCE, client credentials, refresh tokens, user info, logout, and a key set that rotates when somebody asks for it (POST
// to /rotate). Its access tokens are JWTs signed with RS256, as an API behind a real provider would receive them.
//
// A browser stays logged in, by a cookie, for 8 hours or until it logs out; until then it gets codes without the login
// page, also when a request allows none (prompt=none). A login is begun by a window only, not
// by a script, an image or a frame.
//
// It is for development only. Nobody types a password: the login page has a button for each of the two users, alice
// and bob, and the clients alice and bob know their own names as secrets. [New] therefore refuses an issuer URL that
// is not on the loopback interface, and requests whose Host header names another machine are refused, so that a page
// elsewhere cannot reach the issuer by pointing its own name at 127.0.0.1 (DNS rebinding). So are requests that a proxy
// says it passed on, so that a tunnel does not open the issuer to others by rewriting Host.
//
// Everything is kept in memory, in bounded amounts, and is gone when the process ends. The subjects of alice and bob
// are the same in every process, so that data stored under them stays theirs.
//
// An ID token lists the API next to the client in its audience, because the provider library has one audience for
// both tokens of an answer. An API must refuse it for being an ID token (it has at_hash), not for its audience.
//
// Tokens, codes and secrets are not logged, but of a request that it refuses, the library logs to [log/slog.Default]
// what anybody may have written, such as its state and the iss of an id_token_hint that was not verified.
package devissuer
