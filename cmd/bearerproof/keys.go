package main

import (
	"context"
	"errors"
	"io"
	"net/http"

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
