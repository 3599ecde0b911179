package chiauth

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

// segment is a part of a pattern: text, or a parameter with its expression.
type segment struct {
	text      string         // if it is text
	parameter bool           // "{name}", "{name:expression}" or "*"
	matcher   *regexp.Regexp // nil without an expression
	syntax    *syntax.Regexp // of the same expression
}

// segmentsOf takes a pattern of chi apart.
func segmentsOf(pattern string) ([]segment, error) {
	var segments []segment
	for pattern != "" {
		start := strings.IndexAny(pattern, "{*")
		if start < 0 {
			return append(segments, segment{text: pattern}), nil
		}
		if start > 0 {
			segments = append(segments, segment{text: pattern[:start]})
			pattern = pattern[start:]
		}
		end := parameterEnd(pattern)
		if end == 0 {
			return nil, errors.New("a brace is not closed")
		}
		parameter, err := parameterOf(pattern[:end])
		if err != nil {
			return nil, err
		}
		segments = append(segments, parameter)
		pattern = pattern[end:]
	}
	return segments, nil
}

// parameterEnd returns the length of the parameter that a pattern starts with, or 0.
// Expressions contain braces of their own, which are in pairs.
func parameterEnd(pattern string) int {
	depth := 0
	for i := range len(pattern) {
		switch pattern[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return i + 1
		}
	}
	return 0
}

// parameterOf reads "*", "{name}" or "{name:expression}". Like chi, it anchors the
// expression at both ends.
func parameterOf(text string) (segment, error) {
	_, expression, _ := strings.Cut(strings.TrimSuffix(text, "}"), ":")
	if expression == "" {
		return segment{parameter: true}, nil
	}
	if !strings.HasPrefix(expression, "^") {
		expression = "^" + expression
	}
	if !strings.HasSuffix(expression, "$") {
		expression += "$"
	}
	matcher, err := regexp.Compile(expression)
	if err != nil {
		return segment{}, fmt.Errorf("expression of a parameter: %w", err)
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return segment{}, fmt.Errorf("expression of a parameter: %w", err)
	}
	return segment{parameter: true, matcher: matcher, syntax: parsed}, nil
}

// sampleOf writes a path for a pattern, and another one for another attempt. It
// reports false if it found no value that matches an expression.
func sampleOf(segments []segment, attempt int) (string, bool) {
	// The choices are the same in every run, so that a test gives the same answer.
	choices := rand.New(rand.NewPCG(0, uint64(attempt))) //nolint:gosec // nothing here is secret
	var path strings.Builder
	for _, s := range segments {
		switch {
		case !s.parameter:
			path.WriteString(s.text)
		case s.matcher == nil:
			path.WriteString(plainValue(choices, attempt))
		default:
			value, ok := matchingValue(s, choices)
			if !ok {
				return "", false
			}
			path.WriteString(value)
		}
	}
	return path.String(), true
}

// plainValue makes up the value of a parameter without an expression: 1, which many
// handlers can read, then letters and digits, which differ from other routes' text.
func plainValue(choices *rand.Rand, attempt int) string {
	if attempt == 0 {
		return "1"
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	value := make([]byte, 1+choices.IntN(12))
	for i := range value {
		value[i] = alphabet[choices.IntN(len(alphabet))]
	}
	return string(value)
}

// matchingValue makes up a value that an expression matches.
func matchingValue(s segment, choices *rand.Rand) (string, bool) {
	const attempts = 20
	for range attempts {
		var value strings.Builder
		if write(&value, s.syntax, choices) && value.Len() > 0 && s.matcher.MatchString(value.String()) {
			return value.String(), true
		}
	}
	return "", false
}

// mostRepeats bounds how often an expression that may repeat without end does so,
// and with it the length of a value.
const mostRepeats = 4

// write writes a text that an expression matches, as far as its parts tell: anchors
// and word boundaries are left to the matcher. It reports false if there is none.
func write(value *strings.Builder, e *syntax.Regexp, choices *rand.Rand) bool {
	switch e.Op {
	case syntax.OpLiteral:
		value.WriteString(string(e.Rune))
	case syntax.OpCharClass:
		return writeOneOf(value, e.Rune, choices)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return writeOneOf(value, []rune{'0', '9', 'a', 'z'}, choices)
	case syntax.OpAlternate:
		return write(value, e.Sub[choices.IntN(len(e.Sub))], choices)
	case syntax.OpConcat, syntax.OpCapture:
		for _, part := range e.Sub {
			if !write(value, part, choices) {
				return false
			}
		}
	case syntax.OpStar:
		return repeat(value, e.Sub[0], choices.IntN(mostRepeats+1), choices)
	case syntax.OpPlus:
		return repeat(value, e.Sub[0], 1+choices.IntN(mostRepeats), choices)
	case syntax.OpQuest:
		return repeat(value, e.Sub[0], choices.IntN(2), choices)
	case syntax.OpRepeat:
		most := e.Max
		if most < 0 {
			most = e.Min + mostRepeats
		}
		return repeat(value, e.Sub[0], e.Min+choices.IntN(most-e.Min+1), choices)
	case syntax.OpNoMatch:
		return false
	default: // empty matches
	}
	return true
}

func repeat(value *strings.Builder, e *syntax.Regexp, times int, choices *rand.Rand) bool {
	for range times {
		if !write(value, e, choices) {
			return false
		}
	}
	return true
}

// writeOneOf writes a rune of a class, which is a list of pairs of first and last
// rune. It prefers ASCII letters and digits to other graphic characters of ASCII, and
// those to the rest: "[^/]+" should not become Thai.
func writeOneOf(value *strings.Builder, class []rune, choices *rand.Rand) bool {
	var preferred, ascii []rune
	for i := 0; i+1 < len(class); i += 2 {
		for r := max(class[i], '!'); r <= min(class[i+1], '~'); r++ {
			ascii = append(ascii, r)
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				preferred = append(preferred, r)
			}
		}
	}
	switch {
	case len(preferred) > 0:
		value.WriteRune(preferred[choices.IntN(len(preferred))])
	case len(ascii) > 0:
		value.WriteRune(ascii[choices.IntN(len(ascii))])
	case len(class) > 0:
		value.WriteRune(class[0])
	}
	return len(class) > 0
}
