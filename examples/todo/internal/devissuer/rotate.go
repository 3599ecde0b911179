package devissuer

import (
	"encoding/json/v2"
	"net/http"
)

// serveRotate rotates the signing key for whoever asks, so that one can watch a service cope with it:
//
//	curl -X POST http://127.0.0.1:8080/dev-issuer/rotate
//
// The answer has the new kid. Requests that a page of another origin caused are refused before it.
func (i *Issuer) serveRotate(w http.ResponseWriter, r *http.Request) {
	if err := i.Rotate(r.Context()); err != nil {
		http.Error(w, "the key could not be rotated", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, map[string]string{"kid": i.CurrentKeyID()}) // the client is gone if this fails
}
