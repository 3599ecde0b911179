// Package process runs the servers that are measured, and says what processor time they take.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the times in /proc: Linux shows 1/100 s to programs,
// whatever it counts with, on every processor that Go runs on.
const clockTick = 10 * time.Millisecond

// CPUTime returns the CPU time of a process since its start, in its own code and in
// the kernel, of all its threads.
func CPUTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(stat))
}

// parseStat reads utime and stime of proc_pid_stat(5), fields 14 and 15. The second
// field is the program's name, in which anything may stand.
func parseStat(stat string) (time.Duration, error) {
	rest, found := afterLast(stat, ") ")
	fields := strings.Fields(rest) // from the third on
	if !found || len(fields) < 13 {
		return 0, errors.New("a stat of /proc in a form that is not known")
	}
	user, err := strconv.ParseUint(fields[11], 10, 48)
	if err != nil {
		return 0, fmt.Errorf("utime of /proc: %w", err)
	}
	system, err := strconv.ParseUint(fields[12], 10, 48)
	if err != nil {
		return 0, fmt.Errorf("stime of /proc: %w", err)
	}
	return time.Duration(user+system) * clockTick, nil
}

func afterLast(s, sep string) (after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return "", false
	}
	return s[at+len(sep):], true
}

// RestingCPU waits until a process has done with the requests that were in flight when
// the load ended, and returns its CPU time.
func RestingCPU(ctx context.Context, pid int) (time.Duration, error) {
	// On a busy machine a process with work to do may get no time for a while.
	return resting(ctx, 500*time.Millisecond, func() (time.Duration, error) { return CPUTime(pid) })
}

// resting reads until a reading is that of an interval before.
func resting(ctx context.Context, interval time.Duration, read func() (time.Duration, error)) (time.Duration, error) {
	ctx, stop := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("the server is busy 10 s after the load has ended"))
	defer stop()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	last, err := read()
	for err == nil {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-ticker.C:
		}
		before := last
		if last, err = read(); err == nil && last == before {
			return last, nil
		}
	}
	return 0, err
}
