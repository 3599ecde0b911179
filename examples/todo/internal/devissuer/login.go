package devissuer

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

//go:embed login.html
var loginHTML string

//go:embed login.css
var loginCSS string

// loginPage is where one says who one is, by pressing a button. It sends the browser nowhere but to the issuer's own
// callback, which knows the redirect URI from the authorization request.
type loginPage struct {
	issuer   *Issuer
	template *template.Template
	style    string // hash of the style sheet, as a Content-Security-Policy source
}

// loginView is what the template shows.
type loginView struct {
	Title     string
	Text      string
	Style     template.CSS
	Action    string
	RequestID string
	Users     []loginChoice // empty means a page without a form
}

type loginChoice struct{ Name, Display string }

func newLoginPage(i *Issuer) (*loginPage, error) {
	parsed, err := template.New("login").Parse(loginHTML)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(loginCSS))
	return &loginPage{
		issuer:   i,
		template: parsed,
		style:    "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}, nil
}

// show offers the users for the pending request that the query's id names, unless the browser is logged in already.
func (l *loginPage) show(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	request, ok := l.issuer.storage.pending.get(id)
	if !ok {
		l.refuse(w)
		return
	}
	if l.withoutPage(w, r, request) {
		return
	}
	view := loginView{
		Title:     "Log in",
		Text:      "Choose who you want to be in " + request.clientID + ".",
		Action:    l.issuer.path + "/login",
		RequestID: id,
	}
	for _, u := range directory() {
		view.Users = append(view.Users, loginChoice{Name: u.name, Display: u.display})
	}
	l.write(w, http.StatusOK, view, request.redirectURI)
}

// submit takes the choice and sends the browser to the callback. Requests that a page of another origin caused are
// refused before it.
func (l *loginPage) submit(w http.ResponseWriter, r *http.Request) {
	u, ok := userNamed(r.PostFormValue("user"))
	id := r.PostFormValue("id")
	if _, pending := l.issuer.storage.pending.get(id); !ok || !pending {
		l.refuse(w)
		return
	}
	login := browserLogin{user: u, at: time.Now()}
	l.issuer.logins.begin(w, r, login)
	l.issuer.logger.InfoContext(r.Context(), "user logged in", slog.String("user", u.name))
	l.proceed(w, r, id, login)
}

// proceed answers the pending request with the login, and sends the browser to the callback.
func (l *loginPage) proceed(w http.ResponseWriter, r *http.Request, requestID string, login browserLogin) {
	id, ok := l.issuer.storage.logIn(requestID, login)
	if !ok {
		l.refuse(w)
		return
	}
	ctx := op.ContextWithIssuer(r.Context(), l.issuer.url)
	http.Redirect(w, r, op.AuthCallbackURL(l.issuer.op)(ctx, id), http.StatusSeeOther)
}

func (l *loginPage) showLoggedOut(w http.ResponseWriter, _ *http.Request) {
	l.write(w, http.StatusOK, loginView{Title: "Logged out", Text: "You can close this page."}, "")
}

func (l *loginPage) refuse(w http.ResponseWriter) {
	l.write(w, http.StatusBadRequest, loginView{
		Title: "This login cannot be continued",
		Text:  "It is unknown, finished or too old. Go back to the application and log in again.",
	}, "")
}

// write sends the page. Browsers apply form-action to the redirects behind the form as well, so it names the origin
// of the redirect URI, which is one of those configured. The issuer's own origin is not named: a browser that does not
// take its address for a source would complain.
func (l *loginPage) write(w http.ResponseWriter, status int, view loginView, redirectURI string) {
	view.Style = template.CSS(loginCSS) //nolint:gosec // a constant of this program
	var page bytes.Buffer
	if err := l.template.Execute(&page, view); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	action := "'self'"
	if u, err := url.Parse(redirectURI); err == nil && u.Host != "" && !l.issuer.isAt(originOf(u)) {
		action += " " + originOf(u)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src "+l.style+
		"; form-action "+action+"; frame-ancestors 'none'; base-uri 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin") // no-referrer would make the form's Origin null
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the status is sent; a reader that is gone needs no answer
}
