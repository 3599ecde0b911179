package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pressure is the load on a server.
type pressure struct {
	length      time.Duration // of each measurement
	connections int           // each sends a request when it has the answer to the last one
}

// outcome is what wrk saw.
type outcome struct {
	requests int           // that were answered
	elapsed  time.Duration // in which they were
	p50, p99 time.Duration // until an answer
	failures int           // answers other than 2xx and 3xx, and requests without one
}

// wrk loads a URL. Each request has the given header, or what a script says.
func (p pressure) wrk(ctx context.Context, url string, request ...string) (outcome, error) {
	// A slow answer is a latency, not a failure, so the time limit is above all of them.
	args := []string{"-t1", "-c" + strconv.Itoa(p.connections), fmt.Sprintf("-d%ds", int(p.length.Seconds())), "--latency", "--timeout", "10s"}
	cmd := exec.CommandContext(ctx, "wrk", append(args, arguments(url, request)...)...)
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return outcome{}, fmt.Errorf("wrk: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return parseOutcome(string(stdout))
}

// withToken is the request that bears one token, over and over.
func withToken(token string) []string { return []string{"-H", "Authorization: Bearer " + token} }

// withScript is the requests of a script, which gets one argument.
func withScript(script, argument string) []string { return []string{"-s", script, "--", argument} }

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
func parseOutcome(printed string) (o outcome, err error) {
	total, quantiles := wrkTotal.FindStringSubmatch(printed), wrkQuantile.FindAllStringSubmatch(printed, -1)
	if total == nil || len(quantiles) != 2 || quantiles[0][1] != "50" || quantiles[1][1] != "99" {
		return o, errors.New("wrk printed something in a form that is not known")
	}
	var failed [4]error
	o.requests, failed[0] = strconv.Atoi(total[1])
	o.elapsed, failed[1] = time.ParseDuration(total[2])
	o.p50, failed[2] = time.ParseDuration(quantiles[0][2])
	o.p99, failed[3] = time.ParseDuration(quantiles[1][2])
	if err := errors.Join(failed[:]...); err != nil {
		return outcome{}, err
	}
	counts := wrkSocket.FindStringSubmatch(printed)
	if status := wrkStatus.FindStringSubmatch(printed); status != nil {
		counts = append(counts, status...)
	}
	for _, count := range counts {
		if n, err := strconv.Atoi(count); err == nil { // the whole match is none
			o.failures += n
		}
	}
	return o, nil
}
