package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/bearerproof/bearerproof/jwks"
)

// keys is the subcommand of that name. It returns the exit code.
func keys(args []string, stdout, stderr io.Writer) (int, error) {
	var s settings
	set := s.flags("keys", stderr)
	if err := set.Parse(args); err != nil {
		return exitUnusable, wrongFlag(err)
	}
	switch {
	case set.NArg() > 0:
		return exitUnusable, errors.New("keys takes flags only")
	case s.issuer == "" && s.jwksURL == "":
		return exitUnusable, errors.New("--issuer is missing, or --jwks-url")
	}
	if err := s.complete(); err != nil {
		return exitUnusable, err
	}
	seen := newRecorder()
	source, err := s.source(jwks.Options{Client: &http.Client{Transport: seen}})
	if err != nil {
		return exitUnusable, err
	}
	ctx, stop := context.WithTimeout(context.Background(), s.timeout)
	defer stop()
	inspected := s.inspect(seen, source, warm(ctx, source))
	if err := s.print(stdout, inspected); err != nil {
		return exitUnusable, err
	}
	return inspected.exit(), nil
}

// inspection is what the subcommand keys finds out.
type inspection struct {
	Issuer      string         `json:"issuer,omitzero"`
	MetadataURL string         `json:"metadata_url,omitzero"`
	KeysURL     string         `json:"keys_url,omitzero"`
	Usable      bool           `json:"usable"` // there is a key set that can be used
	Checks      []check        `json:"checks"`
	Keys        []publishedKey `json:"keys"`
}

// check is one question to an issuer.
type check struct {
	Name    string `json:"check"`
	Outcome string `json:"outcome"` // pass, warn or fail
	Found   string `json:"found"`
}

const (
	passed = "pass"
	warned = "warn"
	failed = "fail"
)

// exit is the exit code.
func (i *inspection) exit() int {
	if !i.Usable {
		return exitUnusable
	}
	for _, c := range i.Checks {
		if c.Outcome == failed {
			return exitBad
		}
	}
	return exitGood
}

// String returns the answer as text.
func (i *inspection) String() string {
	var b strings.Builder
	for _, c := range i.Checks {
		word := c.Outcome
		if word == failed {
			word = "FAIL"
		}
		fmt.Fprintf(&b, "%s  %-10s  %s\n", word, c.Name, c.Found)
	}
	if len(i.Keys) > 0 {
		fmt.Fprintf(&b, "\nkeys at %s:\n", i.KeysURL)
	}
	for _, key := range i.Keys {
		b.WriteString(key.String() + "\n")
	}
	return b.String()
}

// String describes a key in a line.
func (k publishedKey) String() string {
	word, reason := "pass", ""
	if !k.Usable {
		word, reason = "-   ", "  not used: "+k.Reason
	}
	id, algorithm := "without kid", "without alg"
	if k.ID != "" {
		id = `kid "` + k.ID + `"`
	}
	if k.Algorithm != "" {
		algorithm = "alg " + k.Algorithm
	}
	if k.Use != "" {
		algorithm += ", use " + k.Use
	}
	return fmt.Sprintf("%s  %d  %s  %s  %s%s", word, k.Index, id, strings.TrimSpace(k.Type+" "+k.Size), algorithm, reason)
}
