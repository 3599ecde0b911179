package chiauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
)

// OpenRoutes returns the routes of r that answer a request without credentials by
// anything but 401 with a Bearer challenge (RFC 6750 §3), sorted, such as
// "GET /todos/{id}". Lists of middlewares cannot tell this, so it asks each route:
// it builds a request with a path that leads to the route and serves it with r.
//
// An open route's handler is therefore called, with an empty body and made-up path
// parameters, for every method that it is registered for. Use OpenRoutes in tests,
// on a router whose handlers can do no harm. The request's context ends when the
// handler starts an answer that makes its route open, and after a second at the
// latest; a handler that goes on for another second is left behind. A route whose
// handler panics or does not answer is open.
//
// What lies behind a mounted handler that is not a chi router cannot be listed; it is
// asked once, under a made-up path, and reported with "*". Handlers for NotFound
// and MethodNotAllowed are not routes.
//
// The error names each route to which no path could be found: a regular expression
// that no made-up value matched, or a route that others hide. Nothing is known about
// such a route; what is returned beside the error is right for all others.
func OpenRoutes(r chi.Router) ([]string, error) {
	if r == nil {
		return nil, errors.New("chiauth: OpenRoutes needs a router")
	}
	var (
		open   []string
		faults []error
	)
	for _, route := range routesOf(r, "") {
		path, err := route.samplePath(r)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if !asksForToken(r, route.method, path) {
			open = append(open, route.String())
		}
	}
	return open, errors.Join(faults...)
}

// route is one method of one pattern.
type route struct {
	method, pattern string
}

// String returns the route as chi's Handle takes it.
func (r route) String() string { return r.method + " " + r.pattern }

// routesOf lists the routes below a prefix, in a fixed order. [chi.Walk] does not do:
// the patterns that it makes of routers mounted at "/" are not those of Find.
func routesOf(routes chi.Routes, prefix string) []route {
	var list []route
	for _, r := range routes.Routes() {
		if r.SubRoutes != nil {
			list = append(list, routesOf(r.SubRoutes, prefix+strings.TrimSuffix(r.Pattern, "/*"))...)
			continue
		}
		for method := range r.Handlers {
			if method != "*" { // stands for all methods, and each of them is here too
				list = append(list, route{method, prefix + r.Pattern})
			}
		}
	}
	slices.SortFunc(list, func(a, b route) int { return strings.Compare(a.String(), b.String()) })
	return list
}

// samplePath returns a path that leads to the route and to no other.
func (r route) samplePath(routes chi.Routes) (string, error) {
	segments, err := segmentsOf(r.pattern)
	if err != nil {
		return "", fmt.Errorf("chiauth: %s: %w", r, err)
	}
	const attempts = 100
	for attempt := range attempts {
		path, ok := sampleOf(segments, attempt)
		if ok && routes.Find(chi.NewRouteContext(), r.method, path) == r.pattern {
			return path, nil
		}
	}
	return "", fmt.Errorf("chiauth: no path was found that leads to %s", r)
}

// challenged reports whether an answer asks for a bearer token.
func challenged(status int, header http.Header) bool {
	if status != http.StatusUnauthorized {
		return false
	}
	return slices.ContainsFunc(header.Values("WWW-Authenticate"), func(challenge string) bool {
		scheme, _, _ := strings.Cut(challenge, " ")
		return strings.EqualFold(scheme, "Bearer")
	})
}
