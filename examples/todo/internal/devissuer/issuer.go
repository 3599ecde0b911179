package devissuer

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The scopes of the API that every client may be granted.
const (
	ScopeRead  = "todos:read"
	ScopeWrite = "todos:write"
)

// What one request may carry. Both count towards the memory that requests of unknown origin can take.
const (
	maxQuery = 8 << 10
	maxBody  = 8 << 10
)

// Issuer is an OpenID provider for development. It is made by [New] and safe for concurrent use. It has no goroutine
// and needs no closing.
type Issuer struct {
	url     string // set once
	path    string // set once; of the issuer's URL, empty at the root
	secure  bool   // set once; https
	logger  *slog.Logger
	storage *storage
	logins  *browserLogins
	login   *loginPage
	op      provider
	routes  http.Handler
}

// provider is the library's provider with one grant fewer: no client here has a key to sign assertions with
// (RFC 7523), and the library would answer an attempt with a server error.
type provider struct{ *op.Provider }

func (provider) GrantTypeJWTAuthorizationSupported() bool { return false }

// New returns an issuer with a fresh RSA key of 2048 bits. It does no I/O.
//
// It refuses an issuer URL or a redirect URI whose host is not localhost or a loopback address: anybody who reaches
// the issuer gets tokens of either user without a password, so it must be out of reach from other machines, and so
// must the pages that it sends codes to.
func New(o Options) (*Issuer, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	at, err := parseIssuer(o.Issuer)
	if err != nil {
		return nil, err
	}
	keys, err := newKeyring(o.KeyRetention)
	if err != nil {
		return nil, err
	}
	store := newStorage(clientsFor(o), o.Audience, o.TokenLifetime, keys)
	served, err := newProvider(o.Issuer, store)
	if err != nil {
		return nil, err
	}
	i := &Issuer{url: o.Issuer, path: at.Path, secure: at.Scheme == "https", logger: o.Logger, storage: store, op: served}
	i.logins = newBrowserLogins(i, at.Port())
	if i.login, err = newLoginPage(i); err != nil {
		return nil, err
	}
	i.routes = i.newRoutes(originsOf(o.WebRedirects))
	return i, nil
}

// URL returns the issuer's URL as it was given.
func (i *Issuer) URL() string { return i.url }

// Path returns the path of the issuer's URL, empty when it has none. A mux serves the issuer at Path()+"/". The
// issuer strips the path itself.
func (i *Issuer) Path() string { return i.path }

// CurrentKeyID returns the kid of the key that signs now.
func (i *Issuer) CurrentKeyID() string { return i.storage.keys.signing().id }

// Rotate makes a new key sign. The key before it stays in the key set for Options.KeyRetention, or until
// [Issuer.DropOldKeys]; of more than 16 such keys the oldest are dropped. It fails when ctx has ended or the system
// gives no randomness, and then nothing has changed.
func (i *Issuer) Rotate(ctx context.Context) error {
	old, current, err := i.storage.keys.rotate(ctx)
	if err != nil {
		return err
	}
	i.logger.InfoContext(ctx, "signing key rotated", slog.String("old_kid", old), slog.String("kid", current))
	return nil
}

// DropOldKeys withdraws every key but the current one, as an issuer does whose keys were stolen.
func (i *Issuer) DropOldKeys() { i.storage.keys.dropRetired() }

// ServeHTTP answers requests below the issuer's URL; see the package comment for whom. The key set, discovery, the
// token endpoint, user info and revocation also answer scripts of the web client's origins.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isLoopback(hostOf(r)) {
		http.Error(w, "the development issuer answers on the loopback interface only", http.StatusMisdirectedRequest)
		return
	}
	if isForwarded(r) {
		http.Error(w, "the development issuer answers no proxies", http.StatusMisdirectedRequest)
		return
	}
	if len(r.URL.RawQuery) > maxQuery {
		http.Error(w, "the query is too long", http.StatusRequestURITooLong)
		return
	}
	// The router would redirect an unclean path to the clean one, but without the issuer's own path.
	if !strings.HasPrefix(r.URL.Path, i.path+"/") || path.Clean(r.URL.Path) != r.URL.Path {
		http.NotFound(w, r)
		return
	}
	// RFC 6749, section 5.1: nothing that may hold a token or a code is kept by anybody on the way.
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	http.StripPrefix(i.path, i.routes).ServeHTTP(w, r)
}

// newRoutes names every endpoint that is served. What the library has beyond these (introspection, device
// authorization, health) is not.
func (i *Issuer) newRoutes(origins []string) http.Handler {
	library := op.CreateRouter(i.op)

	api := http.NewServeMux()
	api.HandleFunc("GET "+oidc.DiscoveryEndpoint, i.serveDiscovery)
	api.Handle("GET /keys", cacheable(library))
	// By POST and in the body only: credentials do not belong into a URL (RFC 6749, section 2.3.1).
	api.Handle("POST /oauth/token", withoutQuery(withoutAssertion(library)))
	api.Handle("POST /revoke", withoutQuery(withoutAssertion(library)))
	api.Handle("GET /userinfo", library)
	api.Handle("POST /userinfo", library)
	shared := cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool { return slices.Contains(origins, origin) },
		AllowedMethods:  []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:  []string{"Authorization", "Content-Type"},
	}).Handler(api)

	routes := http.NewServeMux()
	for _, pattern := range []string{oidc.DiscoveryEndpoint, "/keys", "/oauth/token", "/revoke", "/userinfo"} {
		routes.Handle(pattern, shared)
	}
	for _, method := range []string{"GET ", "POST "} {
		routes.Handle(method+"/authorize", forWindows(library))
		routes.Handle(method+"/end_session", i.logins.ending(library))
	}
	routes.Handle("GET /authorize/callback", library)
	routes.HandleFunc("GET /login", i.login.show)
	ours := http.NewCrossOriginProtection()
	routes.Handle("POST /login", ours.Handler(http.HandlerFunc(i.login.submit)))
	routes.Handle("POST /rotate", ours.Handler(http.HandlerFunc(i.serveRotate)))
	routes.HandleFunc("GET /logged-out", i.login.showLoggedOut)
	return routes
}

func newProvider(issuer string, store *storage) (provider, error) {
	config := &op.Config{
		DefaultLogoutRedirectURI: issuer + "/logged-out",
		CodeMethodS256:           true,
		AuthMethodPost:           true,
		GrantTypeRefreshToken:    true,
	}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil { // seals the codes
		return provider{}, err
	}
	// The routes have their own CORS; http is refused by the library unless it is told that this is development.
	served, err := op.NewProvider(config, store, op.StaticIssuer(issuer), op.WithAllowInsecure(), op.WithCORSOptions(nil))
	return provider{served}, err
}

func clientsFor(o Options) map[string]*client {
	web := &client{
		id:        o.WebClientID,
		redirects: o.WebRedirects,
		logouts:   slices.Clone(o.WebRedirects),
		grants:    []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken},
		scopes: []string{
			oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess, ScopeRead, ScopeWrite,
		},
		loginURL: o.Issuer + "/login",
		lifetime: o.TokenLifetime,
	}
	for _, origin := range originsOf(o.WebRedirects) {
		web.logouts = append(web.logouts, origin, origin+"/")
	}
	clients := map[string]*client{web.id: web}
	for _, u := range directory() {
		clients[u.name] = newMachineClient(u.name, o.TokenLifetime)
	}
	return clients
}

// newMachineClient returns the client that acts for the user of its name.
func newMachineClient(name string, lifetime time.Duration) *client {
	return &client{
		id:       name,
		secret:   name,
		grants:   []oidc.GrantType{oidc.GrantTypeClientCredentials},
		scopes:   []string{ScopeRead, ScopeWrite},
		defaults: []string{ScopeRead, ScopeWrite},
		lifetime: lifetime,
	}
}

// originsOf is called with redirect URIs that were checked.
func originsOf(redirects []string) []string {
	var origins []string
	for _, redirect := range redirects {
		u, err := url.Parse(redirect)
		if err != nil {
			continue
		}
		if origin := originOf(u); !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// hostOf returns the host that the client meant to reach, without the port.
func hostOf(r *http.Request) string {
	return (&url.URL{Host: r.Host}).Hostname()
}

func (i *Issuer) isAt(origin string) bool { return strings.HasPrefix(i.url+"/", origin+"/") }

// isForwarded reports whether a proxy says that it passed the request on. A tunnel that rewrites Host to the loopback
// address would give the world an issuer without passwords.
func isForwarded(r *http.Request) bool {
	return slices.ContainsFunc([]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host"}, func(name string) bool {
		return len(r.Header.Values(name)) > 0
	})
}

// withoutAssertion refuses clients that authenticate by a signed assertion (RFC 7523 §2.2), for which the library
// answers 500: no client here has a key.
func withoutAssertion(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_assertion_type") == "" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_client","error_description":"client assertions are not supported"}`))
	})
}

// withoutQuery refuses parameters in the URL, which the library takes as if they were in the body.
func withoutQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			op.RequestError(w, r, oidc.ErrInvalidRequest().WithDescription("parameters belong into the body"), nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forWindows refuses requests that a browser sends for a script, an image or a frame (Fetch Metadata, Sec-Fetch-Dest).
// With those, any page could push the logins under way out of the bounded memory, unseen.
func forWindows(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if destination := r.Header.Get("Sec-Fetch-Dest"); destination != "" && destination != "document" {
			http.Error(w, "a login is begun by the browser's window", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// cacheable lets an answer be kept if it is checked again before each use.
func cacheable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
