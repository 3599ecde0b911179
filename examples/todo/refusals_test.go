package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
	"github.com/bearerproof/bearerproof/verifier"
)

// refusing runs a test of a verifier whose log is kept.
func refusing(t *testing.T, test func(t *testing.T, idp *issuertest.Issuer, r refusals, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		quiet := slog.New(slog.DiscardHandler)
		keys, err := jwks.Discover(idp.URL(), &jwks.Options{Client: idp.Client(), Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		v, err := verifier.New(verifier.Config{
			Issuer:     idp.URL(),
			Audience:   verifier.AnyOf("todo-api"),
			Algorithms: []verifier.Algorithm{verifier.RS256},
			Keys:       keys,
		})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		test(t, idp, newRefusals(v, slog.New(slog.NewTextHandler(&log, nil))), &log)
	})
}

func TestRefusalIsExplainedInOneLineWithoutAValueOfTheToken(t *testing.T) {
	refusing(t, func(t *testing.T, idp *issuertest.Issuer, r refusals, log *bytes.Buffer) {
		token := idp.Token(issuertest.Claims{"sub": "secret-subject", "aud": "secret-audience"})
		if _, err := r.Verify(t.Context(), token); verifier.KindOf(err) != verifier.ErrAudience {
			t.Errorf("error %v", err)
		}
		text := log.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, "audience") || !strings.Contains(text, "Hint") {
			t.Errorf("log %q", text)
		}
		for _, secret := range []string{"secret-", idp.Key().ID(), token[len(token)-20:]} {
			if strings.Contains(text, secret) {
				t.Errorf("the log has %q: %s", secret, text)
			}
		}
		log.Reset()
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := r.Verify(ended, token); err == nil || log.Len() > 0 {
			t.Errorf("for a client that is gone: error %v, log %q", err, log)
		}
		if _, err := r.Verify(t.Context(), idp.Token(issuertest.Claims{"aud": "todo-api"})); err != nil || log.Len() > 0 {
			t.Errorf("a good token: error %v, log %q", err, log)
		}
	})
}

func TestRefusalsAreExplainedAtABoundedRate(t *testing.T) {
	refusing(t, func(t *testing.T, _ *issuertest.Issuer, r refusals, log *bytes.Buffer) {
		flood := func() int {
			log.Reset()
			for i := range 100 {
				_, _ = r.Verify(t.Context(), fmt.Sprint("garbage", i))
			}
			return strings.Count(log.String(), "\n")
		}
		if n := flood(); n != explainedAtOnce {
			t.Errorf("%d lines at once", n)
		}
		time.Sleep(3 * time.Second)
		if n := flood(); n != 3*explainedPerSecond {
			t.Errorf("%d lines after 3 s", n)
		}
	})
}
