package process

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseStat(t *testing.T) {
	const numbers = " S 1 4242 4242 0 -1 4194560 1017 0 3 0 1234 56 7000 8000 20 0 9 0 9126 1 2 3"
	tests := map[string]struct {
		stat string
		want time.Duration // 0: refused
	}{
		"plain name":              {"4242 (todo)" + numbers, 12900 * time.Millisecond},
		"name with a space":       {"4242 (my todo)" + numbers, 12900 * time.Millisecond},
		"name that looks like it": {"4242 (x) R 1 2 3 4 5 6 7 8 9 10 11 99 99)" + numbers, 12900 * time.Millisecond},
		"empty":                   {"", 0},
		"cut":                     {"4242 (todo) S 1 4242 4242 0 -1 4194560 1017 0 3 0 1234", 0},
		"no number of ticks":      {"4242 (todo) S 1 4242 4242 0 -1 4194560 1017 0 3 0 many 56 0", 0},
		"negative":                {"4242 (todo) S 1 4242 4242 0 -1 4194560 1017 0 3 0 12 -56 0", 0},
		"more than there is time": {"4242 (todo) S 1 4242 4242 0 -1 4194560 1017 0 3 0 99999999999999999 56 0", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := parseStat(tt.stat); got != tt.want || (err == nil) != (tt.want != 0) {
				t.Errorf("parseStat() = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// What /proc says lies between two readings of what the kernel says by another way.
func TestCPUTimeIsThatOfTheProcess(t *testing.T) {
	spend(t, 300*time.Millisecond)
	before := ownTime(t)
	got, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// /proc counts whole ticks, of each of the two times.
	if after := ownTime(t); got < before-2*clockTick || got > after {
		t.Errorf("/proc says %v; getrusage says %v before and %v after", got, before, after)
	}
}

func TestCPUTimeOfNoProcess(t *testing.T) {
	if got, err := CPUTime(1 << 30); err == nil {
		t.Errorf("%v for a process that does not exist", got)
	}
}

// spend uses CPU time until this process has used some more.
func spend(t *testing.T, more time.Duration) {
	t.Helper()
	for until := ownTime(t) + more; ownTime(t) < until; {
		syscall.Getpid()
	}
}

func ownTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func TestResting(t *testing.T) {
	failed := errors.New("gone")
	tests := map[string]struct {
		read func(n int) (time.Duration, error)
		want time.Duration
		err  string
	}{
		"at once":         {func(int) (time.Duration, error) { return 5, nil }, 5, ""},
		"after some work": {func(n int) (time.Duration, error) { return time.Duration(min(n, 7)), nil }, 7, ""},
		"never":           {func(n int) (time.Duration, error) { return time.Duration(n), nil }, 0, "the server is busy 10 s after the load has ended"},
		"gone at first":   {func(int) (time.Duration, error) { return 0, failed }, 0, "gone"},
		"gone later": {func(n int) (time.Duration, error) {
			if n > 3 {
				return 0, failed
			}
			return time.Duration(n), nil
		}, 0, "gone"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				got, err := resting(t.Context(), time.Millisecond, func() (time.Duration, error) { n++; return tt.read(n) })
				if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
					t.Errorf("resting() = %v, %v, want %v, %q", got, err, tt.want, tt.err)
				}
			})
		})
	}
}

func TestRestingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		n := time.Duration(0)
		if _, err := resting(ctx, time.Second, func() (time.Duration, error) { n++; return n, nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want %v", err, context.Canceled)
		}
	})
}
