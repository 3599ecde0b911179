package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"

	"github.com/bearerproof/bearerproof/bench/internal/issuer"
)

// attempt is a request that shows what a server accepts.
type attempt struct {
	what string // in the table and in the record

	// tokens are those of the request, each in a header field of its own. They are
	// made from a good one.
	tokens func(i *issuer.Issuer) []string

	// must is the status of every server that works, where there is no doubt. A
	// server with another one is not measured. 0 stands for any.
	must int

	// fault is what the issuer has meanwhile, if not nil.
	fault issuertest.Fault
}

// attempts are all of them, in the order of the table. One with a fault comes last.
func attempts() []attempt {
	with := func(header, claims issuertest.Claims) func(*issuer.Issuer) []string {
		return func(i *issuer.Issuer) []string { return []string{i.Token(header, claims)} }
	}
	claim := func(name string, value any) func(*issuer.Issuer) []string {
		return with(nil, issuertest.Claims{name: value})
	}
	now := time.Now()
	return []attempt{
		{what: "a good token", tokens: with(nil, nil), must: http.StatusOK},
		{what: "expired an hour ago", tokens: claim("exp", now.Add(-time.Hour)), must: http.StatusUnauthorized},
		{what: "signed with another key, under the kid of the issuer's", tokens: forged, must: http.StatusUnauthorized},
		{what: "not signed (alg none)", tokens: unsigned, must: http.StatusUnauthorized},
		{what: "from another issuer, by iss", tokens: claim("iss", "https://id.example.com"), must: http.StatusUnauthorized},
		{what: "not valid before an hour has passed", tokens: claim("nbf", now.Add(time.Hour)), must: http.StatusUnauthorized},
		{what: "with a kid that nobody has", tokens: with(issuertest.Claims{"kid": "nobody"}, nil), must: http.StatusUnauthorized},
		{what: "without a kid", tokens: with(issuertest.Claims{"kid": nil}, nil)},
		{what: "for another audience", tokens: claim("aud", "billing-api")},
		{what: "without an audience", tokens: claim("aud", nil)},
		{what: "without an expiry", tokens: claim("exp", nil)},
		{what: "without a subject", tokens: claim("sub", nil)},
		{what: "an ID token (Keycloak's typ ID)", tokens: with(nil, issuertest.Claims{"typ": "ID", "aud": []string{"todo-web", issuer.Audience}})},
		{what: "bound to a key of the client's (cnf), sent as bearer token", tokens: claim("cnf", issuertest.Claims{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})},
		{what: "two tokens in two header fields", tokens: func(i *issuer.Issuer) []string { return []string{i.Token(nil, nil), i.Token(nil, nil)} }},
		{what: "no token", tokens: func(*issuer.Issuer) []string { return nil }},
		{what: "a good token, while the issuer answers 503", tokens: with(nil, nil), fault: issuertest.Status(http.StatusServiceUnavailable)},
	}
}

func forged(i *issuer.Issuer) []string {
	return []string{issuer.TokenOf(i.NewKey(verifier.RS256), issuertest.Claims{"kid": i.Key.ID()}, nil)}
}

func unsigned(i *issuer.Issuer) []string {
	_, rest, _ := strings.Cut(i.Token(nil, nil), ".")
	payload, _, _ := strings.Cut(rest, ".")
	header := `{"alg":"none","typ":"JWT","kid":"` + i.Key.ID() + `"}`
	return []string{base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload + "."}
}

// answer is what a server said to an attempt.
type answer struct {
	Way     string `json:"way"`
	Attempt string `json:"attempt"`
	Status  int    `json:"status"`
}

// try makes all attempts at a server.
func try(ctx context.Context, i *issuer.Issuer, way, url string) (answers []answer, err error) {
	for _, a := range attempts() {
		tokens := a.tokens(i)
		if a.fault != nil {
			i.Break(a.fault)
		}
		status, err := get(ctx, url, tokens)
		i.Repair()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", way, a.what, err)
		}
		answers = append(answers, answer{Way: way, Attempt: a.what, Status: status})
	}
	return answers, sound(answers)
}

// sound returns an error for a server that is set up wrongly: it refuses good tokens,
// or accepts what nobody should.
func sound(answers []answer) error {
	given := make(map[string]int)
	for _, a := range answers {
		given[a.Attempt] = a.Status
	}
	for _, a := range attempts() {
		if a.must != 0 && given[a.what] != a.must {
			return fmt.Errorf("%s: the answer is %d and must be %d, so there is nothing to compare", a.what, given[a.what], a.must)
		}
	}
	return nil
}

// get sends a request over a connection of its own.
func get(ctx context.Context, url string, tokens []string) (int, error) {
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	r.Close = true
	for _, t := range tokens {
		r.Header.Add("Authorization", "Bearer "+t)
	}
	resp, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}
