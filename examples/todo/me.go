package main

import (
	"net/http"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// identity is the caller as the verified token describes it.
type identity struct {
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"`
	Username  string    `json:"preferred_username,omitempty"`
	Client    string    `json:"client,omitempty"`
	Audience  []string  `json:"audience"`
	Scopes    []string  `json:"scopes"`
	ExpiresAt time.Time `json:"expires_at"`
}

func me(w http.ResponseWriter, _ *http.Request, t *verifier.Token) error {
	type claims struct {
		Username string `json:"preferred_username"`
	}
	c, _ := verifier.Claims[claims](t) // a name of the wrong type is no name
	return writeJSON(w, http.StatusOK, identity{
		Issuer: t.Issuer(), Subject: t.Subject(), Username: c.Username, Client: t.ClientID(),
		Audience: t.Audience(), Scopes: t.Scopes(), ExpiresAt: t.ExpiresAt().UTC(),
	})
}
