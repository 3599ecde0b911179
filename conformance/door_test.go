package conformance

import (
	"encoding/json/v2"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// door is one way into the library.
type door struct {
	name string
	// transport is "http" or "grpc", as in [Row.At], or "" where there is none.
	transport string
	// now is the clock of the verifier behind the door.
	now func() time.Time
	// limit is how many bytes of header fields the transport reads.
	limit int
	// unable says why a row cannot be sent to this door, or returns "".
	unable func(Row) string
	// open makes a service with the config's verifier, until the test ends.
	open func(*testing.T, Config) gate
}

// gate is an open door: it sends a request and tells what came back.
type gate func(*testing.T, request) reply

// request is a credential with the token in its place.
type request struct {
	Credential

	token string
	usual bool // the row is about the token alone
}

func newRequest(c Credential, token string) request {
	return request{c.with(token), token, c.usual()}
}

// reply is what a door answers, as far as the caller can see it.
type reply struct {
	// kind is "accepted", the name of a verifier.Kind, byTransport, or something else,
	// which is never right.
	kind string
	text string // the answer, for a failure's message and for leaks
}

// byTransport is the answer of a transport that does not let a request through to the
// library.
const byTransport = "transport"

// atEachDoor is how many rows the library answers itself at each door at the least.
const atEachDoor = 950

// doors are all of them.
func doors(t *testing.T) []door {
	t.Helper()
	return append([]door{verifyDoor(), netHTTPDoor(), chiDoor(), grpcDoor()}, todoDoors(t)...)
}

// TestAttacksAtTheDoors sends every attack to every door, and after each a token that
// is good. What a transport refuses itself is counted apart, for the library has no
// part in it.
func TestAttacksAtTheDoors(t *testing.T) {
	rows := rows(t)
	var m matrix
	var tokens mint
	for _, d := range doors(t) {
		t.Run(d.name, func(t *testing.T) {
			for i, group := range byConfig(t, rows) {
				t.Run(strconv.Itoa(i), func(t *testing.T) { d.attack(t, group, &tokens, &m) })
			}
		})
	}
	t.Log(m.String())
	for _, name := range m.doors {
		if sum := m.sum(name); sum.expected+sum.transport+sum.unable == len(rows) && sum.expected < atEachDoor {
			t.Errorf("the library answered %d rows at %s, want at least %d", sum.expected, name, atEachDoor)
		}
	}
}

// attack sends rows with one config to the door.
func (d door) attack(t *testing.T, rows []Row, tokens *mint, m *matrix) {
	t.Helper()
	var send gate
	for _, row := range rows {
		if why := d.unable(row); why != "" {
			m.add(row.Family, d.name, cell{unable: 1})
			m.because(d.name + ": " + why)
			continue
		}
		if send == nil {
			send = d.open(t, row.Config)
		}
		t.Run(row.Family+"/"+row.Requirement+" "+row.Name, func(t *testing.T) {
			m.add(row.Family, d.name, d.try(t, send, row, tokens))
		})
	}
}

// try sends one attack, and a good token after it.
func (d door) try(t *testing.T, send gate, row Row, tokens *mint) cell {
	t.Helper()
	token := tokens.token(t, row.Recipe, d.now())
	r := newRequest(row.Credential, token)
	got, want := send(t, r), d.expects(row, r)
	if got.kind != want {
		t.Errorf("got %s (%.300s), want %s", got.kind, got.text, want)
	}
	if leaks(got.text, token) {
		t.Error("the answer repeats the token")
	}
	proof := tokens.token(t, row.Config.Proof(), d.now())
	if after := send(t, newRequest(Credential{}, proof)); after.kind != "accepted" {
		t.Errorf("a good token gets %s (%.300s) afterwards", after.kind, after.text)
	}
	if got.kind == byTransport {
		return cell{transport: 1}
	}
	return cell{expected: 1}
}

// leaks reports whether an answer has the last part of a token that is long enough to
// be told from other text.
func leaks(answer, token string) bool {
	return len(token) > 64 && strings.Contains(answer, token[len(token)-32:])
}

// expects returns what the row deserves at this door. A door with a transport reads
// the credential first, so that a token with a character outside b64token (RFC 6750
// §2.1) is no credential at all, and its transport may not even carry it.
func (d door) expects(row Row, r request) string {
	if d.transport == "" {
		return row.Expect
	}
	if special, found := row.At[d.transport]; found {
		return special
	}
	size := 0
	for _, field := range r.Fields {
		size += len(field)
	}
	switch {
	case size > d.limit:
		return byTransport
	case !r.usual:
		return row.Expect
	case strings.ContainsFunc(r.token, isControl):
		return byTransport
	case !regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`).MatchString(r.token):
		return verifier.ErrInvalidRequest.String()
	}
	return row.Expect
}

// isControl reports whether RFC 9110 §5.5 forbids a character in a field's value.
func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// byConfig groups rows, so that a service is made once for each config.
func byConfig(t *testing.T, rows []Row) [][]Row {
	t.Helper()
	var groups [][]Row
	index := map[string]int{}
	for _, row := range rows {
		config, err := json.Marshal(row.Config, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		i, known := index[string(config)]
		if !known {
			i = len(groups)
			index[string(config)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], row)
	}
	return groups
}

// verifyDoor is the library without a transport: [verifier.BearerToken] where the row
// is about the credential, and Verify.
func verifyDoor() door {
	return door{
		name:   "Verify",
		now:    stopped,
		unable: func(Row) string { return "" },
		open: func(t *testing.T, c Config) gate {
			v := newVerifier(t, c)
			return func(t *testing.T, r request) reply {
				raw, err := r.token, error(nil)
				if !r.usual {
					raw, err = verifier.BearerToken(r.authorization())
				}
				if err != nil {
					return reply{verifier.KindOf(err).String(), err.Error()}
				}
				token, err := v.Verify(t.Context(), raw)
				if err != nil {
					return reply{verifier.KindOf(err).String(), err.Error()}
				}
				return reply{outcome(token, nil), ""}
			}
		},
	}
}

func newVerifier(t *testing.T, c Config) *verifier.Verifier {
	t.Helper()
	keys, err := c.Static()
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Verifier(keys, stopped)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// matrix counts how the rows of each family end at each door.
type matrix struct {
	families, doors []string // in the order in which they came
	cells           map[[2]string]cell
	reasons         map[string]int
}

// cell counts rows: answered by the library as expected, refused by the transport as
// expected, and not applicable. What is not as expected fails the test.
type cell struct{ expected, transport, unable int }

func (m *matrix) add(family, door string, c cell) {
	if m.cells == nil {
		m.cells = map[[2]string]cell{}
	}
	if !slices.Contains(m.families, family) {
		m.families = append(m.families, family)
	}
	if !slices.Contains(m.doors, door) {
		m.doors = append(m.doors, door)
	}
	sum := m.cells[[2]string{family, door}]
	m.cells[[2]string{family, door}] = cell{sum.expected + c.expected, sum.transport + c.transport, sum.unable + c.unable}
}

func (m *matrix) because(reason string) {
	if m.reasons == nil {
		m.reasons = map[string]int{}
	}
	m.reasons[reason]++
}

func (m *matrix) String() string {
	var text strings.Builder
	text.WriteString("answered by the library / refused by the transport / not applicable\n")
	line := func(name string, cellOf func(door string) cell) {
		fmt.Fprintf(&text, "%-12s", name)
		for _, d := range m.doors {
			c := cellOf(d)
			fmt.Fprintf(&text, "%16s", fmt.Sprintf("%d/%d/%d", c.expected, c.transport, c.unable))
		}
		text.WriteString("\n")
	}
	fmt.Fprintf(&text, "%-12s", "")
	for _, d := range m.doors {
		fmt.Fprintf(&text, "%16s", d)
	}
	text.WriteString("\n")
	for _, family := range m.families {
		line(family, func(d string) cell { return m.cells[[2]string{family, d}] })
	}
	line("in all", m.sum)
	for _, reason := range slices.Sorted(maps.Keys(m.reasons)) {
		fmt.Fprintf(&text, "%6d not applicable at %s\n", m.reasons[reason], reason)
	}
	return text.String()
}

// sum is the cell of all families.
func (m *matrix) sum(door string) cell {
	var sum cell
	for _, family := range m.families {
		c := m.cells[[2]string{family, door}]
		sum = cell{sum.expected + c.expected, sum.transport + c.transport, sum.unable + c.unable}
	}
	return sum
}
