package issuertest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
)

const day = 24 * time.Hour

var waiting = map[string]issuertest.Fault{
	"Hang":       issuertest.Hang(),
	"SlowHeader": issuertest.SlowHeader(day),
	"SlowBody":   issuertest.SlowBody(day),
	"HangBody":   issuertest.HangBody(),
}

func TestWaitingFaultsEndWithTheClient(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, idp *issuertest.Issuer) {
		for name, fault := range waiting {
			fault, ended := watched(fault)
			ctx, leave := context.WithCancel(t.Context())
			idp.KeySet().BreakNext(1, func(w http.ResponseWriter, r *http.Request, healthy http.Handler) {
				time.AfterFunc(p.delay, leave)
				fault(w, r, healthy)
			})
			begin := time.Now()
			if _, err := try(ctx, idp, idp.KeySet().URL()); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error of the fetch: %v, want that of a client that left", name, err)
			}
			if waited := time.Since(begin); !p.exact(waited, p.delay) {
				t.Errorf("%s: the fetch took %v, want %v", name, waited, p.delay)
			}
			<-ended // A fault that goes on holds the test here.
		}
	})
}

func TestWaitingFaultsEndWithRepair(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, idp *issuertest.Issuer) {
		for name, fault := range waiting {
			set := string(idp.KeySet().Content())
			arrived := make(chan struct{})
			idp.KeySet().BreakNext(1, announced(fault, arrived))
			answers := make(chan answer)
			begin := time.Now()
			go func() { answers <- fetch(t, idp, idp.KeySet().URL()) }()
			<-arrived
			idp.Rotate()
			idp.Repair()
			if a := <-answers; a.status != 200 || a.body != set || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: status %d, %d octets, want the document as it was", name, a.status, len(a.body))
			}
			if waited := time.Since(begin); waited >= day {
				t.Errorf("%s: the fetch took %v", name, waited)
			}
		}
	})
}

func TestWaitingFaultsEndWithTheTest(t *testing.T) {
	for _, p := range places {
		for name, fault := range waiting {
			fault, ended := watched(fault)
			t.Run(p.name+" "+name, func(t *testing.T) {
				p.run(t, func(t *testing.T) {
					idp := p.start(t)
					arrived := make(chan struct{})
					idp.KeySet().Break(announced(fault, arrived))
					go func() { _, _ = try(context.Background(), idp, idp.KeySet().URL()) }()
					<-arrived
				})
			})
			select {
			case <-ended:
			default:
				t.Errorf("%s %s: the fault goes on", p.name, name)
			}
		}
	}
}

func TestSlowHeader(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, idp *issuertest.Issuer) {
		idp.KeySet().Break(issuertest.SlowHeader(p.delay))
		begin := time.Now()
		resp := open(t.Context(), t, idp)
		if waited := time.Since(begin); !p.exact(waited, p.delay) {
			t.Errorf("the header took %v, want %v", waited, p.delay)
		}
		if body, err := readAll(resp); err != nil || body != string(idp.KeySet().Content()) {
			t.Errorf("%d octets and error %v, want the document", len(body), err)
		}
	})
}

func TestSlowBody(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, idp *issuertest.Issuer) {
		idp.KeySet().Break(issuertest.SlowBody(p.delay))
		begin := time.Now()
		body, err := readAll(open(t.Context(), t, idp))
		if waited := time.Since(begin); !p.exact(waited, p.delay) {
			t.Errorf("the answer took %v, want %v", waited, p.delay)
		}
		if err != nil || body != string(idp.KeySet().Content()) {
			t.Errorf("%d octets and error %v, want the document", len(body), err)
		}
	})
}

func TestSlowBodyComesInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		for content, pieces := range map[string]int{`{"keys":[]}`: 11, string(idp.KeySet().Content()): 32, "": 0} {
			idp.KeySet().SetContent([]byte(content))
			idp.KeySet().Break(issuertest.SlowBody(time.Hour))
			begin := time.Now()
			resp := open(t.Context(), t, idp)
			if waited := time.Since(begin); waited != 0 || resp.ContentLength != int64(len(content)) {
				t.Errorf("the header came after %v and announced %d octets, want 0s and %d", waited, resp.ContentLength, len(content))
			}
			gaps := gapsOf(t, resp.Body)
			if n := len(gaps); n > pieces || n < pieces-2 {
				t.Errorf("%d octets came in %d pieces, want %d", len(content), n, pieces)
			}
			if pieces == 0 {
				continue
			}
			shortest, longest := slices.Min(gaps), slices.Max(gaps)
			if longest-shortest > 1 || longest > time.Hour/time.Duration(pieces-2) {
				t.Errorf("the pieces of %d octets are between %v and %v apart", len(content), shortest, longest)
			}
			if waited := time.Since(begin); waited != time.Hour {
				t.Errorf("the answer took %v, want an hour", waited)
			}
		}
	})
}

// gapsOf returns how long each piece of a body kept its reader waiting.
func gapsOf(t *testing.T, body io.Reader) []time.Duration {
	t.Helper()
	var gaps []time.Duration
	octets := make([]byte, 4096)
	for {
		begin := time.Now()
		n, err := body.Read(octets)
		if n > 0 {
			gaps = append(gaps, time.Since(begin))
		}
		if errors.Is(err, io.EOF) {
			return gaps
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestHangBodySendsHalf(t *testing.T) {
	everywhere(t, func(t *testing.T, p place, idp *issuertest.Issuer) {
		set := string(idp.KeySet().Content())
		idp.KeySet().Break(issuertest.HangBody())
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		resp := open(ctx, t, idp)
		if resp.StatusCode != 200 || resp.ContentLength != int64(len(set)) {
			t.Errorf("status %d, length %d, want 200 and %d", resp.StatusCode, resp.ContentLength, len(set))
		}
		half := make([]byte, len(set)/2)
		if _, err := io.ReadFull(resp.Body, half); err != nil || string(half) != set[:len(half)] {
			t.Errorf("error %v, want half of the document", err)
		}
		defer time.AfterFunc(p.delay, leave).Stop()
		if rest, err := readAll(resp); rest != "" || !errors.Is(err, context.Canceled) {
			t.Errorf("%d more octets and error %v, want none until the client leaves", len(rest), err)
		}
	})
}
