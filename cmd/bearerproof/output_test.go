package main

import (
	"encoding/json/v2"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
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

// answered is an answer.
type answered struct{ Text string }

func (a answered) String() string { return a.Text + "\n" }

// What an issuer writes, such as its key set's address, must not drive the terminal.
func TestAnAnswerHasNoControlCharacters(t *testing.T) {
	const text = "a\x1b[2J\r\u009b\u202e\u200b\U000e0001\x00\xffé\n“b”"
	for name, c := range map[string]struct {
		s    settings
		want string
	}{
		"text": {settings{}, `a\u001b[2J\u000d\u009b\u202e\u200b\udb40\udc01\u0000` + "\ufffdé\n“b”\n"},
		"json": {settings{json: true}, "{\n  \"Text\": \"a" + `\u001b[2J\r\u009b\u202e\u200b\udb40\udc01\u0000é\n“b”` + "\"\n}\n"},
	} {
		var out strings.Builder
		s, answer := c.s, answered{text}
		if s.json { // which has no other octets than UTF-8
			answer.Text = strings.ToValidUTF8(text, "")
		}
		if err := s.print(&out, answer); err != nil || out.String() != c.want {
			t.Errorf("%s: %v\n%q, want\n%q", name, err, out.String(), c.want)
		}
		var decoded answered
		if s.json && (json.Unmarshal([]byte(out.String()), &decoded) != nil || decoded != answer) {
			t.Errorf("the JSON says %q", decoded.Text)
		}
	}
}

func TestTheAddressOfAKeySetHasNoControlCharacters(t *testing.T) {
	for _, more := range []string{"?\u009b2J", "?\u202eabc"} {
		idp := issuertest.Listen(t, nil)
		idp.AddKey(verifier.RS256)
		metadata := strings.Replace(string(idp.Discovery().Content()), `/keys"`, "/keys"+more+`"`, 1)
		idp.Discovery().SetContent([]byte(metadata))
		for _, args := range [][]string{
			{"keys", "--issuer", idp.URL()},
			{"keys", "--json", "--issuer", idp.URL()},
			{"explain", "--issuer", idp.URL(), "--audience", "api"},
		} {
			r := command("e30.e30.e30", args...)
			if r.stdout == "" || strings.ContainsAny(r.stdout+r.stderr, "\u009b\u202e") {
				t.Errorf("%v: stdout %q, stderr %q", args, r.stdout, r.stderr)
			}
		}
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
