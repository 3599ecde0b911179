// Package httpauth protects handlers of net/http with bearer access tokens (RFC
// 6750). It reads the Authorization field, has a [Verifier] judge the token, and
// either calls the handler or answers the request itself.
//
//	auth := httpauth.New(v, nil) // v is a *verifier.Verifier
//	mux.Handle("GET /todos", auth.HandlerFunc(listTodos))
//	mux.Handle("POST /todos", auth.Require(verifier.Scopes("todos:write"))(create))
//	mux.Handle("GET /healthz", health) // not wrapped, so it is open
//
// Protection is put on each route, or on a group of routes; there is no list of
// paths to leave out. A handler given to [Auth.HandlerFunc] takes the token as an
// argument, so it cannot be mounted without authentication. Behind [Auth.Require]
// a handler gets the token from [verifier.FromContext]; where that reports false,
// the route is not protected, and the handler should answer 500.
//
// # Credentials
//
// Only the Authorization field is read. A token in the query or in the body, or in
// Proxy-Authorization, is ignored (RFC 9700 §4.3.2), and the body is left to the
// handler. The scheme is compared without regard to case. See
// [verifier.BearerToken] for what is unreadable.
//
// # Answers
//
//	no bearer token         401  WWW-Authenticate: Bearer realm="api"
//	unreadable credential   400  … error="invalid_request"
//	the token is at fault   401  … error="invalid_token", error_description="…"
//	a Check said no         403  … error="insufficient_scope", and scope="…" of verifier.Scopes
//	keys unavailable        503  Retry-After
//	a Check cannot decide   503  Retry-After
//	the context has ended   503  Retry-After: 1
//	anything else           500
//
// The body is application/problem+json (RFC 9457), and empty for HEAD. Its text
// and error_description say what kind of fault it was, and contain nothing of the
// request, the token or the error. Every refusal has Cache-Control: no-store. Only
// 400, 401 and 403 have a WWW-Authenticate field, always one with one challenge;
// a client that gets a 503 keeps its token.
//
// A successful answer to an authenticated request starts with Cache-Control:
// private, unless something outside has set that field. It is set before the
// handler runs, so a handler that wants something else calls Set.
//
// # CORS
//
// A preflight carries no credentials, so it is not challenged (Fetch, CORS protocol). A
// protected route answers it with 204 and without permission, and the handler is
// not called: the browser then refuses the request. To allow it, put a CORS
// middleware outside of this one. Scripts of another origin can read the challenge
// of a refusal only with [Options.ExposeChallenge].
//
// # Logs
//
// Each refusal is one line, with the error's exact text, its kind, the method and
// the pattern of the route, never a token, a field of the request or its URL. What
// anybody can cause (400 and 401) is of level Debug, and so is a request whose
// context ended; 403 is Info and names the caller; 503 is Warn; 500 is Error.
package httpauth
