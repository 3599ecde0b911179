package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
)

// The test's program also plays the processes that a measurement starts.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("LOAD_TEST_TODO") != "":
		playTodo(os.Getenv("TODO_ADDR"), os.Getenv("LOAD_TEST_TODO"))
	case os.Getenv("LOAD_TEST_WRK") != "":
		playWrk(os.Args[1:], os.Getenv("LOAD_TEST_WRK"))
	case os.Getenv("LOAD_TEST_POSTGRES") != "":
		playPostgres(os.Args[1:])
	default:
		os.Exit(m.Run())
	}
}

func TestOptions(t *testing.T) {
	tests := map[string]struct {
		args string
		want string // a part of the error
	}{
		"none":                     {"", ""},
		"all":                      {"-out docs -length 2s -connections 4 -limit 1m -dir /var/tmp", ""},
		"render":                   {"-render -out docs", ""},
		"render, but from where":   {"-render", "-out"},
		"an argument":              {"docs", `"docs"`},
		"no connection":            {"-connections 0", "-connections"},
		"wrk takes seconds":        {"-length 1500ms", "-length"},
		"less than wrk can":        {"-length 0s", "-length"},
		"a flag that is not there": {"-docs", "-docs"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readOptions(strings.Fields(tt.args), new(bytes.Buffer))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestHelpIsNoMeasurement(t *testing.T) {
	if _, err := readOptions([]string{"-help"}, new(bytes.Buffer)); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v, want %v", err, flag.ErrHelp)
	}
}

// A machine without wrk is told so before anything is built.
func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stderr bytes.Buffer
	if code := run(t.Context(), nil, new(bytes.Buffer), &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(stderr.String(), "apt-get install wrk") || strings.Contains(stderr.String(), "building") {
		t.Errorf("it says:\n%s", &stderr)
	}
}

func TestTheLimitIsNamed(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"-limit", "1ns"}, new(bytes.Buffer), &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(stderr.String(), "not done within 1ns") {
		t.Errorf("the limit is not named:\n%s", &stderr)
	}
}
