package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

var allKinds = []verifier.Kind{
	verifier.ErrInvalidToken, verifier.ErrNoCredentials, verifier.ErrInvalidRequest, verifier.ErrMalformed, verifier.ErrAlgorithm, verifier.ErrType,
	verifier.ErrBinding, verifier.ErrUnknownKey, verifier.ErrSignature, verifier.ErrExpired, verifier.ErrNotYetValid, verifier.ErrIssuer,
	verifier.ErrAudience, verifier.ErrClaim, verifier.ErrForbidden, verifier.ErrKeysUnavailable, verifier.ErrUnavailable, verifier.ErrCanceled,
	verifier.ErrMisconfigured,
}

// Metrics and gRPC reasons are built on the names: to change one breaks users.
func TestKindNamesAreStable(t *testing.T) {
	const want = "invalid_token no_credentials invalid_request malformed algorithm type binding unknown_key signature expired not_yet_valid issuer audience claim forbidden keys_unavailable unavailable canceled misconfigured"
	var names []string
	for _, kind := range allKinds {
		names = append(names, kind.String())
		if text := kind.Error(); !regexp.MustCompile(`^verifier: [a-z' ]+$`).MatchString(text) {
			t.Errorf("%s has the text %q", kind.String(), text)
		}
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("names are %s", got)
	}
	if got := verifier.Kind(200); got.String() != "kind_200" || got.Error() != "verifier: kind_200" {
		t.Errorf("an unknown kind is %q, %q", got.String(), got.Error())
	}
	if got := verifier.Kind(0).String(); got != "none" {
		t.Errorf("no kind is %q", got)
	}
}

func TestErrInvalidTokenMatchesEveryFaultOfTheTokenAndNoOther(t *testing.T) {
	faults := map[verifier.Kind]bool{
		verifier.ErrInvalidToken: true, verifier.ErrMalformed: true, verifier.ErrAlgorithm: true, verifier.ErrType: true, verifier.ErrBinding: true,
		verifier.ErrUnknownKey: true, verifier.ErrSignature: true, verifier.ErrExpired: true, verifier.ErrNotYetValid: true, verifier.ErrIssuer: true,
		verifier.ErrAudience: true, verifier.ErrClaim: true,
	}
	for _, kind := range append(allKinds, 0, 200) {
		for name, err := range map[string]error{"bare": kind, "in an *Error": &verifier.Error{Kind: kind}, "wrapped": fmt.Errorf("x: %w", &verifier.Error{Kind: kind, Err: errors.New("y")})} {
			if got := errors.Is(err, verifier.ErrInvalidToken); got != faults[kind] {
				t.Errorf("%s %s matches ErrInvalidToken: %t", kind.String(), name, got)
			}
			if !errors.Is(err, kind) {
				t.Errorf("%s %s does not match itself", kind.String(), name)
			}
			if got := verifier.KindOf(err); got != kind {
				t.Errorf("%s %s has kind %s", kind.String(), name, got.String())
			}
		}
		if kind != verifier.ErrExpired && errors.Is(kind, verifier.ErrExpired) {
			t.Errorf("%s matches ErrExpired", kind.String())
		}
	}
}

func TestKindOf(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want verifier.Kind
	}{
		"nil":                    {nil, 0},
		"a plain error":          {errors.New("x"), 0},
		"canceled":               {context.Canceled, verifier.ErrCanceled},
		"deadline":               {fmt.Errorf("x: %w", context.DeadlineExceeded), verifier.ErrCanceled},
		"an *Error over a cause": {&verifier.Error{Kind: verifier.ErrKeysUnavailable, Err: context.DeadlineExceeded}, verifier.ErrKeysUnavailable},
		"the outer of two":       {&verifier.Error{Kind: verifier.ErrForbidden, Err: &verifier.Error{Kind: verifier.ErrExpired}}, verifier.ErrForbidden},
		"a Kind among joined":    {errors.Join(errors.New("x"), verifier.ErrExpired), verifier.ErrExpired},
		"an *Error without kind": {&verifier.Error{Err: errors.New("x")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verifier.KindOf(test.err); got != test.want {
				t.Errorf("kind %s, want %s", got.String(), test.want.String())
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("the cause")
	if got := (&verifier.Error{Kind: verifier.ErrExpired, Err: cause}).Error(); got != "verifier: the token has expired: the cause" {
		t.Errorf("text %q", got)
	}
	if got := (&verifier.Error{Kind: verifier.ErrExpired}).Error(); got != "verifier: the token has expired" {
		t.Errorf("text %q", got)
	}
	if !errors.Is(&verifier.Error{Kind: verifier.ErrExpired, Err: cause}, cause) {
		t.Error("the cause is lost")
	}
}

func TestRetryAfterIsWholeSecondsFromOneToSixty(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want time.Duration
	}{
		"nil":                         {nil, 0},
		"a plain error":               {errors.New("x"), 0},
		"a fault of the token":        {&verifier.Error{Kind: verifier.ErrExpired, RetryAfter: time.Minute}, 0},
		"forbidden":                   {verifier.ErrForbidden, 0},
		"a wiring bug":                {verifier.ErrMisconfigured, 0},
		"canceled":                    {context.Canceled, time.Second},
		"canceled, whatever it says":  {&verifier.Error{Kind: verifier.ErrCanceled, RetryAfter: time.Minute}, time.Second},
		"unavailable, unknown":        {verifier.ErrKeysUnavailable, time.Second},
		"unavailable, zero":           {&verifier.Error{Kind: verifier.ErrUnavailable}, time.Second},
		"negative":                    {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: -time.Hour}, time.Second},
		"a nanosecond":                {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: 1}, time.Second},
		"a second":                    {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: time.Second}, time.Second},
		"a little more is rounded up": {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: time.Second + 1}, 2 * time.Second},
		"a minute":                    {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: time.Minute}, time.Minute},
		"an hour":                     {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: time.Hour}, time.Minute},
		"the longest":                 {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: math.MaxInt64}, time.Minute},
		"the most negative":           {&verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: math.MinInt64}, time.Second},
		"wrapped":                     {fmt.Errorf("x: %w", &verifier.Error{Kind: verifier.ErrKeysUnavailable, RetryAfter: 9 * time.Second}), 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verifier.RetryAfter(test.err); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// Whatever an attacker writes into a token stays one line of a log, and short.
func TestR13R22UnverifiedValuesAreQuotedAndCut(t *testing.T) {
	hostile := "evil\n\x1b[31m\"\\é" + strings.Repeat("x", 150)
	rows := map[string]struct {
		raw  string
		kind verifier.Kind
	}{
		"alg": {headerWith("alg", quote(hostile)), verifier.ErrAlgorithm},
		"typ": {headerWith("typ", quote(hostile)), verifier.ErrType},
		"kid": {headerWith("kid", quote(hostile)), verifier.ErrUnknownKey},
		"iss": {tokenWith("iss", quote(hostile)), verifier.ErrIssuer},
		"aud": {tokenWith("aud", "["+quote(hostile)+","+quote(hostile)+"]"), verifier.ErrAudience},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			err := wantRefused(t, verifierWith(t), row.raw, row.kind)
			text := err.Error()
			if strings.ContainsAny(text, "\n\x1b") || strings.Contains(text, "é") || strings.Count(text, "x") > 64 {
				t.Errorf("not quoted and cut: %q", text)
			}
			if !strings.Contains(text, `"evil\n\x1b[31m\"\\`) || !strings.Contains(text, "…") {
				t.Errorf("the log does not show what was wrong: %q", text)
			}
		})
	}
	exact := strings.Repeat("y", 64)
	if text := wantRefused(t, verifierWith(t), headerWith("alg", quote(exact)), verifier.ErrAlgorithm).Error(); !strings.HasSuffix(text, `"`+exact+`"`) {
		t.Errorf("64 bytes are cut: %q", text)
	}
}

// R13, R22: what is wrong with a claim is said without its value.
func TestErrorsOfUnreadablePartsRepeatNothing(t *testing.T) {
	const secret = "s3cr3t-value"
	for name, raw := range map[string]string{
		"header":                  signed(`{"alg":"EdDSA","`+secret+`":`, "{}"),
		"header, twice":           headerWith(secret, "1", secret, "1"),
		"payload":                 signed(goodHeader.object(), `{"`+secret+`"`),
		"payload, twice":          tokenWith(secret, "1", secret, "1"),
		"payload, further in":     tokenWith("x", `{"`+secret+`":1,"`+secret+`":1}`),
		"payload, invalid number": tokenWith(secret, "1x"),
		"payload, invalid UTF-8":  tokenWith("x", "\""+secret+"\xff\""),
		"claim":                   tokenWith("sub", `{"`+secret+`":1}`),
		"nested too deep":         tokenWith(secret, strings.Repeat("[", 100)+strings.Repeat("]", 100)),
		"not a JWT":               secret,
		"bad base64":              secret + "." + secret + "!." + secret,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifierWith(t).Verify(t.Context(), raw)
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A function that returns a variable of type *Error returns no nil error.
func TestNilErrorOfACheckRefuses(t *testing.T) {
	v := verifierWith(t, func(c *verifier.Config) {
		c.Check = func(context.Context, *verifier.Token) error {
			var none *verifier.Error
			return none
		}
	})
	_, err := v.Verify(t.Context(), tokenWith())
	if !errors.Is(err, verifier.ErrClaim) || verifier.RetryAfter(err) != 0 || err.Error() == "" {
		t.Errorf("got %v, want a refusal of kind claim", err)
	}
}
