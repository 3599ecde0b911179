// Command bearerproof says why a token is refused, and what an issuer publishes.
//
// Usage:
//
//	bearerproof explain --issuer URL --audience NAME [flags] [FILE]
//	bearerproof keys --issuer URL [flags]
//
// # explain
//
// The token is read from the file, or from the standard input, and never from the
// command line, which other users and the shell's history can see. White space around
// it and a leading "Bearer" are passed over. The answer names each check of
// verifier.Verify in order, what it expected and found, the state of the issuer's keys,
// and the likely cause. It contains neither the token nor its signature, so that it can
// be pasted into a ticket.
//
//	--issuer URL      the issuer, exactly as tokens write it in "iss"
//	--audience NAME   the name of the API in "aud"; several times for several names
//	--any-audience    accept a token for anybody, to look at it; no API may do that
//	--jwks-url URL    where the keys are, if not where the issuer's metadata says
//	--alg LIST        the allowed algorithms, with commas between (default RS256)
//	--leeway TIME     the clock difference that is forgiven (default 30s)
//
// # keys
//
// The answer lists the keys that the issuer publishes, which of them can be used and
// why the others cannot, and checks the issuer: that its metadata is found and names
// it, that there is a key for each algorithm, the sizes of the keys, and its clock. With
// --jwks-url alone, nothing is known of metadata.
//
//	--issuer URL      the issuer
//	--jwks-url URL    where the keys are, if not where the issuer's metadata says
//	--alg LIST        the algorithms that a key is wanted for (default RS256)
//
// # Both
//
//	--insecure-http   allow http to other hosts than this machine
//	--timeout TIME    for all requests together (default 10s)
//	--json            print JSON
//
// The text has colours on a terminal, unless NO_COLOR is set.
//
// The exit code is 0 if the token is accepted, or all checks passed; 1 if the token is
// refused, or a check failed; and 2 if there is no verdict: the command line is wrong,
// the token cannot be read, or the issuer's keys cannot be had.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
)

// The exit codes.
const (
	exitGood     = 0
	exitBad      = 1
	exitUnusable = 2
)

const usage = `usage:
  bearerproof explain --issuer URL --audience NAME [flags] [FILE]   why a token is refused
  bearerproof keys --issuer URL [flags]                             what an issuer publishes
The token is read from FILE or the standard input. "bearerproof explain -h" lists the flags.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the command. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	if slices.ContainsFunc(args[min(1, len(args)):], holdsToken) {
		fmt.Fprintf(stderr, "bearerproof: %v\n", errTokenInArguments)
		return exitUnusable
	}
	var code int
	var err error
	switch command {
	case "explain":
		code, err = explain(args[1:], stdin, stdout, stderr)
	case "keys":
		code, err = keys(args[1:], stdout, stderr)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return exitGood
	default: // its text may be a token
		fmt.Fprint(stderr, usage)
		return exitUnusable
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitGood
	case err != nil:
		fmt.Fprintf(stderr, "bearerproof: %v\n", err)
		return exitUnusable
	}
	return code
}
