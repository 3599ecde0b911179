package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestColouredPaintsTheFirstWord(t *testing.T) {
	got := coloured("accepted\n\nFAIL  key  pass\n-     check\n  FAIL\nhint: x\nother\nrefused: y\nnot decided: z")
	want := "\x1b[32maccepted\x1b[0m\n\n\x1b[31mFAIL\x1b[0m  key  pass\n\x1b[2m-\x1b[0m     check\n  FAIL\n\x1b[33mhint:\x1b[0m x\nother\n\x1b[31mrefused:\x1b[0m y\n\x1b[31mnot\x1b[0m decided: z"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The null device is a character device, as a terminal is.
func TestColoursAreForTerminalsThatWantThem(t *testing.T) {
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	if !hasColours(device) || hasColours(file) || hasColours(&strings.Builder{}) {
		t.Error("colours depend on something else than a terminal")
	}
	t.Setenv("TERM", "dumb")
	if hasColours(device) {
		t.Error("a dumb terminal has colours")
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	if hasColours(device) {
		t.Error("NO_COLOR is not heeded")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the pipe is broken") }

func TestAnAnswerThatCannotBeWrittenIsNone(t *testing.T) {
	var stderr strings.Builder
	args := []string{"explain", "--issuer", "http://127.0.0.1:1", "--audience", "api"}
	if code := run(args, strings.NewReader("x"), broken{}, &stderr); code != exitUnusable || !strings.Contains(stderr.String(), "broken") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}
