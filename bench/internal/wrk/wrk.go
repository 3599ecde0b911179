// Package wrk loads a server with the program of that name, and reads what it prints.
package wrk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Load is the load on a server.
type Load struct {
	Length      time.Duration // of each measurement
	Connections int           // each sends a request when it has the answer to the last one
}

// Missing says what this machine lacks to load a server and to read its CPU time.
func Missing() (missing []error) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		missing = append(missing, errors.New("no /proc, from which CPU times are read: it takes Linux"))
	}
	if _, err := exec.LookPath("wrk"); err != nil {
		missing = append(missing, errors.New("wrk is not installed (Debian: apt-get install wrk)"))
	}
	return missing
}

// Outcome is what wrk saw.
type Outcome struct {
	Requests int           // that were answered
	Elapsed  time.Duration // in which they were
	P50, P99 time.Duration // until an answer
	Failures int           // answers other than 2xx and 3xx, and requests without one
	CPU      time.Duration // that wrk itself took
}

// Run loads a URL. Each request has the given header, or what a script says.
func (l Load) Run(ctx context.Context, url string, request ...string) (Outcome, error) {
	// A slow answer is a latency, not a failure, so the time limit is above all of them.
	args := []string{"-t1", "-c" + strconv.Itoa(l.Connections), fmt.Sprintf("-d%ds", int(l.Length.Seconds())), "--latency", "--timeout", "10s"}
	cmd := exec.CommandContext(ctx, "wrk", append(args, arguments(url, request)...)...)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return Outcome{}, fmt.Errorf("wrk: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	o, err := parseOutcome(string(stdout))
	o.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return o, err
}

// Token is the request that bears one token, over and over.
func Token(token string) []string { return []string{"-H", "Authorization: Bearer " + token} }

// Script is the requests of a script, which gets one argument.
func Script(script, argument string) []string { return []string{"-s", script, "--", argument} }

// arguments puts the URL before the script's argument, where wrk wants it.
func arguments(url string, request []string) []string {
	before, after := request, []string(nil)
	for n, a := range request {
		if a == "--" {
			before, after = request[:n], request[n:]
		}
	}
	return append(append(append([]string{}, before...), url), after...)
}

// What wrk 4 prints. It has no other form of output.
var (
	wrkTotal    = regexp.MustCompile(`(?m)^\s*(\d+) requests in ([\d.]+[a-z]+), `)
	wrkQuantile = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([\d.]+[a-z]+) *$`)
	wrkStatus   = regexp.MustCompile(`(?m)^\s*Non-2xx or 3xx responses: (\d+)$`)
	wrkSocket   = regexp.MustCompile(`(?m)^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$`)
)

// parseOutcome reads what wrk --latency printed.
func parseOutcome(printed string) (o Outcome, err error) {
	total, quantiles := wrkTotal.FindStringSubmatch(printed), wrkQuantile.FindAllStringSubmatch(printed, -1)
	if total == nil || len(quantiles) != 2 || quantiles[0][1] != "50" || quantiles[1][1] != "99" {
		return o, errors.New("wrk printed something in a form that is not known")
	}
	var failed [4]error
	o.Requests, failed[0] = strconv.Atoi(total[1])
	o.Elapsed, failed[1] = time.ParseDuration(total[2])
	o.P50, failed[2] = time.ParseDuration(quantiles[0][2])
	o.P99, failed[3] = time.ParseDuration(quantiles[1][2])
	if err := errors.Join(failed[:]...); err != nil {
		return Outcome{}, err
	}
	counts := wrkSocket.FindStringSubmatch(printed)
	if status := wrkStatus.FindStringSubmatch(printed); status != nil {
		counts = append(counts, status...)
	}
	for _, count := range counts {
		if n, err := strconv.Atoi(count); err == nil { // the whole match is none
			o.Failures += n
		}
	}
	return o, nil
}

// Version returns the second word that wrk prints.
func Version(ctx context.Context) string {
	printed, _ := exec.CommandContext(ctx, "wrk", "--version").CombinedOutput() // it exits with 1
	fields := strings.Fields(string(printed))
	if len(fields) < 2 {
		return "unknown"
	}
	return fields[1]
}
