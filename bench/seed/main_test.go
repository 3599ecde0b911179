package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// The test's program also plays the processes that a measurement starts.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("SEED_TEST_SERVER") != "":
		playServer(os.Getenv("SEED_TEST_SERVER"), os.Getenv("SEED_TEST_KEY_SET"))
	case os.Getenv("SEED_TEST_WRK") != "":
		playWrk(os.Args[len(os.Args)-1], os.Getenv("SEED_TEST_WRK"))
	default:
		os.Exit(m.Run())
	}
}

// playServer is a server that fetches the key set for each request.
func playServer(address, keySet string) {
	s := &http.Server{Addr: address, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, err := get(r.Context(), keySet, nil); err != nil || status != http.StatusOK {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})}
	fmt.Println(s.ListenAndServe())
}

// playWrk sends some requests one after the other, and prints what wrk does.
func playWrk(url, requests string) {
	var n, failed int
	_, _ = fmt.Sscan(requests, &n)
	for range n {
		if status, err := get(context.Background(), url, nil); err != nil || status != http.StatusOK {
			failed++
		}
	}
	fmt.Printf("    50%%    1.50ms\n    99%%    2.50ms\n  %d requests in 2.00s, 1.00KB read\n", n)
	if failed > 0 {
		fmt.Printf("  Non-2xx or 3xx responses: %d\n", failed)
	}
}

func TestOptions(t *testing.T) {
	tests := map[string]struct {
		args string
		want string // a part of the error
	}{
		"none":                     {"", ""},
		"all":                      {"-out docs -rounds 1 -length 2s -connections 4 -limit 1m -python python3", ""},
		"render":                   {"-render -out docs", ""},
		"render, but from where":   {"-render", "-out"},
		"an argument":              {"docs", `"docs"`},
		"no round":                 {"-rounds 0", "-rounds"},
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

// A machine without wrk or Python is told so before anything is built.
func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stderr bytes.Buffer
	if code := run(t.Context(), nil, new(bytes.Buffer), &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"apt-get install wrk", "apt-get install python3-venv"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not said in:\n%s", want, &stderr)
		}
	}
	if strings.Contains(stderr.String(), "building") {
		t.Errorf("it went on:\n%s", &stderr)
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
