package main

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
)

// print writes an answer: its JSON, or its text.
func (s *settings) print(w io.Writer, answer fmt.Stringer) error {
	text := printable(answer.String())
	switch {
	case s.json:
		encoded, err := json.Marshal(answer, jsontext.WithIndent("  "))
		if err != nil {
			return fmt.Errorf("the answer cannot be written: %w", err)
		}
		text = printable(string(encoded)) + "\n"
	case hasColours(w):
		text = coloured(text)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("the answer cannot be written: %w", err)
	}
	return nil
}

// printable escapes, as JSON does, what a terminal would obey and not show, such as
// control characters in an address that the issuer names.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// wrongFlag keeps the error of a flag set, which has printed it already, short.
func wrongFlag(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return errors.New("see the flags above")
}

// hasColours reports whether somebody looks at a terminal that has colours.
func hasColours(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// coloured gives the first word of a line the colour of what it says.
func coloured(text string) string {
	const red, green, yellow, dim, plain = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
	var b strings.Builder
	for line := range strings.Lines(text) {
		word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		colour := ""
		switch word {
		case "accepted", "pass":
			colour = green
		case "refused:", "not", "FAIL":
			colour = red
		case "hint:", "warn":
			colour = yellow
		case "-":
			colour = dim
		}
		if colour == "" {
			b.WriteString(line)
			continue
		}
		b.WriteString(colour + word + plain + line[len(word):])
	}
	return b.String()
}
