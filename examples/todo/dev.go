package main

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
)

// newDevIssuer makes the development issuer, which the server itself serves
// below /dev-issuer. Its keys are fetched from there over HTTP, as those of any
// other issuer are.
func newDevIssuer(s settings, base string, log *slog.Logger) (*devissuer.Issuer, error) {
	issuer, err := devissuer.New(devissuer.Options{
		Issuer:        base + "/dev-issuer",
		Audience:      s.audience,
		WebClientID:   s.webClientID,
		WebRedirects:  pagesOf(base),
		TokenLifetime: s.devLifetime,
		Logger:        log,
	})
	if err != nil {
		return nil, fmt.Errorf("the development issuer (TODO_ADDR, TODO_AUDIENCE, TODO_WEB_CLIENT_ID): %w", err)
	}
	return issuer, nil
}

// devScope is what the page asks the development issuer for besides: the provider
// library that it is built on gives refresh tokens for this scope alone.
const devScope = "offline_access"

// pagesOf returns where the page may be opened: what listens at 127.0.0.1 answers
// at localhost too and the other way round, and people type the one or the other.
func pagesOf(base string) []string {
	const number, name = "http://127.0.0.1:", "http://localhost:"
	pages := []string{base + "/"}
	if port, ok := strings.CutPrefix(base, number); ok {
		pages = append(pages, name+port+"/")
	}
	if port, ok := strings.CutPrefix(base, name); ok {
		pages = append(pages, number+port+"/")
	}
	return pages
}

func mountDevIssuer(issuer *devissuer.Issuer) func(chi.Router) {
	return func(r chi.Router) { r.Handle(issuer.Path()+"/*", issuer) }
}

// tour says where the page is, and has commands that make and list a todo as alice.
func tour(base string) string {
	return strings.ReplaceAll(`Open BASE/ in a browser, and sign in as alice or bob. The development issuer is for this machine only.

Or paste these lines to make a todo as alice, and to list hers:

TOKEN=$(curl -s -u alice:alice -d grant_type=client_credentials -d 'scope=todos:read todos:write' BASE/dev-issuer/oauth/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"title":"buy milk"}' BASE/todos
curl -s -H "Authorization: Bearer $TOKEN" BASE/todos

`, "BASE", base)
}
