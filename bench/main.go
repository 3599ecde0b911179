// Command bench measures what it costs to verify access tokens with bearerproof and with
// other Go libraries, side by side in one run, and writes what it measured as a page with
// tables and plots. At the root of the repository:
//
//	GOWORK=off go -C bench run . -out ../docs
//
// Package peers has the libraries. The README says how to read what comes out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

// settings are what the command line says.
type settings struct {
	out           string
	rounds        int
	servingRounds int
	reading       time.Duration
	requests      int
	scale         scale
	only          *regexp.Regexp
}

func main() {
	// What libraries log of refusals would stand between the figures, and cost time.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command runs the program. It tells how far it is.
func command(ctx context.Context, arguments []string, progress io.Writer) error {
	if len(arguments) > 0 && arguments[0] == serverArgument {
		return serve(ctx, os.Stdin, os.Stdout)
	}
	s := settings{scale: wholeScale()}
	var only string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&s.out, "out", "", "write performance.jsonl, performance.md and its images into this `directory`")
	flags.IntVar(&s.rounds, "rounds", 9, "how often everything is measured that needs no server")
	flags.IntVar(&s.servingRounds, "serving", 5, "how often each server is measured")
	flags.DurationVar(&s.reading, "time", 150*time.Millisecond, "for how long a library does the same work in a round")
	flags.IntVar(&s.requests, "requests", 20_000, "how many requests with a repeated token a server gets in a round")
	flags.StringVar(&only, "only", "", "measure what matches this `expression` (case/of/library), and print it; nothing is written")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var err error
	if s.only, err = regexp.Compile(only); err != nil {
		return err
	}
	if (only == "") == (s.out == "") {
		return errors.New("one of -out and -only must be given")
	}
	seen, err := s.measure(ctx, progress)
	if err != nil {
		return err
	}
	seen.run = here(s, strings.Join(append([]string{"GOWORK=off go -C bench run ."}, arguments...), " "))
	if s.out == "" {
		seen.print(os.Stdout)
		return nil
	}
	return seen.write(s.out)
}

// wanted reports whether a cell is to be measured.
func (s settings) wanted(of id) bool {
	return s.only.MatchString(of.Case + "/" + of.Of + "/" + of.Library)
}

// measure makes sure that everybody does the work, and then measures in rounds. In each
// one everybody has a turn at everything, so that a machine that becomes slower, or is
// shared for a while, is so for all.
func (s settings) measure(ctx context.Context, progress io.Writer) (*results, error) {
	start := time.Now()
	note := func(format string, arguments ...any) {
		fmt.Fprintf(progress, "%4.0f s  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, arguments...))
	}
	note("keys and tokens")
	l, err := newLab(s.scale)
	if err != nil {
		return nil, err
	}
	note("is everybody sound")
	seen := &results{}
	for _, algorithm := range algorithms() {
		for _, p := range contenders() {
			found, err := l.scenes[algorithm].soundness(ctx, p)
			if err != nil {
				return nil, err
			}
			seen.sound = append(seen.sound, found)
		}
	}
	for round := range s.rounds {
		note("round %d of %d", round+1, s.rounds)
		if err := s.studyRound(ctx, l, seen, round); err != nil {
			return nil, err
		}
	}
	for _, f := range fills() {
		if !s.wanted(f.id()) {
			continue
		}
		read, err := f.measure(ctx, l.scenes["EdDSA"])
		if err != nil {
			return nil, err
		}
		seen.add(f.id(), read)
	}
	servings, err := l.servings(ctx, s.requests, s.wanted)
	if err != nil {
		return nil, err
	}
	for round := range s.servingRounds {
		note("servers, round %d of %d", round+1, s.servingRounds)
		if err := servingRound(ctx, servings, seen, round); err != nil {
			return nil, errors.Join(err, end(servings))
		}
	}
	note("done")
	return seen, end(servings)
}

// studyRound lets each library do everything once. Each round begins with another one.
func (s settings) studyRound(ctx context.Context, l *lab, seen *results, round int) error {
	for _, study := range l.studies() {
		for _, library := range turned(study.libraries, round) {
			of := study.id(library)
			if !s.wanted(of) {
				continue
			}
			task, end, err := study.prepare(ctx, library)
			if err != nil {
				return fmt.Errorf("%v: %w", of, err)
			}
			read, err := task.measure(study.processors, s.reading)
			end()
			if err != nil {
				return fmt.Errorf("%v: %w", of, err)
			}
			seen.add(of, read)
		}
	}
	return nil
}

func servingRound(ctx context.Context, servings []serving, seen *results, round int) error {
	for _, next := range turned(servings, 2*round) {
		read, err := next.measure(ctx)
		if err != nil {
			return fmt.Errorf("%v: %w", next.id(), err)
		}
		seen.add(next.id(), read)
	}
	return nil
}

// turned is the same in another order: what came first comes last.
func turned[T any](all []T, by int) []T {
	if len(all) == 0 {
		return nil
	}
	by %= len(all)
	return append(all[by:len(all):len(all)], all[:by]...)
}

// print writes the medians.
func (r *results) print(w io.Writer) {
	for _, of := range everything() {
		c, there := r.cells[of]
		if !there {
			continue
		}
		cpu, wall := spreadOf(c.CPU), spreadOf(c.Wall)
		fmt.Fprintf(w, "%s/%s/%s\t%.0f ns of CPU (%.0f to %.0f)\t%.0f ns\t%.4g allocs\t%.4g B\t%.3g fetches\n", of.Case, of.Of, of.Library,
			cpu.median, cpu.low, cpu.high, wall.median, spreadOf(c.Allocs).median, spreadOf(c.Bytes).median, spreadOf(c.Fetches).median)
	}
}
