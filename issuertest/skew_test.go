package issuertest_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/issuertest"
	"github.com/bearerproof/bearerproof/verifier"
)

func TestSetSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := issuertest.Start(t)
		key := idp.AddKey(verifier.ES256)
		hidden := idp.NewKey(verifier.ES256)
		now := time.Now()
		for _, skew := range []time.Duration{time.Hour, -time.Hour, 0} {
			idp.SetSkew(skew)
			for _, token := range []string{idp.Token(nil), key.Token(nil), hidden.TokenWithHeader(nil, nil)} {
				claims := decode(t, token, 1)
				iat, exp := now.Add(skew).Unix(), now.Add(skew+5*time.Minute).Unix()
				if claims["iat"] != float64(iat) || claims["exp"] != float64(exp) {
					t.Errorf("%v: iat %.0f and exp %.0f, want %d and %d", skew, claims["iat"], claims["exp"], iat, exp)
				}
			}
			claims := decode(t, idp.Token(issuertest.Claims{"exp": now, "nbf": now, "iat": now}), 1)
			for _, name := range []string{"exp", "nbf", "iat"} {
				if claims[name] != float64(now.Unix()) {
					t.Errorf("%v: %s %.0f, want %d, as it was given", skew, name, claims[name], now.Unix())
				}
			}
			if got, want := fetch(t, idp, idp.KeySet().URL()).header.Get("Date"), now.Add(skew).UTC().Format(http.TimeFormat); got != want {
				t.Errorf("%v: Date %q, want %q", skew, got, want)
			}
		}
	})
}

func TestDateOfATestsOwn(t *testing.T) {
	idp := issuertest.Start(t)
	idp.SetSkew(time.Hour)
	const date = "Mon, 02 Nov 2026 10:00:00 GMT"
	idp.KeySet().SetHeader("Date", date)
	if got := fetch(t, idp, idp.KeySet().URL()).header.Get("Date"); got != date {
		t.Errorf("Date %q, want %q", got, date)
	}
}

func TestVerifierMeetsASkewedIssuer(t *testing.T) {
	everywhere(t, func(t *testing.T, _ place, idp *issuertest.Issuer) {
		v := newVerifier(t, idp)
		for _, tt := range []struct {
			skew time.Duration
			want error
		}{{0, nil}, {-time.Hour, verifier.ErrExpired}, {0, nil}} {
			idp.SetSkew(tt.skew)
			if _, err := v.Verify(t.Context(), idp.Token(nil)); !errors.Is(err, tt.want) {
				t.Errorf("error of a token of an issuer that is %v ahead: %v, want %v", tt.skew, err, tt.want)
			}
		}
	})
}
