package main

import (
	"encoding/json/v2"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/bearerproof/bearerproof/adapters/chiauth"
	"github.com/bearerproof/bearerproof/adapters/httpauth"
	"github.com/bearerproof/bearerproof/examples/todo/internal/store"
	"github.com/bearerproof/bearerproof/verifier"
)

// The scopes that a caller needs.
const (
	scopeRead  = "todos:read"
	scopeWrite = "todos:write"
)

// api is the HTTP interface.
type api struct {
	store    *store.Store
	auth     *httpauth.Auth
	leeway   time.Duration // that of the verifier
	watchers *watchers
	health   health
	log      *slog.Logger
}

// routes returns the routes of the API. open adds routes that need no token.
func (a *api) routes(open ...func(chi.Router)) chi.Router {
	r := chi.NewRouter()
	r.Use(logRequests(a.log), noSniffing, middleware.GetHead)
	r.NotFound(notFound)
	r.MethodNotAllowed(methodNotAllowed)
	a.health.routes(r)
	for _, mount := range open {
		mount(r)
	}
	chiauth.Group(r, a.auth, func(r chi.Router) {
		r.Get("/me", a.handle(me))
	})
	chiauth.Group(r, a.auth, func(r chi.Router) {
		r.Get("/todos", a.handle(a.list))
		r.Get("/todos/events", a.handle(a.events))
		r.Get("/todos/{id}", a.handle(a.get))
	}, verifier.Scopes(scopeRead))
	chiauth.Group(r, a.auth, func(r chi.Router) {
		r.Post("/todos", a.handle(a.create))
		r.Patch("/todos/{id}", a.handle(a.update))
		r.Delete("/todos/{id}", a.handle(a.delete))
	}, verifier.Scopes(scopeWrite))
	return r
}

// handle makes a handler of one that needs to know the caller and that may
// fail. Without a token the route was mounted outside a group: that is a bug,
// and never an anonymous user.
func (a *api) handle(h func(w http.ResponseWriter, r *http.Request, t *verifier.Token) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := verifier.FromContext(r.Context())
		if !ok {
			newProblem(http.StatusInternalServerError, "").write(w)
			return
		}
		w.Header().Set("Cache-Control", "private, no-store")
		if err := h(w, r, token); err != nil {
			problemOf(r.Context(), a.log, err).write(w)
		}
	}
}

// todoJSON is a todo as the API shows it.
type todoJSON struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Done      bool      `json:"done"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func toJSON(t store.Todo) todoJSON {
	return todoJSON{ID: t.ID, Title: t.Title, Done: t.Done, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}
}

func (a *api) list(w http.ResponseWriter, r *http.Request, t *verifier.Token) error {
	limit, after, err := page(r.URL.RawQuery)
	if err != nil {
		return err
	}
	todos, next, err := a.store.List(r.Context(), t.Subject(), after, limit)
	if err != nil {
		return err
	}
	if next != "" {
		query := url.Values{"limit": {strconv.Itoa(limit)}, "after": {next}}
		w.Header().Set("Link", "</todos?"+query.Encode()+`>; rel="next"`)
	}
	list := make([]todoJSON, 0, len(todos))
	for _, todo := range todos {
		list = append(list, toJSON(todo))
	}
	return writeJSON(w, http.StatusOK, list)
}

func (a *api) create(w http.ResponseWriter, r *http.Request, t *verifier.Token) error {
	type request struct {
		Title string `json:"title"`
	}
	body, err := readBody[request](w, r)
	if err != nil {
		return err
	}
	todo, err := a.store.Create(r.Context(), t.Subject(), body.Title)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/todos/"+todo.ID)
	return writeTodo(w, http.StatusCreated, todo)
}

func (a *api) get(w http.ResponseWriter, r *http.Request, t *verifier.Token) error {
	match, err := ifMatch(r.Header)
	if err != nil {
		return err
	}
	noneMatch, err := ifNoneMatch(r.Header)
	if err != nil {
		return err
	}
	todo, err := a.store.Get(r.Context(), t.Subject(), chi.URLParam(r, "id"))
	switch {
	case err != nil:
		return err
	case !allHold(match, todo.Version):
		return store.ErrConflict
	case !allHold(noneMatch, todo.Version):
		w.Header().Set("ETag", etag(todo.Version))
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeTodo(w, http.StatusOK, todo)
}

func (a *api) update(w http.ResponseWriter, r *http.Request, t *verifier.Token) error {
	type request struct {
		Title optional[string] `json:"title"`
		Done  optional[bool]   `json:"done"`
	}
	conditions, err := preconditions(r.Header)
	if err != nil {
		return err
	}
	body, err := readBody[request](w, r)
	if err != nil {
		return err
	}
	patch := store.Patch{Title: body.Title.value, Done: body.Done.value}
	todo, err := a.store.Update(r.Context(), t.Subject(), chi.URLParam(r, "id"), patch, conditions...)
	if err != nil {
		return err
	}
	return writeTodo(w, http.StatusOK, todo)
}

func (a *api) delete(w http.ResponseWriter, r *http.Request, t *verifier.Token) error {
	conditions, err := preconditions(r.Header)
	if err != nil {
		return err
	}
	if err := a.store.Delete(r.Context(), t.Subject(), chi.URLParam(r, "id"), conditions...); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// The number of todos on a page.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// page reads which page of the list is asked for.
func page(query string) (limit int, after string, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return 0, "", newProblem(http.StatusBadRequest, "the query cannot be read")
	}
	limit = defaultLimit
	if given, ok := values["limit"]; ok {
		n, err := strconv.ParseUint(given[0], 10, 16)
		if err != nil || n < 1 || n > maxLimit || len(given) > 1 {
			return 0, "", newProblem(http.StatusBadRequest, "limit must be a number from 1 to 1000")
		}
		limit = int(n)
	}
	if given, ok := values["after"]; ok {
		if len(given) > 1 || !store.ValidID(given[0]) {
			return 0, "", newProblem(http.StatusBadRequest, "after must be the id of a todo")
		}
		after = given[0]
	}
	return limit, after, nil
}

func writeTodo(w http.ResponseWriter, status int, t store.Todo) error {
	w.Header().Set("ETag", etag(t.Version))
	return writeJSON(w, status, toJSON(t))
}

func writeJSON[T any](w http.ResponseWriter, status int, body T, options ...json.Options) error {
	text, err := json.Marshal(body, options...)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) //nolint:gosec // JSON, and said to be; the client is gone if this fails
	return nil
}

// noSniffing has browsers take an answer for what it says it is, whatever its content
// looks like: titles are what users want them to be.
func noSniffing(next http.Handler) http.Handler {
	return middleware.SetHeader("X-Content-Type-Options", "nosniff")(next)
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	newProblem(http.StatusNotFound, "there is nothing at this path").write(w)
}

// methodNotAllowed lists the methods that the path has (RFC 9110 §15.5.6).
func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	routes, path := chi.RouteContext(r.Context()).Routes, r.URL.EscapedPath()
	for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "DELETE"} {
		asked := method
		if method == "HEAD" {
			asked = "GET" // middleware.GetHead answers one with the other
		}
		if routes.Match(chi.NewRouteContext(), asked, path) {
			w.Header().Add("Allow", method)
		}
	}
	newProblem(http.StatusMethodNotAllowed, "this path does not have this method").write(w)
}
