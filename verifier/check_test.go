package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

func says(err error) verifier.Check {
	return func(context.Context, *verifier.Token) error { return err }
}

func TestScopes(t *testing.T) {
	token := wantAccepted(t, verifierWith(t), tokenWith())
	for name, test := range map[string]struct {
		check verifier.Check
		want  string // the scopes that the refusal names
	}{
		"one that is there":  {verifier.Scopes("todos:read"), ""},
		"two that are there": {verifier.Scopes("todos:write", "todos:read"), ""},
		"one that is not":    {verifier.Scopes("admin"), "admin"},
		"one of two":         {verifier.Scopes("todos:read", "admin"), "todos:read admin"},
		"a part of one":      {verifier.Scopes("todos"), "todos"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.check(t.Context(), token)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := wantKind(t, err, verifier.ErrForbidden); e.Scope != test.want {
				t.Errorf("the refusal asks for %q, want %q", e.Scope, test.want)
			}
			if errors.Is(err, verifier.ErrInvalidToken) {
				t.Error("the refusal says that the token is invalid")
			}
		})
	}
}

// A bad scope could inject into a challenge (R21).
func TestR21ScopesPanicsOnWhatAChallengeCannotCarry(t *testing.T) {
	for _, scope := range []string{"", "a b", `a"b`, `a\b`, "a\tb", "a\r\nb", "é", "a\x7f", "\x00", " "} {
		for _, build := range []func(){func() { verifier.Scopes(scope) }, func() { verifier.Scopes("good", scope) }} {
			func() {
				defer func() {
					text := fmt.Sprint(recover())
					if !strings.Contains(text, "is not a scope") || strings.ContainsAny(text, "\r\n\t") {
						t.Errorf("%q: panic %q", scope, text)
					}
				}()
				build()
			}()
		}
	}
	verifier.Scopes("!", "#[", "]~", "https://api.example.com/read") // the bounds of the alphabet
}

// What an error of a Check means where it stands.
func TestCheckErrors(t *testing.T) {
	plain := errors.New("not on the list")
	database := &verifier.Error{Kind: verifier.ErrUnavailable, RetryAfter: 5 * time.Second, Err: errors.New("database is down")}
	for name, test := range map[string]struct {
		err       error
		config    verifier.Kind // as Config.Check
		authorize verifier.Kind // in Authorize
	}{
		"a plain error":                     {plain, verifier.ErrClaim, verifier.ErrForbidden},
		"a wrapped plain error":             {fmt.Errorf("x: %w", plain), verifier.ErrClaim, verifier.ErrForbidden},
		"an *Error keeps its kind":          {database, verifier.ErrUnavailable, verifier.ErrUnavailable},
		"and wrapped":                       {fmt.Errorf("x: %w", database), verifier.ErrUnavailable, verifier.ErrUnavailable},
		"a bare Kind keeps its meaning":     {verifier.ErrForbidden, verifier.ErrForbidden, verifier.ErrForbidden},
		"a Kind of the token":               {verifier.ErrClaim, verifier.ErrClaim, verifier.ErrClaim},
		"the context was canceled":          {context.Canceled, verifier.ErrCanceled, verifier.ErrCanceled},
		"the context's deadline passed":     {fmt.Errorf("x: %w", context.DeadlineExceeded), verifier.ErrCanceled, verifier.ErrCanceled},
		"an *Error without a kind is plain": {&verifier.Error{Err: plain}, verifier.ErrClaim, verifier.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifierWith(t, func(c *verifier.Config) { c.Check = says(test.err) })
			token, err := v.Verify(t.Context(), tokenWith())
			if token != nil || verifier.KindOf(err) != test.config || !errors.Is(err, test.err) {
				t.Errorf("Config.Check: %v of kind %q, want %q", err, verifier.KindOf(err), test.config)
			}
			good := wantAccepted(t, verifierWith(t), tokenWith())
			err = verifier.Authorize(t.Context(), good, says(nil), says(test.err), says(plain))
			if verifier.KindOf(err) != test.authorize || !errors.Is(err, test.err) {
				t.Errorf("Authorize: %v of kind %q, want %q", err, verifier.KindOf(err), test.authorize)
			}
		})
	}
	if got := verifier.RetryAfter(fmt.Errorf("x: %w", database)); got != 5*time.Second {
		t.Errorf("retry after %v, want 5s", got)
	}
}

func TestCheckRunsLastAndOnlyOnAGoodToken(t *testing.T) {
	var seen []string
	v := verifierWith(t, func(c *verifier.Config) {
		c.Check = func(ctx context.Context, token *verifier.Token) error {
			seen = append(seen, fmt.Sprint(ctx.Value(contextKey{}), " ", token.Subject()))
			return nil
		}
	})
	for _, raw := range []string{tokenWith("exp", "1"), tokenWith("aud", `"x"`), tokenWith("iss", `"x"`), tokenWith("cnf", "{}"), tokenWith("nbf", "99999999999"), tokenWith()[:100]} {
		if _, err := v.Verify(t.Context(), raw); err == nil {
			t.Fatal("accepted")
		}
	}
	if len(seen) > 0 {
		t.Errorf("the check saw a token that is not acceptable: %q", seen)
	}
	ctx := context.WithValue(t.Context(), contextKey{}, "request")
	for range 2 {
		if _, err := v.Verify(ctx, tokenWith()); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(seen, ","); got != "request alice,request alice" {
		t.Errorf("the check saw %q", got)
	}
}

type contextKey struct{}

func TestAuthorize(t *testing.T) {
	good := wantAccepted(t, verifierWith(t), tokenWith())
	if err := verifier.Authorize(t.Context(), good); err != nil {
		t.Errorf("no demand: %v", err)
	}
	if err := verifier.Authorize(t.Context(), good, says(nil), verifier.Scopes("todos:read")); err != nil {
		t.Errorf("two that allow: %v", err)
	}
	wantKind(t, verifier.Authorize(t.Context(), good, nil), verifier.ErrMisconfigured)
	wantKind(t, verifier.Authorize(t.Context(), good, says(nil), nil), verifier.ErrMisconfigured)
	// A token that no Verifier made authorises nobody, whatever the checks say.
	for _, none := range []*verifier.Token{nil, {}} {
		wantKind(t, verifier.Authorize(t.Context(), none), verifier.ErrMisconfigured)
		wantKind(t, verifier.Authorize(t.Context(), none, says(nil)), verifier.ErrMisconfigured)
		wantKind(t, verifier.Authorize(t.Context(), none, verifier.Scopes("todos:read")), verifier.ErrMisconfigured)
	}
}

func TestContextCarriesTheToken(t *testing.T) {
	token := wantAccepted(t, verifierWith(t), tokenWith())
	got, ok := verifier.FromContext(verifier.NewContext(t.Context(), token))
	if !ok || got != token {
		t.Errorf("got %v, %t", got, ok)
	}
	for name, ctx := range map[string]context.Context{
		"no token":                 t.Context(),
		"a nil token":              verifier.NewContext(t.Context(), nil),
		"a nil token over a token": verifier.NewContext(verifier.NewContext(t.Context(), token), nil),
	} {
		if got, ok := verifier.FromContext(ctx); ok || got != nil {
			t.Errorf("%s: got %v, %t", name, got, ok)
		}
	}
}
