package main

import (
	_ "embed"
	"net/http"

	"github.com/go-chi/chi/v5"
)

//go:embed openapi.json
var openAPIDocument []byte

// mountOpenAPI serves the description of the HTTP interface, openapi.json, which is
// written by hand and compared with the routes by a test.
func mountOpenAPI(r chi.Router) {
	r.Get("/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(openAPIDocument) // the client is gone if this fails
	})
}
