package devissuer_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/examples/todo/internal/devissuer"
)

func TestRotationKeepsTheOldKeyForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, client := start(t, devissuer.Options{KeyRetention: time.Hour})
		before := machineToken(t, client, "alice")
		old := issuer.CurrentKeyID()
		if err := issuer.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		current := issuer.CurrentKeyID()
		if current == old {
			t.Fatal("the kid is the same")
		}
		keys := fetchKeys(t, client)
		if want := []string{current, old}; !reflect.DeepEqual(keys.ids(), want) {
			t.Errorf("published %v, want %v", keys.ids(), want)
		}
		verified(t, before, keys)
		if header, _ := verified(t, machineToken(t, client, "alice"), keys); header["kid"] != current {
			t.Errorf("signed with %v", header["kid"])
		}

		time.Sleep(time.Hour - time.Second)
		if got := fetchKeys(t, client).ids(); len(got) != 2 {
			t.Errorf("a second before the end: published %v", got)
		}
		time.Sleep(time.Second)
		if got := fetchKeys(t, client).ids(); !reflect.DeepEqual(got, []string{current}) {
			t.Errorf("at the end: published %v", got)
		}
	})
}

func TestRetentionDefaultsToTwoTokenLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, client := start(t, devissuer.Options{TokenLifetime: time.Minute})
		if err := issuer.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Minute - time.Second)
		if got := fetchKeys(t, client).ids(); len(got) != 2 {
			t.Errorf("published %v", got)
		}
		time.Sleep(time.Second)
		if got := fetchKeys(t, client).ids(); len(got) != 1 {
			t.Errorf("published %v", got)
		}
	})
}

func TestDropOldKeys(t *testing.T) {
	issuer, client := start(t, devissuer.Options{})
	if err := issuer.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	issuer.DropOldKeys()
	if got := fetchKeys(t, client).ids(); !reflect.DeepEqual(got, []string{issuer.CurrentKeyID()}) {
		t.Errorf("published %v", got)
	}
}

func TestRotateHeedsItsContext(t *testing.T) {
	issuer, client := start(t, devissuer.Options{})
	old := issuer.CurrentKeyID()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := issuer.Rotate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := fetchKeys(t, client).ids(); !reflect.DeepEqual(got, []string{old}) {
		t.Errorf("published %v", got)
	}
}

func TestTokensAreMadeWhileKeysRotate(t *testing.T) {
	issuer, client := start(t, devissuer.Options{})
	rotated := make(chan error, 1)
	go func() {
		var err error
		for range 3 {
			err = errors.Join(err, issuer.Rotate(context.Background()))
		}
		rotated <- err
	}()
	for range 20 {
		token := machineToken(t, client, "bob")
		verified(t, token, fetchKeys(t, client))
	}
	if err := <-rotated; err != nil {
		t.Fatal(err)
	}
}

func TestRotationOverTheNetwork(t *testing.T) {
	issuer, client := start(t, devissuer.Options{})
	old := issuer.CurrentKeyID()
	foreign := request(t, "POST", issuerURL+"/rotate", "")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer, _ := do(t, client, foreign); answer.StatusCode != http.StatusForbidden || issuer.CurrentKeyID() != old {
		t.Errorf("asked by a page of another site: status %d", answer.StatusCode)
	}
	if answer, _ := do(t, client, request(t, "GET", issuerURL+"/rotate", "")); answer.StatusCode != http.StatusMethodNotAllowed || issuer.CurrentKeyID() != old {
		t.Errorf("GET: status %d", answer.StatusCode)
	}
	answer, body := do(t, client, request(t, "POST", issuerURL+"/rotate", ""))
	if kid := decode[map[string]string](t, body)["kid"]; answer.StatusCode != http.StatusOK || kid == old || kid != issuer.CurrentKeyID() {
		t.Errorf("status %d, kid %q after %q", answer.StatusCode, kid, old)
	}
	if got, want := fetchKeys(t, client).ids(), []string{issuer.CurrentKeyID(), old}; !reflect.DeepEqual(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
}
