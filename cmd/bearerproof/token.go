package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxInput bounds what is read, in bytes.
const maxInput = 1 << 20

// errTokenInArguments does not repeat the token.
var errTokenInArguments = errors.New("the argument looks like a token: other users and the shell's history can see the command line. Pipe the token in, or name a file that has it")

// readToken reads the token from the file that the arguments name, or else from the
// standard input.
func readToken(args []string, stdin io.Reader) (string, error) {
	switch {
	case len(args) > 1:
		return "", errors.New("more than one file is named; flags stand before it")
	case len(args) == 0 || args[0] == "-":
		return tokenFrom(stdin)
	}
	file, err := os.Open(args[0])
	if err != nil {
		// The name may be part of a token after all.
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		return "", fmt.Errorf("the token's file cannot be opened: %w", err)
	}
	defer file.Close()
	return tokenFrom(file)
}

// isTokenLike goes by how each JOSE header begins in base64url, and by the dots of a
// long text.
func isTokenLike(arg string) bool {
	return strings.HasPrefix(arg, "eyJ") || strings.EqualFold(arg, "bearer") ||
		len(arg) > 7 && strings.EqualFold(arg[:7], "bearer ") ||
		strings.Count(arg, ".") >= 2 && len(arg) > 100
}

// holdsToken finds a token at a place where it would be repeated: package flag's errors
// contain what a flag was given, and others an address that is none.
func holdsToken(arg string) bool {
	const begin = "eyJ" // as in isTokenLike; the dots may be those of a long address
	return strings.HasPrefix(arg, begin) || strings.Contains(arg, "="+begin) || strings.Contains(arg, " "+begin)
}

// tokenFrom reads a token and takes off what people copy along with it.
func tokenFrom(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return "", errors.New("the token cannot be read")
	}
	if len(text) > maxInput {
		return "", fmt.Errorf("the input is longer than %d bytes", maxInput)
	}
	token := strings.TrimSpace(string(text))
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, "bearer") {
		token = strings.TrimSpace(rest)
	}
	if token == "" {
		return "", errors.New("the input is empty; pipe the token in, or name a file that has it")
	}
	return token, nil
}
