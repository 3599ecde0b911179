package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// explain is the subcommand of that name. It returns the exit code.
func explain(args []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	var s settings
	var wanted audienceFlags
	var leeway time.Duration
	set := s.flags("explain", stderr)
	set.Func("audience", "the API's `name` in aud; several times for several", func(name string) error {
		wanted.names = append(wanted.names, name)
		return nil
	})
	set.BoolVar(&wanted.any, "any-audience", false, "accept a token for anybody, to look at it")
	set.DurationVar(&leeway, "leeway", 30*time.Second, "the clock difference that is forgiven")
	if err := set.Parse(args); err != nil {
		return exitUnusable, wrongFlag(err)
	}
	if slices.ContainsFunc(set.Args(), isTokenLike) {
		return exitUnusable, errTokenInArguments
	}
	audience, err := wanted.audience()
	if err != nil {
		return exitUnusable, err
	}
	v, source, err := s.verifier(audience, leeway)
	if err != nil {
		return exitUnusable, err
	}
	raw, err := readToken(set.Args(), stdin)
	if err != nil {
		return exitUnusable, err
	}
	if wanted.any {
		fmt.Fprintln(stderr, "bearerproof: WARNING: --any-audience: the audience is not checked. An API that does so accepts tokens that were given to any other service.")
	}
	report := s.report(v, source, raw)
	if err := s.print(stdout, report); err != nil {
		return exitUnusable, err
	}
	return exitOf(report), nil
}

// audienceFlags are the two ways to decide about the audience.
type audienceFlags struct {
	names []string
	any   bool
}

// audience is the decision, which nobody should make by forgetting it.
func (f *audienceFlags) audience() (verifier.Audience, error) {
	switch {
	case f.any && len(f.names) > 0:
		return verifier.Audience{}, errors.New("--any-audience and --audience exclude each other")
	case f.any:
		return verifier.InsecureSkipAudience(), nil
	case len(f.names) == 0:
		return verifier.Audience{}, errors.New("--audience is missing: the name by which tokens for this API call it in aud")
	}
	return verifier.AnyOf(f.names...), nil
}

// verifier makes the verifier that the flags describe.
func (s *settings) verifier(audience verifier.Audience, leeway time.Duration) (*verifier.Verifier, *jwks.Remote, error) {
	if s.issuer == "" {
		return nil, nil, errors.New("--issuer is missing: the issuer, exactly as tokens write it in iss")
	}
	if err := s.complete(); err != nil {
		return nil, nil, err
	}
	if leeway == 0 {
		leeway = time.Nanosecond // to Config, zero is the default
	}
	source, err := s.source(jwks.Options{})
	if err != nil {
		return nil, nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuer:     s.issuer,
		Audience:   audience,
		Algorithms: s.algorithms,
		Keys:       source,
		Leeway:     leeway,
	})
	return v, source, err
}

// report explains a token, after the keys were asked for.
func (s *settings) report(v *verifier.Verifier, source *jwks.Remote, raw string) *verifier.Report {
	ctx, stop := context.WithTimeout(context.Background(), s.timeout)
	defer stop()
	_ = warm(ctx, source) // the report says what went wrong
	return v.Explain(ctx, raw)
}

// exitOf tells a refusal from the lack of a verdict.
func exitOf(r *verifier.Report) int {
	switch {
	case r.Accepted:
		return exitGood
	case errors.Is(r.Err(), verifier.ErrInvalidToken):
		return exitBad
	}
	return exitUnusable
}
