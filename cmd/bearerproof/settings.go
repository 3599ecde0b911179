package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// settings are the flags of both subcommands.
type settings struct {
	issuer       string
	jwksURL      string
	algorithms   []verifier.Algorithm
	insecureHTTP bool
	timeout      time.Duration
	json         bool
}

// flags returns a set with the common flags, which parsing writes into s.
func (s *settings) flags(name string, stderr io.Writer) *flag.FlagSet {
	set := flag.NewFlagSet("bearerproof "+name, flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&s.issuer, "issuer", "", "the issuer's `URL`, exactly as tokens write it in iss")
	set.StringVar(&s.jwksURL, "jwks-url", "", "the `URL` of the keys, if not the one in the issuer's metadata")
	set.Func("alg", "the algorithms, a `list` with commas between (default RS256)", s.addAlgorithms)
	set.BoolVar(&s.insecureHTTP, "insecure-http", false, "allow http to other hosts than this machine")
	set.DurationVar(&s.timeout, "timeout", 10*time.Second, "for all requests together")
	set.BoolVar(&s.json, "json", false, "print JSON")
	return set
}

// addAlgorithms reads a list of names.
func (s *settings) addAlgorithms(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		algorithm, err := verifier.ParseAlgorithm(strings.TrimSpace(name))
		if err != nil {
			return errors.New("not an algorithm that a token may be signed with")
		}
		s.algorithms = append(s.algorithms, algorithm)
	}
	return nil
}

// complete puts the defaults in, and says what is wrong.
func (s *settings) complete() error {
	if len(s.algorithms) == 0 {
		s.algorithms = []verifier.Algorithm{verifier.RS256}
	}
	if s.timeout <= 0 {
		return errors.New("--timeout is not positive")
	}
	return nil
}

// source returns the source of the issuer's keys, which has asked for nothing yet.
func (s *settings) source(o jwks.Options) (*jwks.Remote, error) {
	o.Timeout = s.timeout
	o.InsecureAllowHTTP = s.insecureHTTP
	o.Logger = slog.New(slog.DiscardHandler) // what it would log is in the answer
	if s.jwksURL != "" {
		return jwks.NewRemote(s.jwksURL, &o)
	}
	return jwks.Discover(s.issuer, &o)
}

// warm has a source fetch its keys. It waits longer than a request would, until ctx
// ends.
func warm(ctx context.Context, source *jwks.Remote) error {
	for {
		err := source.Warm(ctx)
		if err == nil || !source.Status().Fetching {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("no answer in time: %w", ctx.Err())
		}
	}
}
