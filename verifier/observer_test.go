package verifier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/verifier"
)

// outcomes remembers what an observer is told.
type outcomes struct {
	mu   sync.Mutex // guards what follows
	told []verifier.Outcome
	ctx  context.Context
}

func (o *outcomes) Verified(ctx context.Context, told verifier.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told, o.ctx = append(o.told, told), ctx
}

// last fails unless the observer was told exactly once since the last call.
func (o *outcomes) last(tb testing.TB) verifier.Outcome {
	tb.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.told) != 1 {
		tb.Fatalf("told %d times: %v", len(o.told), o.told)
	}
	last := o.told[0]
	o.told = nil
	return last
}

func observedBy(o verifier.Observer) func(*verifier.Config) {
	return func(c *verifier.Config) { c.Observer = o }
}

// brokenKeys is a KeySet that fails.
type brokenKeys struct{ err error }

func (b brokenKeys) Keys(context.Context, string, verifier.Algorithm) ([]*verifier.Key, error) {
	return nil, b.err
}

func TestObserverIsToldOfEachOutcomeOnce(t *testing.T) {
	var none *verifier.Error
	failing := func(err error) func(*verifier.Config) {
		return func(c *verifier.Config) { c.Keys = brokenKeys{err} }
	}
	checking := func(err error) func(*verifier.Config) {
		return func(c *verifier.Config) {
			c.Check = func(context.Context, *verifier.Token) error { return err }
		}
	}
	for name, row := range map[string]struct {
		change func(*verifier.Config)
		raw    string
		want   verifier.Kind
	}{
		"accepted":                     {nil, tokenWith(), 0},
		"no JWT":                       {nil, "x", verifier.ErrMalformed},
		"too long":                     {nil, strings.Repeat("x", 20000), verifier.ErrMalformed},
		"wrong algorithm":              {nil, headerWith("alg", `"none"`), verifier.ErrAlgorithm},
		"unknown key":                  {nil, headerWith("kid", `"x"`), verifier.ErrUnknownKey},
		"expired":                      {nil, tokenWith("exp", "1"), verifier.ErrExpired},
		"another issuer":               {nil, tokenWith("iss", `"https://x.example"`), verifier.ErrIssuer},
		"another audience":             {nil, tokenWith("aud", `"x"`), verifier.ErrAudience},
		"keys unavailable":             {failing(verifier.ErrKeysUnavailable), tokenWith(), verifier.ErrKeysUnavailable},
		"keys fail plainly":            {failing(errors.New("no")), tokenWith(), verifier.ErrKeysUnavailable},
		"keys fail without a kind":     {failing(&verifier.Error{}), tokenWith(), verifier.ErrKeysUnavailable},
		"keys fail with a nil *Error":  {failing(none), tokenWith(), verifier.ErrKeysUnavailable},
		"a check refuses":              {checking(errors.New("no")), tokenWith(), verifier.ErrClaim},
		"a check fails":                {checking(verifier.ErrUnavailable), tokenWith(), verifier.ErrUnavailable},
		"a check fails without a kind": {checking(&verifier.Error{}), tokenWith(), verifier.ErrClaim},
	} {
		t.Run(name, func(t *testing.T) {
			var seen outcomes
			change := row.change
			if change == nil {
				change = func(*verifier.Config) {}
			}
			v := verifierWith(t, change, observedBy(&seen))
			token, err := v.Verify(t.Context(), row.raw)
			if verifier.KindOf(err) != row.want || (token == nil) != (err != nil) || (row.want == 0) != (err == nil) {
				t.Fatalf("token %v, error %v, want kind %q", token, err, row.want)
			}
			if told := seen.last(t); told.Kind != row.want || told.Issuer != issuer || told.Duration < 0 {
				t.Errorf("told %+v", told)
			}
		})
	}
}

type observedContext struct{}

func TestObserverIsToldOfACanceledCallWithItsContext(t *testing.T) {
	var seen outcomes
	v := verifierWith(t, observedBy(&seen), func(c *verifier.Config) { c.Keys = patient{} })
	ctx, stop := context.WithCancel(context.WithValue(t.Context(), observedContext{}, "request"))
	stop()
	if _, err := v.Verify(ctx, tokenWith()); verifier.KindOf(err) != verifier.ErrCanceled {
		t.Fatal(err)
	}
	if told := seen.last(t); told.Kind != verifier.ErrCanceled {
		t.Errorf("told %+v", told)
	}
	if seen.ctx.Value(observedContext{}) != "request" || seen.ctx.Err() == nil {
		t.Error("the observer did not get the caller's context")
	}
}

// patient is a KeySet that answers when the caller's context ends.
type patient struct{}

func (patient) Keys(ctx context.Context, _ string, _ verifier.Algorithm) ([]*verifier.Key, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Config.Now may stand still or jump; the duration is what the caller waited.
func TestObserverDurationIsTheTimeThatPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen outcomes
		v := verifierWith(t, observedBy(&seen), func(c *verifier.Config) { c.Keys = patient{} })
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		defer stop()
		if _, err := v.Verify(ctx, tokenWith()); verifier.KindOf(err) != verifier.ErrCanceled {
			t.Fatal(err)
		}
		if told := seen.last(t); told.Duration != 3*time.Second {
			t.Errorf("told %+v", told)
		}
	})
}

func TestObserverOfByIssuer(t *testing.T) {
	var ours, theirs outcomes
	partner := func(c *verifier.Config) { c.Issuer = otherIssuer }
	router := func(ours, theirs verifier.Observer) *verifier.Verifier {
		v, err := verifier.ByIssuer(verifierWith(t, observedBy(ours)), verifierWith(t, partner, observedBy(theirs)))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	both := router(&ours, &theirs)
	wantAccepted(t, both, tokenWith())
	if told := ours.last(t); told.Kind != 0 || told.Issuer != issuer {
		t.Errorf("told %+v", told)
	}
	wantRefused(t, both, tokenWith("iss", quote(otherIssuer), "exp", "1"), verifier.ErrExpired)
	if told := theirs.last(t); told.Kind != verifier.ErrExpired || told.Issuer != otherIssuer {
		t.Errorf("told %+v", told)
	}
	for raw, want := range map[string]verifier.Kind{
		tokenWith("iss", `"https://x.example"`): verifier.ErrIssuer,
		tokenWith("iss", "1"):                   verifier.ErrClaim,
		"x":                                     verifier.ErrMalformed,
		strings.Repeat("x", 20000):              verifier.ErrMalformed,
	} {
		wantRefused(t, both, raw, want)
		if told := ours.last(t); told.Kind != want || told.Issuer != "" {
			t.Errorf("told %+v", told)
		}
		wantRefused(t, router(nil, &theirs), raw, want)
		if told := theirs.last(t); told.Kind != want || told.Issuer != "" {
			t.Errorf("told %+v", told)
		}
	}
	if len(ours.told)+len(theirs.told) > 0 {
		t.Errorf("told more: %v, %v", ours.told, theirs.told)
	}
}

func TestLogObserverWritesRefusalsAndNothingOfTheToken(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	v := verifierWith(t, observedBy(verifier.NewLogObserver(log)))
	wantAccepted(t, v, tokenWith())
	if text.Len() > 0 {
		t.Errorf("wrote of an accepted token: %s", &text)
	}
	wantRefused(t, v, tokenWith("iss", `"https://stranger.example"`), verifier.ErrIssuer)
	line := text.String()
	for _, part := range []string{"level=DEBUG", "kind=issuer", "issuer=" + issuer, "duration="} {
		if !strings.Contains(line, part) {
			t.Errorf("%q lacks %q", line, part)
		}
	}
	if strings.Contains(line, "stranger") || strings.Count(line, "\n") != 1 {
		t.Errorf("wrote %q", line)
	}
	text.Reset()
	quiet := slog.New(slog.NewTextHandler(&text, nil))
	wantRefused(t, verifierWith(t, observedBy(verifier.NewLogObserver(quiet))), "x", verifier.ErrMalformed)
	if text.Len() > 0 {
		t.Errorf("wrote above the level Debug: %s", &text)
	}
}

func TestLogObserverWithoutALogUsesTheDefault(t *testing.T) {
	var text bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	observer := verifier.NewLogObserver(nil)
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
	wantRefused(t, verifierWith(t, observedBy(observer)), "x", verifier.ErrMalformed)
	if !strings.Contains(text.String(), "kind=malformed") {
		t.Errorf("wrote %q", &text)
	}
}

// counter is an Observer that counts outcomes by kind, as for a metric.
type counter struct{ byKind map[string]int }

func (c counter) Verified(_ context.Context, o verifier.Outcome) { c.byKind[o.Kind.String()]++ }

func ExampleObserver() {
	seen := counter{byKind: map[string]int{}} // in a service, a counter that is safe for concurrent use
	v, err := verifier.New(verifier.Config{
		Issuer:     "https://id.example.com",
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.RS256},
		Keys:       exampleKeys,
		Observer:   seen,
		Now:        exampleNow,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, raw := range []string{exampleJWT, exampleJWT + "x", "abc"} {
		_, _ = v.Verify(context.Background(), raw)
	}
	fmt.Println(seen.byKind)
	// Output: map[malformed:2 none:1]
}

func ExampleNewLogObserver() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{}
		}
		return a
	}}))
	v, err := verifier.New(verifier.Config{
		Issuer:     "https://id.example.com",
		Audience:   verifier.AnyOf("todo-api"),
		Algorithms: []verifier.Algorithm{verifier.ES256},
		Keys:       exampleKeys,
		Observer:   verifier.NewLogObserver(log),
		Now:        exampleNow,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = v.Verify(context.Background(), exampleJWT)
	// Output: level=DEBUG msg="a token was refused" kind=algorithm issuer=https://id.example.com
}
