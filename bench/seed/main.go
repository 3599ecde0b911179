// Command seed measures the system that bearerproof replaces and the example of this
// repository the same way: a FastAPI server with HTTPBearer and python-jose
// (server.py), which fetches the issuer's key set for each request and does not check
// the audience, and examples/todo. Both answer GET /me, under the load of wrk, on the
// loopback interface. What is compared is the CPU time of the server's process for a
// request.
//
//	GOWORK=off go -C bench run ./seed -out ../docs
//
// It needs Linux, wrk, Python 3.11 or newer with venv, and the Go command. The Python
// packages are installed into a directory of their own, which is removed in the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/limit"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	out    string
	render bool
	python string
	limit  time.Duration
	rounds int
	load   wrk.Load
}

func readOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.out, "out", "", "directory for the page, its raw lines and its plot, such as ../docs; without it, the page is printed")
	flags.BoolVar(&o.render, "render", false, "measure nothing: make the page and the plot again from the lines in the directory of -out")
	flags.StringVar(&o.python, "python", "", "a Python that has the packages of requirements.txt already; without it, they are installed for this run")
	flags.DurationVar(&o.limit, "limit", 6*time.Minute, "how long the whole run may take")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each server is measured")
	flags.DurationVar(&o.load.Length, "length", 4*time.Second, "how long the load lasts each time, in whole seconds")
	flags.IntVar(&o.load.Connections, "connections", 16, "connections of the load")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("an argument that is no flag: %q", flags.Arg(0))
	case o.render && o.out == "":
		return o, fmt.Errorf("-render needs -out")
	case o.rounds < 1 || o.load.Connections < 1 || o.load.Length < time.Second || o.load.Length%time.Second != 0:
		return o, fmt.Errorf("-rounds, -connections and -length must be at least 1, 1 and 1s, and -length in whole seconds")
	}
	return o, nil
}

// run is main without the process. It returns the exit code: 2 for wrong flags, 1 for
// any other failure.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := readOptions(args, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "seed:", err)
		return 2
	}
	if o.render {
		err = files().Again(o.out)
	} else {
		err = limit.Within(ctx, o.limit, func(ctx context.Context) error { return measureAll(ctx, o, stdout, stderr) })
	}
	if err != nil {
		fmt.Fprintln(stderr, "seed:", err)
		return 1
	}
	return 0
}

// measureAll does the whole work. All that it started has ended when it returns.
func measureAll(ctx context.Context, o options, stdout, progress io.Writer) error {
	s, err := prepare(ctx, o, progress)
	if err != nil {
		return err
	}
	defer s.close()
	r := record{run: s.describe(ctx, o)}
	if r.answers, err = s.answersOfAll(ctx); err != nil {
		return err
	}
	if r.samples, err = s.samplesOfAll(ctx, o); err != nil {
		return err
	}
	if o.out == "" {
		_, err = fmt.Fprint(stdout, r.page())
		return err
	}
	return r.write(o.out)
}
