// Command load measures the example of this repository, examples/todo, under the load of
// wrk on the loopback interface: reading and writing todos on SQLite and on PostgreSQL.
//
//	GOWORK=off go -C bench run ./load -out ../docs
//
// It writes requests per second, latencies, and what they cost in CPU time; and it counts
// the todos afterwards: what was acknowledged must be there. One failed request ends the
// run without a page.
//
// It needs Linux, wrk, PostgreSQL's server and client programs, and the Go command. It
// starts an instance of PostgreSQL of its own, which is removed in the end, and may be run
// by root where there is a user named postgres.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
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
	dir    string
	limit  time.Duration
	load   wrk.Load
}

func readOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.out, "out", "", "directory for the page, its raw lines and its plots, such as ../docs; without it, the page is printed")
	flags.BoolVar(&o.render, "render", false, "measure nothing: make the page and the plots again from the lines in the directory of -out")
	flags.StringVar(&o.dir, "dir", "/tmp", "directory in which the databases are made: its disk is measured, and the user postgres must be able to enter it")
	flags.DurationVar(&o.limit, "limit", 10*time.Minute, "how long the whole run may take")
	flags.DurationVar(&o.load.Length, "length", 30*time.Second, "how long each load lasts, in whole seconds")
	flags.IntVar(&o.load.Connections, "connections", 16, "connections of the load")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("an argument that is no flag: %q", flags.Arg(0))
	case o.render && o.out == "":
		return o, fmt.Errorf("-render needs -out")
	case o.load.Connections < 1 || o.load.Length < time.Second || o.load.Length%time.Second != 0:
		return o, fmt.Errorf("-connections and -length must be at least 1 and 1s, and -length in whole seconds")
	}
	return o, nil
}

// run is main without the process. It returns the exit code: 2 for wrong flags, 1 for
// any other failure.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := readOptions(args, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "load:", err)
		return 2
	}
	if o.render {
		err = files().Again(o.out)
	} else {
		command := strings.Join(append([]string{"GOWORK=off go -C bench run ./load"}, args...), " ")
		err = limit.Within(ctx, o.limit, func(ctx context.Context) error { return measureAll(ctx, o, command, stdout, stderr) })
	}
	if err != nil {
		fmt.Fprintln(stderr, "load:", err)
		return 1
	}
	return 0
}

// measureAll does the whole work. All that it started has ended when it returns.
func measureAll(ctx context.Context, o options, command string, stdout, progress io.Writer) error {
	s, err := prepare(ctx, o.dir, progress)
	if err != nil {
		return err
	}
	defer s.close()
	var r record
	if r.run, err = s.describe(ctx, o.load, command); err != nil {
		return err
	}
	if r.samples, err = s.samplesOfAll(ctx, o.load, progress); err != nil {
		return err
	}
	if o.out != "" {
		return r.write(o.out)
	}
	page, err := r.page()
	if err != nil {
		return err
	}
	_, err = stdout.Write(page)
	return err
}
