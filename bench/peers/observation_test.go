package peers_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/bench/peers"
	"github.com/bearerproof/bearerproof/issuertest"
)

var observed = flag.String("observed", "", "append what was observed to this `file`, as Markdown tables")

// sheet is what peers did, a row for each question and a column for each peer. A peer
// that does something else than bearerproof is no failure of a test: it is a cell.
type sheet struct {
	title string
	peers []peers.Peer
	rows  []string
	cells map[string]string // by row and peer
}

func newSheet(title string) *sheet {
	return &sheet{title: title, peers: peers.All(), cells: make(map[string]string)}
}

func (s *sheet) add(row string, p peers.Peer, cell string) {
	if len(s.rows) == 0 || s.rows[len(s.rows)-1] != row {
		s.rows = append(s.rows, row)
	}
	s.cells[row+"\x00"+p.Name] = cell
}

func (s *sheet) write(w io.Writer) {
	names := make([]string, len(s.peers))
	for i, p := range s.peers {
		names[i] = p.Name + " " + p.Version()
	}
	fmt.Fprintf(w, "\n| %s | %s |\n|---%s|\n", s.title, strings.Join(names, " | "), strings.Repeat("|---", len(names)))
	for _, row := range s.rows {
		cells := make([]string, len(s.peers))
		for i, p := range s.peers {
			cells[i] = s.cells[row+"\x00"+p.Name]
		}
		fmt.Fprintf(w, "| %s | %s |\n", row, strings.Join(cells, " | "))
	}
}

// report writes the sheet to the test's output, and to the file of -observed.
func (s *sheet) report(t *testing.T) {
	t.Helper()
	s.write(t.Output())
	if *observed == "" {
		return
	}
	file, err := os.OpenFile(*observed, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.write(file)
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

// isOurs says whether a cell is an expectation and not only an observation.
func isOurs(p peers.Peer) bool { return p.Name == peers.All()[0].Name }

func TestBadTokensAreRefused(t *testing.T) {
	tests := map[string]struct {
		serve    func(testing.TB) *issuertest.Issuer
		attempts []attempt
	}{
		"in memory":   {issuertest.Start, append(basics[:len(basics):len(basics)], finer...)},
		"on loopback": {onLoopback, basics},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sheet := newSheet("token, issuer " + name)
			for _, a := range tt.attempts {
				// An issuer of its own for each attempt: some change the key set.
				idp := tt.serve(t)
				raw := a.token(idp)
				for _, p := range sheet.peers {
					class := refusalOf(t, p, idp, raw)
					sheet.add(a.name, p, string(class))
					if isOurs(p) && class != peers.Invalid {
						t.Errorf("%s, %s: %s, want %s", p.Name, a.name, class, peers.Invalid)
					}
				}
			}
			sheet.report(t)
		})
	}
}

func onLoopback(tb testing.TB) *issuertest.Issuer { return issuertest.Listen(tb, nil) }

func refusalOf(t *testing.T, p peers.Peer, idp *issuertest.Issuer, raw string) peers.Class {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return p.Classify(warm(t, p, idp).Verify(ctx, raw))
}

// Tokens that a server should accept, from issuers that are a little unusual.
func TestGoodTokensAreAccepted(t *testing.T) {
	tests := []struct {
		name  string
		token func(idp *issuertest.Issuer) string
	}{
		{"usual", func(idp *issuertest.Issuer) string { return idp.Token(nil) }},
		{"two audiences", claims("aud", []string{"other-api", audience})},
		{"neither iat nor sub nor jti", func(idp *issuertest.Issuer) string {
			return idp.Token(issuertest.Claims{"iat": nil, "sub": nil, "jti": nil})
		}},
		{"no kid, and one key", func(idp *issuertest.Issuer) string {
			return idp.Key().TokenWithHeader(issuertest.Claims{"kid": nil}, nil)
		}},
		{"JWK without alg", func(idp *issuertest.Issuer) string {
			idp.Key().SetMember("alg", "")
			return idp.Token(nil)
		}},
		{"JWK without use", func(idp *issuertest.Issuer) string {
			idp.Key().SetMember("use", "")
			return idp.Token(nil)
		}},
		{"a JWK of an unknown type beside", func(idp *issuertest.Issuer) string {
			besides(idp, `{"kty":"NEW","kid":"n","x":"AAAA"}`)
			return idp.Token(nil)
		}},
		{"a broken JWK beside", func(idp *issuertest.Issuer) string {
			besides(idp, `{"kty":"RSA","kid":"b","n":"%","e":"AQAB"}`)
			return idp.Token(nil)
		}},
		{"issuer's clock 10 s ahead", func(idp *issuertest.Issuer) string {
			ahead := time.Now().Add(10 * time.Second)
			return idp.Token(issuertest.Claims{"iat": ahead, "nbf": ahead})
		}},
	}
	sheet := newSheet("good token")
	for _, tt := range tests {
		for _, p := range sheet.peers {
			// In a bubble, a peer that waits for a key set it can use waits for no time.
			synctest.Test(t, func(t *testing.T) {
				idp := issuertest.Start(t)
				cell := start(t, p, idp, tt.token(idp))
				sheet.add(tt.name, p, cell)
				if cell != string(peers.Accepted) && (isOurs(p) || tt.name == "usual") {
					t.Errorf("%s, %s: %s, want %s", p.Name, tt.name, cell, peers.Accepted)
				}
			})
		}
	}
	sheet.report(t)
}

// besides puts a JWK in front of the issuer's own.
func besides(idp *issuertest.Issuer, jwk string) {
	idp.Key()
	own := string(idp.KeySet().Content())
	idp.KeySet().SetContent([]byte(strings.Replace(own, `[`, `[`+jwk+`,`, 1)))
}

// Whether a program can start while its issuer is down, and what it then says.
func TestIssuerIsDownAtTheStart(t *testing.T) {
	faults := []struct {
		name  string
		fault issuertest.Fault
		want  string // of bearerproof
	}{
		{"answers 500", issuertest.Status(500), "unavailable"},
		{"answers garbage", issuertest.Body("application/json", "<html>"), "unavailable"},
		{"does not answer", issuertest.Hang(), "unavailable after 5s"},
	}
	sheet := newSheet("issuer at the start")
	for _, f := range faults {
		for _, p := range sheet.peers {
			synctest.Test(t, func(t *testing.T) {
				idp := issuertest.Start(t)
				raw := idp.Token(nil)
				idp.Break(f.fault)
				cell := start(t, p, idp, raw)
				sheet.add(f.name, p, cell)
				if isOurs(p) && cell != f.want {
					t.Errorf("%s, issuer %s: %s, want %s", p.Name, f.name, cell, f.want)
				}
			})
		}
	}
	sheet.report(t)
}

// start makes a subject and verifies a good token, and says how far it came, and how
// long the caller waited if he did. A request has 40 s, and New has a minute.
func start(t *testing.T, p peers.Peer, idp *issuertest.Issuer, raw string) string {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	subject, err := p.New(ctx, setupFor(idp))
	if err != nil {
		return "not made, " + string(p.Classify(err)) + after(began)
	}
	t.Cleanup(subject.Close)
	made := after(began)
	if made != "" {
		made = ", made" + made
	}
	began = time.Now()
	ctx, cancel = context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	class := p.Classify(subject.Verify(ctx, raw))
	return string(class) + after(began) + made
}

// after is the time that has passed, or "" if it is none.
func after(began time.Time) string {
	if passed := time.Since(began).Round(time.Second); passed > 0 {
		return fmt.Sprintf(" after %v", passed)
	}
	return ""
}
