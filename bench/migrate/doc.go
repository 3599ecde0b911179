// Package migrate is the code of docs/migrating.md: for each way to accept access tokens
// that the page comes from, the same small service before and after. Its tests compare
// the page with these files, and put both through the same tokens.
//
// The lines between "migrate:" and "migrate:end" stand in the page. Each function
// serves GET /todos and POST /todos to tokens of the issuer for "todo-api".
package migrate

import (
	"fmt"
	"net/http"
)

// listOf is what the service does once it knows who calls.
func listOf(w http.ResponseWriter, owner string) { fmt.Fprintln(w, "the todos of", owner) }

// greet is for the name that people see; data is kept by the subject.
func greet(w http.ResponseWriter, name string) { fmt.Fprintln(w, "hello", name) }

// createFor is what it does for somebody who may write.
func createFor(w http.ResponseWriter, owner string) {
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintln(w, "a todo of", owner)
}
