// Command todo is a todo service that accepts bearer access tokens, over HTTP
// and over gRPC.
//
// With no settings it starts with an issuer of its own for development, keeps
// the todos in the file todo.db, and prints commands to try. The file auth.go is
// what a service of yours would copy.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal does not wait
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is main without the process. It returns the exit code: 0 after a signal
// or -help, 2 for wrong settings, 1 for any other failure. With -healthcheck it only
// asks a service that runs.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("todo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var healthcheck *url.URL // nil: not given
	flags.Func("healthcheck", "", func(value string) (err error) {
		healthcheck, err = parseCheck(value)
		return err
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_ = writeHelp(stdout)
		return 0
	case err != nil || flags.NArg() > 0:
		fmt.Fprintln(stderr, "todo: takes no argument but -help or -healthcheck URL; it is configured by environment variables")
		return 2
	case healthcheck != nil:
		if err := checkHealth(ctx, healthcheck); err != nil {
			fmt.Fprintln(stderr, "todo:", err)
			return 1
		}
		return 0
	}
	s, err := readSettings(environ)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	log := newLog(s, stderr)
	slog.SetDefault(log) // libraries log there, the development issuer's among them
	if err := serve(ctx, s, log, stdout); err != nil {
		log.Error("the server failed", "error", err)
		return 1
	}
	return 0
}

// newLog returns the service's log, in the format of the settings. Its lines bear the
// id of the request that they are about.
func newLog(s settings, to io.Writer) *slog.Logger {
	var lines slog.Handler = slog.NewTextHandler(to, nil)
	if s.logFormat == "json" {
		lines = slog.NewJSONHandler(to, nil)
	}
	return slog.New(requestIDLog{lines})
}
