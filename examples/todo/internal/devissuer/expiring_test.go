package devissuer

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestExpiredEntriesAreSweptWhenAnotherIsAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExpiring[int](10)
		for n := range 5 {
			e.put(fmt.Sprint(n), n, time.Now().Add(time.Minute))
		}
		e.put("long", 9, time.Now().Add(time.Hour))
		time.Sleep(time.Minute)
		if _, ok := e.get("0"); ok {
			t.Error("an expired entry is found")
		}
		if _, ok := e.take("1"); ok {
			t.Error("an expired entry is taken")
		}
		e.put("new", 1, time.Now().Add(time.Minute))
		if e.len() != 2 {
			t.Errorf("%d entries are held, want 2", e.len())
		}
		if value, ok := e.get("long"); !ok || value != 9 {
			t.Error("an entry went before its time")
		}
	})
}

func TestAFullMapMakesRoomByDroppingWhatExpiresFirst(t *testing.T) {
	e := newExpiring[int](3)
	now := time.Now()
	for n, minutes := range []int{30, 10, 20, 40} {
		e.put(fmt.Sprint(n), n, now.Add(time.Duration(minutes)*time.Minute))
	}
	if _, ok := e.get("1"); ok || e.len() != 3 {
		t.Errorf("the entry that expires first is held: %t; %d entries", ok, e.len())
	}
	if _, ok := e.get("3"); !ok {
		t.Error("the newest entry is not held")
	}
}

func TestOneOfManyTakes(t *testing.T) {
	e := newExpiring[int](3)
	e.put("once", 1, time.Now().Add(time.Hour))
	var got atomic.Int32
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if _, ok := e.take("once"); ok {
				got.Add(1)
			}
		})
	}
	wait.Wait()
	if got.Load() != 1 {
		t.Errorf("taken %d times", got.Load())
	}
}

func TestAFloodOfLoginsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const redirect = "http://localhost:5173/callback"
		issuer, err := New(Options{Issuer: "http://127.0.0.1:8080", WebRedirects: []string{redirect}})
		if err != nil {
			t.Fatal(err)
		}
		query := url.Values{
			"client_id": {"todo-web"}, "response_type": {"code"}, "redirect_uri": {redirect}, "scope": {"openid"},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
		}
		ask := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			issuer.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1:8080/authorize?"+query.Encode(), nil))
			return w
		}
		for range maxRequests + 200 {
			if w := ask(); w.Code != http.StatusFound {
				t.Fatalf("status %d", w.Code)
			}
		}
		if held := issuer.storage.pending.len(); held != maxRequests {
			t.Errorf("%d requests are held, want %d", held, maxRequests)
		}
		time.Sleep(loginTime)
		ask()
		if held := issuer.storage.pending.len(); held != 1 {
			t.Errorf("%d requests are held after the others expired, want 1", held)
		}
	})
}

func TestMachineTokensLeaveNothingBehind(t *testing.T) {
	issuer, err := New(Options{Issuer: "http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1:8080/oauth/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("alice", "alice")
	w := httptest.NewRecorder()
	issuer.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	if held := issuer.storage.tokens.len() + issuer.storage.sessions.len(); held != 0 {
		t.Errorf("%d things are held", held)
	}
}
