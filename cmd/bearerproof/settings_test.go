package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/jwks"
)

// A person waits longer for a slow issuer than a request of a service does.
func TestWarmWaitsAsLongAsItsContext(t *testing.T) {
	for name, test := range map[string]struct {
		slow, allowed time.Duration
		good          bool
	}{
		"quick": {0, 10 * time.Second, true},
		"slow":  {8 * time.Second, 10 * time.Second, true},
		"never": {time.Minute, 10 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idp := issuertest.Start(t)
				idp.Key()
				idp.KeySet().Break(issuertest.SlowHeader(test.slow))
				s := settings{jwksURL: idp.KeySet().URL(), timeout: test.allowed}
				source, err := s.source(jwks.Options{Client: idp.Client()})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithTimeout(t.Context(), test.allowed)
				defer stop()
				began := time.Now()
				err = warm(ctx, source)
				if (err == nil) != test.good {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took != min(test.slow, test.allowed) {
					t.Errorf("took %v", took)
				}
				idp.Repair()
				synctest.Wait()
			})
		})
	}
}
