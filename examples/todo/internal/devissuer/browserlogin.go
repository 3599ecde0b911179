package devissuer

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// browserLogin is that a browser logged in. While it lasts, the browser gets codes without a page, so that the web page
// can get its session back after a reload (prompt=none).
type browserLogin struct {
	user user
	at   time.Time
}

// browserLogins keeps the logins by the value of a cookie.
type browserLogins struct {
	issuer *Issuer
	name   string // of the cookie
	held   *expiring[browserLogin]
}

// newBrowserLogins is told the issuer's port. Cookies do not know ports (RFC 6265, section 8.5), so the name has it:
// two issuers on one machine would log each other's users out.
func newBrowserLogins(i *Issuer, port string) *browserLogins {
	return &browserLogins{issuer: i, name: "dev_issuer_login_" + port, held: newExpiring[browserLogin](maxSessions)}
}

// of returns the login of the browser that sent r.
func (b *browserLogins) of(r *http.Request) (browserLogin, bool) {
	cookie, err := r.Cookie(b.name)
	if err != nil {
		return browserLogin{}, false
	}
	return b.held.get(cookie.Value)
}

// begin gives the browser a new login in place of the one it may have. The cookie is sent along when the browser is
// led here from another site, which is how a login starts, but not with requests that another site's page makes.
func (b *browserLogins) begin(w http.ResponseWriter, r *http.Request, login browserLogin) {
	b.end(w, r)
	value := rand.Text()
	b.held.put(value, login, login.at.Add(sessionTime))
	http.SetCookie(w, b.cookie(value, 0))
}

// end forgets the login of the browser.
func (b *browserLogins) end(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie(b.name)
	if err != nil {
		return
	}
	b.held.take(cookie.Value)
	http.SetCookie(w, b.cookie("", -1))
}

// ending ends the login of a browser that is sent to log out, whatever next then makes of the request. No question is
// asked first: a page elsewhere that logs somebody out of a development issuer has won little.
//
// A hint that this issuer did not sign, or not with a key that it still has, counts as none: after a restart, which
// forgets the keys, a page could not log out otherwise. The browser goes back then to an address that is registered
// for client_id, as it does without a hint.
func (b *browserLogins) ending(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.end(w, r)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "the form cannot be read", http.StatusBadRequest)
			return
		}
		if hint := r.Form.Get("id_token_hint"); hint != "" && !b.issuer.signed(r.Context(), hint) {
			r.Form.Del("id_token_hint") // the library reads the form, and it is parsed once
		}
		next.ServeHTTP(w, r)
	})
}

// signed reports whether the ID token is the issuer's, expired or not.
func (i *Issuer) signed(ctx context.Context, idToken string) bool {
	ctx = op.ContextWithIssuer(ctx, i.url)
	_, err := op.VerifyIDTokenHint[*oidc.IDTokenClaims](ctx, idToken, i.op.IDTokenHintVerifier(ctx))
	var expired op.IDTokenHintExpiredError
	return err == nil || errors.As(err, &expired)
}

func (b *browserLogins) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure where there is https
		Name:     b.name,
		Value:    value,
		Path:     b.issuer.path + "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		Secure:   b.issuer.secure,
	}
}

// A wish is what an authorization request says about the login that it takes (OpenID Connect Core, section 3.1.2.1).
type wish struct {
	noPage  bool   // prompt=none
	page    bool   // prompt=login and the like: a page even so
	maxAge  *uint  // seconds since the login; nil: any
	subject string // of id_token_hint; empty: any
}

// fulfilledBy reports whether no page is needed.
func (a wish) fulfilledBy(login browserLogin, now time.Time) bool {
	switch {
	case a.page:
		return false
	case a.maxAge != nil && now.Sub(login.at) >= time.Duration(*a.maxAge)*time.Second:
		return false
	default:
		return a.subject == "" || a.subject == login.user.subject
	}
}

func wishOf(asked *oidc.AuthRequest, subject string) wish {
	w := wish{maxAge: asked.MaxAge, subject: subject}
	for _, prompt := range asked.Prompt {
		if prompt == oidc.PromptNone { // the library refuses it beside others
			w.noPage = true
		} else {
			w.page = true
		}
	}
	return w
}

// withoutPage continues a pending request that needs no page, or refuses it if none may be shown. It reports whether
// it answered.
func (l *loginPage) withoutPage(w http.ResponseWriter, r *http.Request, request *authRequest) bool {
	login, ok := l.issuer.logins.of(r)
	if ok && request.wish.fulfilledBy(login, time.Now()) {
		l.proceed(w, r, request.id, login)
		return true
	}
	if !request.wish.noPage {
		return false
	}
	if _, ok := l.issuer.storage.pending.take(request.id); !ok { // somebody else was faster
		l.refuse(w)
		return true
	}
	op.AuthRequestError(w, r, request, oidc.ErrLoginRequired().WithDescription("nobody is logged in"), l.issuer.op)
	return true
}
