package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/internal/jws"
	"github.com/bearerproof/bearerproof/internal/jws/jwstest"
	"github.com/bearerproof/bearerproof/verifier"
)

type answerFunc func(ctx context.Context, issuer string) (*verifier.Verifier, error)

// directory is a resolve function that remembers its calls.
type directory struct {
	mu          sync.Mutex // guards what follows
	answer      answerFunc
	calls       []string
	running     int
	mostRunning int
}

func (d *directory) resolve(ctx context.Context, issuer string) (*verifier.Verifier, error) {
	d.mu.Lock()
	d.calls = append(d.calls, issuer)
	d.running++
	d.mostRunning = max(d.mostRunning, d.running)
	answer := d.answer
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.running--
	}()
	return answer(ctx, issuer)
}

// set gives other answers from now on.
func (d *directory) set(answer answerFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

// count is the number of calls for an issuer, or of all for "".
func (d *directory) count(of string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, call := range d.calls {
		if of == "" || call == of {
			n++
		}
	}
	return n
}

// tenancy is a ByIssuerFunc under test, in a bubble of virtual time.
type tenancy struct {
	*testing.T
	*directory
	v *verifier.Verifier
}

// inTenancy runs a test in which issuers whose name begins with tenantPrefix are ours.
func inTenancy(t *testing.T, o *verifier.ByIssuerFuncOptions, test func(s *tenancy)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &directory{}
		s := &tenancy{T: t, directory: d}
		s.set(s.ours)
		v, err := verifier.ByIssuerFunc(d.resolve, o)
		if err != nil {
			t.Fatal(err)
		}
		s.v = v
		test(s)
	})
}

const tenantPrefix = "https://tenant-"

func tenantName(i int) string { return fmt.Sprintf("%s%d.example", tenantPrefix, i) }

func strangerName(i int) string { return fmt.Sprintf("https://stranger-%d.example", i) }

// ours is the answer of a quick database.
func (s *tenancy) ours(_ context.Context, issuer string) (*verifier.Verifier, error) {
	if !strings.HasPrefix(issuer, tenantPrefix) {
		return nil, verifier.ErrIssuer
	}
	return verifierWith(s.T, func(c *verifier.Config) { c.Issuer = issuer }), nil
}

// after is an answer that comes late, or when the context ends.
func after(d time.Duration, answer answerFunc) answerFunc {
	return func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return answer(ctx, issuer)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func failing(err error) answerFunc {
	return func(context.Context, string) (*verifier.Verifier, error) { return nil, err }
}

func from(issuer string) string { return tokenWith("iss", quote(issuer)) }

// forged is a token in an issuer's name with a signature that is nobody's.
func forged(issuer string) string {
	raw := from(issuer)
	return raw[:len(raw)-86] + jwstest.Encode(make([]byte, 64))
}

// get verifies a token of an issuer and returns the kind of the error.
func (s *tenancy) get(issuer string) verifier.Kind { return s.verify(s.Context(), from(issuer)) }

func (s *tenancy) verify(ctx context.Context, raw string) verifier.Kind {
	token, err := s.v.Verify(ctx, raw)
	if (token == nil) == (err == nil) {
		s.Errorf("token %v, error %v", token, err)
	}
	return verifier.KindOf(err)
}

// expect wants a kind, the number of calls that the token caused, those in the
// background included, and the time that it took.
func (s *tenancy) expect(issuer string, want verifier.Kind, calls int, took time.Duration) {
	s.Helper()
	began, before := time.Now(), s.count("")
	got := s.get(issuer)
	if waited := time.Since(began); waited != took {
		s.Errorf("%s: waited %v, want %v", issuer, waited, took)
	}
	synctest.Wait()
	if got != want {
		s.Errorf("%s: kind %q, want %q", issuer, got.String(), want.String())
	}
	if n := s.count("") - before; n != calls {
		s.Errorf("%s: %d calls of resolve, want %d", issuer, n, calls)
	}
}

// flood sends n tokens at a time and waits until all of them wait.
func (s *tenancy) flood(n int, name func(int) string) (kinds func() map[verifier.Kind]int) {
	s.Helper()
	var mu sync.Mutex
	count := map[verifier.Kind]int{}
	var all sync.WaitGroup
	for i := range n {
		raw := from(name(i))
		all.Go(func() {
			kind := s.verify(s.Context(), raw)
			mu.Lock()
			defer mu.Unlock()
			count[kind]++
		})
	}
	synctest.Wait()
	return func() map[verifier.Kind]int {
		all.Wait()
		return count
	}
}

func TestByIssuerFuncKeepsTenantsApart(t *testing.T) {
	a, b := tenantName(1), tenantName(2)
	resolve := func(_ context.Context, issuer string) (*verifier.Verifier, error) {
		key := keyNamed(t, "shared", "ed25519", verifier.EdDSA)
		if issuer == b {
			key = keyNamed(t, "shared", "p-256", verifier.ES256)
		}
		return verifierWith(t, func(c *verifier.Config) {
			c.Issuer, c.Keys = issuer, sourceOf(key)
			c.Algorithms = []verifier.Algorithm{verifier.EdDSA, verifier.ES256}
		}), nil
	}
	v, err := verifier.ByIssuerFunc(resolve, nil)
	if err != nil {
		t.Fatal(err)
	}
	signedAs := func(issuer string, alg verifier.Algorithm, key string) string {
		header := goodHeader.object("alg", quote(alg.String()), "kid", `"shared"`)
		return jwstest.Sign(jws.Algorithm(alg), signer(key), header, goodPayload.object("iss", quote(issuer)))
	}
	for range 2 { // without a verifier, and with one
		if token := wantAccepted(t, v, signedAs(a, verifier.EdDSA, "ed25519")); token.Issuer() != a {
			t.Errorf("issuer %s", token.Issuer())
		}
		if token := wantAccepted(t, v, signedAs(b, verifier.ES256, "p-256")); token.Issuer() != b {
			t.Errorf("issuer %s", token.Issuer())
		}
		wantRefused(t, v, signedAs(a, verifier.ES256, "p-256"), verifier.ErrUnknownKey)
		wantRefused(t, v, signedAs(b, verifier.EdDSA, "ed25519"), verifier.ErrUnknownKey)
		wantRefused(t, v, forged(a), verifier.ErrUnknownKey)
	}
}

func TestByIssuerFuncCallsOnceForAllWhoWait(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(after(time.Second, s.ours))
		kinds := s.flood(400, func(int) string { return tenantName(1) })()
		if kinds[0] != 400 || s.count("") != 1 {
			s.Errorf("kinds %v, %d calls", kinds, s.count(""))
		}
		s.expect(tenantName(1), 0, 0, 0)
	})
}

func TestByIssuerFuncCallerWhoLeavesTakesNobodyAlong(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 5*time.Second {
				s.Errorf("deadline %v", deadline)
			}
			if ctx.Value(observedContext{}) != nil {
				s.Error("resolve got a value of a request's context")
			}
			return after(3*time.Second, s.ours)(ctx, issuer)
		})
		ctx, stop := context.WithTimeout(context.WithValue(s.Context(), observedContext{}, "first"), time.Second)
		defer stop()
		var all sync.WaitGroup
		all.Go(func() {
			began := time.Now()
			if kind := s.verify(ctx, from(tenantName(1))); kind != verifier.ErrCanceled || time.Since(began) != time.Second {
				s.Errorf("the first got %q after %v", kind, time.Since(began))
			}
		})
		synctest.Wait()
		s.expect(tenantName(1), 0, 0, 3*time.Second)
		all.Wait()
	})
}

func TestByIssuerFuncGoesOnWhenEverybodyLeft(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(after(3*time.Second, s.ours))
		ctx, stop := context.WithTimeout(s.Context(), time.Second)
		defer stop()
		if kind := s.verify(ctx, from(tenantName(1))); kind != verifier.ErrCanceled {
			s.Errorf("kind %q", kind)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.expect(tenantName(1), 0, 0, 0)
	})
}

func TestByIssuerFuncAsksNothingForACallerWhoHasGone(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		ctx, stop := context.WithCancel(s.Context())
		stop()
		if kind := s.verify(ctx, from(tenantName(1))); kind != verifier.ErrCanceled {
			s.Errorf("kind %q", kind)
		}
		synctest.Wait()
		if calls := s.count(""); calls != 0 {
			s.Errorf("%d calls", calls)
		}
	})
}

func TestByIssuerFuncEndsACallAtItsTimeout(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Timeout: 2 * time.Second}, func(s *tenancy) {
		s.set(after(time.Hour, s.ours))
		began := time.Now()
		_, err := s.v.Verify(s.Context(), from(tenantName(1)))
		wantKind(s.T, err, verifier.ErrUnavailable)
		if time.Since(began) != 2*time.Second || verifier.RetryAfter(err) != time.Second {
			s.Errorf("after %v, retry after %v", time.Since(began), verifier.RetryAfter(err))
		}
	})
}

// A resolve that heeds no context costs its own issuer's callers 5 s, and those who
// come later nothing.
func TestByIssuerFuncNobodyWaitsLongerThan5s(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
			time.Sleep(20 * time.Second)
			return s.ours(ctx, issuer)
		})
		s.expect(tenantName(1), verifier.ErrUnavailable, 1, 5*time.Second)
		s.expect(tenantName(1), verifier.ErrUnavailable, 0, 0)
		s.set(s.ours)
		s.expect(tenantName(2), 0, 1, 0)
		s.expect(tenantName(1), verifier.ErrUnavailable, 0, 0)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		s.expect(tenantName(1), 0, 0, 0) // it came late, and counts
	})
	inTenancy(t, &verifier.ByIssuerFuncOptions{Timeout: time.Minute}, func(s *tenancy) {
		s.set(after(7*time.Second, s.ours))
		s.expect(tenantName(1), verifier.ErrUnavailable, 1, 5*time.Second)
		s.expect(tenantName(1), 0, 0, 2*time.Second)
	})
}

func TestByIssuerFuncBoundsTheCallsAtATime(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		const d = 10 * time.Millisecond
		s.set(after(d, s.ours))
		began := time.Now()
		kinds := s.flood(600, strangerName)
		// A new tenant behind 600 strangers, 12 at a time.
		if kind := s.get(tenantName(1)); kind != 0 || time.Since(began) != 51*d {
			s.Errorf("the tenant got %q after %v", kind.String(), time.Since(began))
		}
		if got := kinds(); got[verifier.ErrIssuer] != 600 {
			s.Errorf("kinds %v", got)
		}
		if s.mostRunning != 12 || s.count("") != 601 {
			s.Errorf("%d calls, up to %d at a time", s.count(""), s.mostRunning)
		}
	})
}

func TestByIssuerFuncBoundsWhoWait(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		_ = s.get(tenantName(0))
		s.set(after(900*time.Millisecond, s.ours))
		kinds := s.flood(2000, strangerName)
		s.expect(tenantName(1), verifier.ErrUnavailable, 0, 0) // refused at once
		s.expect(tenantName(0), 0, 0, 0)                       // and this one waits for nothing
		got := kinds()
		// 896 waited, 60 of them got an answer within 5 s, and 12 more were asked about.
		if got[verifier.ErrIssuer] != 60 || got[verifier.ErrUnavailable] != 1940 {
			s.Errorf("kinds %v", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s.running != 0 || s.mostRunning != 12 || s.count("") != 1+72 {
			s.Errorf("%d calls, %d running, up to %d at a time", s.count(""), s.running, s.mostRunning)
		}
		s.set(s.ours)
		s.expect(tenantName(1), 0, 1, 0)
	})
}

// Tenants whose resolve hangs, however many requests they send, leave places.
func TestByIssuerFuncOneTenantLeavesPlacesForOthers(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
			if issuer == tenantName(1) || issuer == tenantName(2) {
				return after(time.Hour, s.ours)(ctx, issuer)
			}
			return s.ours(ctx, issuer)
		})
		kinds := s.flood(4000, func(i int) string { return tenantName(1 + i%2) })
		for i := 3; i < 50; i++ {
			s.expect(tenantName(i), 0, 1, 0)
		}
		if got := kinds(); got[verifier.ErrUnavailable] != 4000 || s.count(tenantName(1)) != 1 {
			s.Errorf("kinds %v", got)
		}
	})
}

func TestByIssuerFuncDropsACallThatNobodyWaitsFor(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(after(2*time.Second, s.ours))
		kinds := s.flood(12, strangerName)
		ctx, stop := context.WithTimeout(s.Context(), time.Second)
		defer stop()
		if kind := s.verify(ctx, from(strangerName(99))); kind != verifier.ErrCanceled {
			s.Errorf("kind %q", kind)
		}
		kinds()
		synctest.Wait()
		if s.count(strangerName(99)) != 0 {
			s.Error("resolve was asked for nobody")
		}
		s.set(s.ours)
		s.expect(strangerName(99), verifier.ErrIssuer, 1, 0)
	})
}

func TestByIssuerFuncAsksAboutReadableShortIssuersOnly(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		longest := tenantPrefix + strings.Repeat("x", 512-len(tenantPrefix))
		twice := goodPayload.object("iss", quote(tenantName(1)), "iss", quote(tenantName(2)))
		for name, row := range map[string]struct {
			raw  string
			want verifier.Kind
		}{
			"too long an issuer": {from(longest + "x"), verifier.ErrIssuer},
			"an endless issuer":  {from(strings.Repeat("x", 11000)), verifier.ErrIssuer},
			"no issuer":          {tokenWith("iss", ""), verifier.ErrIssuer},
			"an empty issuer":    {from(""), verifier.ErrIssuer},
			"a number":           {tokenWith("iss", "1"), verifier.ErrClaim},
			"a list":             {tokenWith("iss", `["`+tenantName(1)+`"]`), verifier.ErrClaim},
			"null":               {tokenWith("iss", "null"), verifier.ErrClaim},
			"two issuers":        {signed(goodHeader.object(), twice), verifier.ErrMalformed},
			"nested too deep":    {tokenWith("iss", quote(tenantName(1)), "x", strings.Repeat("[", 64)+strings.Repeat("]", 64)), verifier.ErrMalformed},
			"too long a token":   {tokenWith("iss", quote(tenantName(1)), "x", quote(strings.Repeat("x", 16<<10))), verifier.ErrMalformed},
			"not UTF-8":          {tokenWith("iss", "\"https://\xff\""), verifier.ErrMalformed},
			"not a JWT":          {"x", verifier.ErrMalformed},
		} {
			if err := wantRefused(s.T, s.v, row.raw, row.want); len(err.Error()) > 300 {
				s.Errorf("%s: a text of %d bytes", name, len(err.Error()))
			}
			if s.count("") > 0 {
				s.Fatalf("%s: resolve was asked about %.100q", name, s.calls)
			}
		}
		s.expect(longest, 0, 1, 0)
	})
}

func TestByIssuerFuncTakesAVerifierForExactlyThatIssuer(t *testing.T) {
	router, _, _ := twoIssuers(t)
	for name, row := range map[string]struct {
		answer *verifier.Verifier
		text   string
	}{
		"neither":          {nil, "no Verifier and no error"},
		"a zero Verifier":  {&verifier.Verifier{}, "not made by New"},
		"another issuer's": {verifierWith(t), quote(issuer)},
		"nearly this one":  {verifierWith(t, func(c *verifier.Config) { c.Issuer = tenantName(1) + "/" }), quote(tenantName(1) + "/")},
		"a router":         {router, "not made by New"},
	} {
		t.Run(name, func(t *testing.T) {
			inTenancy(t, nil, func(s *tenancy) {
				s.set(func(context.Context, string) (*verifier.Verifier, error) { return row.answer, nil })
				s.expect(tenantName(1), verifier.ErrMisconfigured, 1, 0)
				if _, err := s.v.Verify(s.Context(), from(tenantName(1))); err == nil || !strings.Contains(err.Error(), row.text) {
					s.Errorf("the text is %q", err)
				}
				s.expect(tenantName(1), verifier.ErrMisconfigured, 0, 0) // for 1 s
				time.Sleep(time.Second)
				s.set(s.ours)
				s.expect(tenantName(1), 0, 1, 0)
			})
		})
	}
}

func TestByIssuerFuncRemembersUnknownIssuersFor10s(t *testing.T) {
	for name, err := range map[string]error{
		"bare":    verifier.ErrIssuer,
		"wrapped": fmt.Errorf("no such tenant: %w", verifier.ErrIssuer),
		"Error":   &verifier.Error{Kind: verifier.ErrIssuer, Err: errors.New("no such tenant")},
	} {
		inTenancy(t, nil, func(s *tenancy) {
			s.set(failing(err))
			refusal := wantRefused(s.T, s.v, from("https://x.example"), verifier.ErrIssuer)
			if name == "bare" && !strings.Contains(refusal.Error(), `"https://x.example"`) || name != "bare" && !strings.Contains(refusal.Error(), "no such tenant") {
				s.Errorf("the text is %q", refusal)
			}
			time.Sleep(10*time.Second - 1)
			s.expect("https://x.example", verifier.ErrIssuer, 0, 0)
			time.Sleep(time.Nanosecond)
			s.expect("https://x.example", verifier.ErrIssuer, 1, 0)
		})
	}
}

func TestByIssuerFuncRemembersFromTheStartOfTheCall(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(after(4*time.Second, failing(verifier.ErrIssuer)))
		s.expect("https://x.example", verifier.ErrIssuer, 1, 4*time.Second)
		time.Sleep(6*time.Second - time.Nanosecond)
		s.expect("https://x.example", verifier.ErrIssuer, 0, 0)
		time.Sleep(time.Nanosecond)
		s.expect("https://x.example", verifier.ErrIssuer, 1, 4*time.Second)
	})
}

func TestByIssuerFuncRemembers256Failures(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(0), 0, 1, 0)
		time.Sleep(10 * time.Minute)
		s.set(failing(errors.New("the database is down")))
		s.expect(tenantName(0), 0, 1, 0)
		time.Sleep(10 * time.Second)
		s.expect(tenantName(0), 0, 1, 0) // it failed twice, and counts once
		for i := range 257 {
			s.expect(tenantName(1+i), verifier.ErrUnavailable, 1, 0)
		}
		s.expect(tenantName(2), verifier.ErrUnavailable, 0, 0)
		s.expect(tenantName(1), verifier.ErrUnavailable, 1, 0) // the oldest went
	})
}

func TestByIssuerFuncRemembers256UnknownIssuers(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		for i := range 256 {
			s.expect(strangerName(i), verifier.ErrIssuer, 1, 0)
		}
		s.expect(strangerName(0), verifier.ErrIssuer, 0, 0)
		s.expect(strangerName(256), verifier.ErrIssuer, 1, 0)
		s.expect(strangerName(0), verifier.ErrIssuer, 1, 0) // the oldest went
		s.expect(strangerName(2), verifier.ErrIssuer, 0, 0)
	})
}

func TestByIssuerFuncKeepsTheKindOfAnError(t *testing.T) {
	var none *verifier.Error
	for name, row := range map[string]struct {
		err  error
		want verifier.Kind
	}{
		"a plain error":        {errors.New("the database is down"), verifier.ErrUnavailable},
		"an Error":             {&verifier.Error{Kind: verifier.ErrForbidden}, verifier.ErrForbidden},
		"a wrapped Error":      {fmt.Errorf("x: %w", &verifier.Error{Kind: verifier.ErrKeysUnavailable}), verifier.ErrKeysUnavailable},
		"a Kind":               {verifier.ErrForbidden, verifier.ErrForbidden},
		"ErrUnavailable first": {&verifier.Error{Kind: verifier.ErrUnavailable, Err: verifier.ErrIssuer}, verifier.ErrUnavailable},
		"its own timeout":      {context.DeadlineExceeded, verifier.ErrUnavailable},
		"canceled":             {fmt.Errorf("x: %w", context.Canceled), verifier.ErrUnavailable},
		"no kind":              {&verifier.Error{}, verifier.ErrUnavailable},
		"a nil *Error":         {none, verifier.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			inTenancy(t, nil, func(s *tenancy) {
				s.set(failing(row.err))
				s.expect(tenantName(1), row.want, 1, 0)
				s.expect(tenantName(1), row.want, 0, 0)
				time.Sleep(time.Second)
				s.expect(tenantName(1), row.want, 1, 0) // nothing of it lasts
			})
		})
	}
}

// A failing database is not asked more than once a second for a tenant, whatever comes.
func TestByIssuerFuncBacksOffFor1s(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.set(failing(errors.New("the database is down")))
		for range 100 {
			if kind := s.get(tenantName(1)); kind != verifier.ErrUnavailable {
				s.Fatalf("kind %q", kind)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := s.count(""); n != 10 {
			s.Errorf("%d calls in 10 s", n)
		}
		s.set(s.ours)
		time.Sleep(time.Second)
		s.expect(tenantName(1), 0, 1, 0)
	})
}

func TestByIssuerFuncSurvivesAPanicOfResolve(t *testing.T) {
	for name, row := range map[string]struct {
		fail func()
		text string
	}{
		"a panic":        {func() { panic("no\ntenants") }, `"no\ntenants"`},
		"a fault":        {func() { _ = (*strings.Builder)(nil).Len() }, "nil pointer"},
		"runtime.Goexit": {runtime.Goexit, "did not return"},
	} {
		t.Run(name, func(t *testing.T) {
			inTenancy(t, nil, func(s *tenancy) {
				s.set(func(context.Context, string) (*verifier.Verifier, error) {
					time.Sleep(time.Second)
					row.fail()
					return s.ours(s.Context(), tenantName(1))
				})
				kinds := s.flood(50, func(int) string { return tenantName(1) })
				if got := kinds(); got[verifier.ErrMisconfigured] != 50 || s.count("") != 1 {
					s.Errorf("kinds %v, %d calls", got, s.count(""))
				}
				if _, err := s.v.Verify(s.Context(), from(tenantName(1))); err == nil || !strings.Contains(err.Error(), row.text) {
					s.Errorf("the text is %q", err)
				}
				for i := range 30 { // more than there are calls at a time
					_ = s.get(tenantName(100 + i))
				}
				s.set(s.ours)
				time.Sleep(time.Second)
				s.expect(tenantName(1), 0, 1, 0)
			})
		})
	}
}

func TestByIssuerFuncRenewsInTheBackground(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Lifetime: time.Minute}, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(time.Minute - 1)
		s.expect(tenantName(1), 0, 0, 0)
		time.Sleep(time.Nanosecond)
		s.set(after(3*time.Second, s.ours))
		s.expect(tenantName(1), 0, 1, 0)
		s.expect(tenantName(1), 0, 0, 0) // it is under way
		time.Sleep(3 * time.Second)
		s.expect(tenantName(1), 0, 0, 0)
		time.Sleep(57*time.Second - 1)
		s.expect(tenantName(1), 0, 0, 0) // the time counts from the start of the call
		time.Sleep(time.Nanosecond)
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(time.Minute)
	})
}

func TestByIssuerFuncDefaultLifetimeIs10min(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(10*time.Minute - 1)
		s.expect(tenantName(1), 0, 0, 0)
		time.Sleep(time.Nanosecond)
		s.expect(tenantName(1), 0, 1, 0)
	})
}

func TestByIssuerFuncTakesATenantOff(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(10 * time.Minute)
		s.set(failing(verifier.ErrIssuer))
		s.expect(tenantName(1), 0, 1, 0)
		s.expect(tenantName(1), verifier.ErrIssuer, 0, 0)
		time.Sleep(10 * time.Second)
		s.set(s.ours) // it is back
		s.expect(tenantName(1), 0, 1, 0)
	})
}

func TestByIssuerFuncServesOneLifetimeLongerWhileResolveFails(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(10 * time.Minute)
		s.set(failing(errors.New("the database is down")))
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(10*time.Second - 1)
		s.expect(tenantName(1), 0, 0, 0) // asked every 10 s
		time.Sleep(time.Nanosecond)
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(10*time.Minute - 10*time.Second - 1)
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(time.Nanosecond)
		s.expect(tenantName(1), verifier.ErrUnavailable, 0, 0) // 1 ns after that failure
		time.Sleep(time.Second)
		s.expect(tenantName(1), verifier.ErrUnavailable, 1, 0)
		s.set(s.ours)
		time.Sleep(time.Second)
		s.expect(tenantName(1), 0, 1, 0)
	})
}

func TestByIssuerFuncAsksFirstAfterALongPause(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		s.set(failing(verifier.ErrIssuer))
		time.Sleep(20 * time.Minute)
		s.expect(tenantName(1), verifier.ErrIssuer, 1, 0)
	})
}

func TestByIssuerFuncUsesTheNewVerifierAfterRenewal(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		s.set(func(_ context.Context, issuer string) (*verifier.Verifier, error) {
			return verifierWith(s.T, func(c *verifier.Config) {
				c.Issuer, c.Audience = issuer, verifier.AnyOf("another")
			}), nil
		})
		time.Sleep(10 * time.Minute)
		s.expect(tenantName(1), 0, 1, 0)
		s.expect(tenantName(1), verifier.ErrAudience, 0, 0)
	})
}

// Strangers whose calls hang do not hold up that tenants are renewed, or taken off.
func TestByIssuerFuncRenewsUnderAFlood(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(10 * time.Minute)
		s.set(func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
			if strings.HasPrefix(issuer, tenantPrefix) {
				return nil, verifier.ErrIssuer
			}
			return after(time.Hour, s.ours)(ctx, issuer)
		})
		kinds := s.flood(2000, strangerName)
		s.expect(tenantName(1), 0, 1, 0)
		s.expect(tenantName(1), verifier.ErrIssuer, 0, 0)
		kinds()
		time.Sleep(5 * time.Second)
	})
}

// Renewals that hang take no call from requests, and those that wait are made in turn.
func TestByIssuerFuncRenewsFourAtATime(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		for i := range 40 {
			s.expect(tenantName(i), 0, 1, 0)
		}
		time.Sleep(10 * time.Minute)
		s.set(after(time.Second, s.ours))
		for i := range 40 {
			if kind := s.get(tenantName(i)); kind != 0 {
				s.Errorf("kind %q", kind)
			}
		}
		synctest.Wait()
		if s.running != 4 {
			s.Errorf("%d calls at a time", s.running)
		}
		s.set(s.ours)
		s.expect(tenantName(99), 0, 1, 0)
		s.set(after(time.Second, s.ours))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for i := range 40 {
			if n := s.count(tenantName(i)); n != 2 {
				s.Errorf("tenant %d was asked about %d times", i, n)
			}
		}
	})
}

// A request that needs a queued renewal gets it among the calls that requests wait for.
func TestByIssuerFuncHurriesARenewalThatSomebodyWaitsFor(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		for i := range 10 {
			s.expect(tenantName(i), 0, 1, 0)
		}
		time.Sleep(20*time.Minute - time.Millisecond)
		s.set(after(4*time.Second, s.ours))
		for i := range 10 {
			_ = s.get(tenantName(i)) // 4 are asked about, and 6 wait for that
		}
		synctest.Wait()
		s.set(s.ours)
		time.Sleep(time.Millisecond)
		s.expect(tenantName(9), 0, 1, 0)
		s.expect(tenantName(0), 0, 5, 4*time.Second-time.Millisecond) // and then the others had their turn
	})
}

func TestByIssuerFuncAsksAboutKnownIssuersBeforeStrangers(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		time.Sleep(20 * time.Minute)
		s.set(after(time.Second, s.ours))
		kinds := s.flood(2000, strangerName)
		began := time.Now()
		if kind := s.get(tenantName(1)); kind != 0 || time.Since(began) != 2*time.Second {
			s.Errorf("got %q after %v", kind.String(), time.Since(began))
		}
		kinds()
		time.Sleep(time.Second)
	})
}

func TestByIssuerFuncFloodOfStrangersEvictsNobody(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Size: 2}, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		s.expect(tenantName(2), 0, 1, 0)
		for i := range 500 {
			_ = s.get(strangerName(i))
		}
		s.expect(tenantName(1), 0, 0, 0)
		s.expect(tenantName(2), 0, 0, 0)
	})
}

func TestByIssuerFuncEvictsTheLeastRecentlyUsed(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Size: 3}, func(s *tenancy) {
		for _, i := range []int{1, 2, 3} {
			s.expect(tenantName(i), 0, 1, 0)
		}
		s.expect(tenantName(1), 0, 0, 0)
		s.expect(tenantName(4), 0, 1, 0)
		for _, i := range []int{1, 3, 4} {
			s.expect(tenantName(i), 0, 0, 0)
		}
		s.expect(tenantName(2), 0, 1, 0)
		for range 100 { // forged tokens are no use
			_ = s.verify(s.Context(), forged(tenantName(1)))
		}
		s.expect(tenantName(5), 0, 1, 0)
		s.expect(tenantName(1), 0, 1, 0)
	})
}

func TestByIssuerFuncDefaultSizeIs256(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		for i := range 256 {
			s.expect(tenantName(i), 0, 1, 0)
		}
		for i := range 256 {
			s.expect(tenantName(i), 0, 0, 0)
		}
		s.expect(tenantName(256), 0, 1, 0)
		s.expect(tenantName(0), 0, 1, 0)
	})
}

// Whoever names real tenants without having a token of theirs costs one of those that
// are served its place, and no more.
func TestByIssuerFuncForgedTokensOfTenantsEvictOne(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Size: 4}, func(s *tenancy) {
		for i := range 4 {
			s.expect(tenantName(i), 0, 1, 0)
		}
		for i := range 500 {
			if kind := s.verify(s.Context(), forged(tenantName(100+i))); kind != verifier.ErrSignature {
				s.Fatalf("kind %q", kind)
			}
		}
		for _, i := range []int{1, 2, 3} {
			s.expect(tenantName(i), 0, 0, 0)
		}
		s.expect(tenantName(0), 0, 1, 0)
	})
}

// gate is a KeySet that answers when it is opened.
type gate struct {
	verifier.KeySet
	open chan struct{}
}

func (g gate) Keys(ctx context.Context, kid string, alg verifier.Algorithm) ([]*verifier.Key, error) {
	<-g.open
	return g.KeySet.Keys(ctx, kid, alg)
}

// gated is an answer whose verifiers wait for the gate.
func (s *tenancy) gated(open chan struct{}) answerFunc {
	return func(_ context.Context, issuer string) (*verifier.Verifier, error) {
		return verifierWith(s.T, func(c *verifier.Config) {
			c.Issuer, c.Keys = issuer, gate{c.Keys, open}
		}), nil
	}
}

func TestByIssuerFuncTenantEvictedWhileVerifyingReturns(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Size: 2}, func(s *tenancy) {
		open := make(chan struct{})
		s.set(s.gated(open))
		kinds := s.flood(1, tenantName)
		s.set(s.ours)
		for i := range 10 {
			_ = s.verify(s.Context(), forged(tenantName(100+i)))
		}
		close(open)
		if got := kinds(); got[0] != 1 {
			s.Errorf("kinds %v", got)
		}
		s.expect(tenantName(0), 0, 0, 0)
		s.expect(tenantName(109), 0, 0, 0) // and the one that made room was the oldest
		s.expect(tenantName(108), 0, 1, 0)
	})
}

func TestByIssuerFuncTenantTakenOffWhileVerifyingDoesNotReturn(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Size: 2}, func(s *tenancy) {
		open := make(chan struct{})
		s.set(s.gated(open))
		kinds := s.flood(1, tenantName)
		s.set(s.ours)
		for i := range 10 {
			_ = s.verify(s.Context(), forged(tenantName(100+i)))
		}
		s.set(failing(verifier.ErrIssuer))
		s.expect(tenantName(0), verifier.ErrIssuer, 1, 0)
		close(open)
		kinds()
		s.expect(tenantName(0), verifier.ErrIssuer, 0, 0)
	})
	inTenancy(t, nil, func(s *tenancy) {
		open := make(chan struct{})
		s.set(s.gated(open))
		kinds := s.flood(1, tenantName)
		time.Sleep(10 * time.Minute)
		s.set(failing(verifier.ErrIssuer))
		more := s.flood(1, tenantName) // asks, and finds it taken off
		time.Sleep(10 * time.Second)   // beyond what is remembered
		close(open)
		kinds()
		more()
		s.expect(tenantName(0), verifier.ErrIssuer, 1, 0)
	})
}

func TestByIssuerFuncTenantTakenOffDoesNotReturnThoughThatIsForgotten(t *testing.T) {
	for how, forget := range map[string]func(*tenancy){
		"time passes": func(*tenancy) { time.Sleep(10 * time.Second) },
		"strangers push it out": func(s *tenancy) {
			for i := range 256 {
				_ = s.verify(s.Context(), forged(strangerName(i)))
			}
		},
	} {
		t.Run(how, func(t *testing.T) {
			inTenancy(t, &verifier.ByIssuerFuncOptions{Size: 2}, func(s *tenancy) {
				open := make(chan struct{})
				s.set(s.gated(open))
				kinds := s.flood(1, tenantName)
				s.set(s.ours)
				for i := range 2 { // which makes room
					_ = s.verify(s.Context(), forged(tenantName(100+i)))
				}
				s.set(failing(verifier.ErrIssuer))
				s.expect(tenantName(0), verifier.ErrIssuer, 1, 0)
				forget(s)
				close(open)
				kinds()
				s.expect(tenantName(0), verifier.ErrIssuer, 1, 0)
			})
		})
	}
}

func TestByIssuerFuncObserver(t *testing.T) {
	var seen, tenants outcomes
	observed := func(s *tenancy) {
		s.set(after(2*time.Second, func(_ context.Context, issuer string) (*verifier.Verifier, error) {
			if !strings.HasPrefix(issuer, tenantPrefix) {
				return nil, verifier.ErrIssuer
			}
			return verifierWith(s.T, observedBy(&tenants), func(c *verifier.Config) { c.Issuer = issuer }), nil
		}))
		s.expect(tenantName(1), 0, 1, 2*time.Second)
		if told := tenants.last(s.T); told.Kind != 0 || told.Issuer != tenantName(1) || told.Duration != 2*time.Second {
			s.Errorf("told %+v", told)
		}
		s.expect(strangerName(1), verifier.ErrIssuer, 1, 2*time.Second)
	}
	inTenancy(t, nil, observed)
	inTenancy(t, &verifier.ByIssuerFuncOptions{Observer: &seen}, func(s *tenancy) {
		observed(s)
		if told := seen.last(s.T); told.Kind != verifier.ErrIssuer || told.Issuer != "" || told.Duration != 2*time.Second {
			s.Errorf("told %+v", told)
		}
	})
}

// reentrant is an Observer that verifies a token itself, once.
type reentrant struct {
	once   *sync.Once
	verify func()
}

func (r reentrant) Verified(context.Context, verifier.Outcome) { r.once.Do(r.verify) }

// Neither resolve nor an observer is called under a lock.
func TestByIssuerFuncHoldsNoLockOverItsUsersCode(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		inner := func() {
			if kind := s.get(tenantName(2)); kind != 0 {
				s.Errorf("kind %q", kind)
			}
		}
		s.set(func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
			if issuer == tenantName(2) {
				return s.ours(ctx, issuer)
			}
			inner()
			return verifierWith(s.T, observedBy(reentrant{&sync.Once{}, inner}), func(c *verifier.Config) { c.Issuer = issuer }), nil
		})
		s.expect(tenantName(1), 0, 2, 0)
	})
}

func TestByIssuerFuncRunsNothingWhileIdle(t *testing.T) {
	inTenancy(t, nil, func(s *tenancy) {
		_ = s.get(tenantName(1))
		_ = s.get(strangerName(1))
		s.set(after(time.Hour, s.ours))
		_ = s.get(tenantName(2))
		s.flood(40, strangerName)()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if strings.Contains(string(stacks), "foundIssuers") {
			s.Errorf("still running:\n%s", stacks)
		}
	})
}

func TestByIssuerFuncRefusesWrongSettings(t *testing.T) {
	good := func(context.Context, string) (*verifier.Verifier, error) { return nil, verifier.ErrIssuer }
	for field, o := range map[string]*verifier.ByIssuerFuncOptions{
		"Size is -1,":              {Size: -1},
		"Size is 65537,":           {Size: 65537},
		"Lifetime is -1ns,":        {Lifetime: -1},
		"Lifetime is 24h0m1s,":     {Lifetime: 24*time.Hour + time.Second},
		"Timeout is -1ns,":         {Timeout: -1},
		"Timeout is 1m1s,":         {Timeout: time.Minute + time.Second},
		"MaxTokenBytes is -1,":     {MaxTokenBytes: -1},
		"MaxTokenBytes is 2097152": {MaxTokenBytes: 2 << 20},
	} {
		if v, err := verifier.ByIssuerFunc(good, o); v != nil || err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, %v", field, v, err)
		}
	}
	if v, err := verifier.ByIssuerFunc(nil, nil); v != nil || err == nil {
		t.Error("no error without resolve")
	}
	v, err := verifier.ByIssuerFunc(good, nil)
	if err != nil {
		t.Fatal(err)
	}
	if both, err := verifier.ByIssuer(v); both != nil || err == nil {
		t.Error("ByIssuer takes it")
	}
}

func TestByIssuerFuncMaxTokenBytes(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{MaxTokenBytes: 700}, func(s *tenancy) {
		s.expect(tenantName(1), 0, 1, 0)
		wantRefused(s.T, s.v, tokenWith("iss", quote(tenantName(1)), "x", quote(strings.Repeat("x", 400))), verifier.ErrMalformed)
	})
	inTenancy(t, &verifier.ByIssuerFuncOptions{MaxTokenBytes: 1 << 20}, func(s *tenancy) {
		wantRefused(s.T, s.v, tokenWith("iss", quote(tenantName(1)), "x", quote(strings.Repeat("x", 16<<10))), verifier.ErrMalformed) // by the tenant's verifier
		wantRefused(s.T, s.v, from(strings.Repeat("x", 700<<10)), verifier.ErrIssuer)
		if calls := s.count(""); calls != 1 {
			s.Errorf("%d calls", calls)
		}
	})
}

// An issuer is a part of a payload; what is kept of it must not keep the payload.
func TestByIssuerFuncKeepsNothingOfATokenButTheIssuer(t *testing.T) {
	v, err := verifier.ByIssuerFunc(func(_ context.Context, issuer string) (*verifier.Verifier, error) {
		return verifierWith(t, func(c *verifier.Config) { c.Issuer = issuer }), nil
	}, &verifier.ByIssuerFuncOptions{MaxTokenBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, padding := heap(), quote(strings.Repeat("x", 512<<10))
	for i := range 32 {
		wantRefused(t, v, tokenWith("iss", quote(tenantName(i)), "x", padding), verifier.ErrMalformed) // too long for the tenant
	}
	if kept := int64(heap() - before); kept > 4<<20 {
		t.Errorf("%d bytes are kept of 32 tokens", kept)
	}
	runtime.KeepAlive(v)
}

// A random life with few places: whatever happens at the same time, a tenant that
// resolve allows is served or told to come again, and one that it does not is not.
func TestByIssuerFuncUnderRandomLoad(t *testing.T) {
	inTenancy(t, &verifier.ByIssuerFuncOptions{Size: 5, Lifetime: 2 * time.Second}, func(s *tenancy) {
		var changing sync.Mutex
		random := rand.New(rand.NewPCG(1, 2))
		roll := func(n int) int {
			changing.Lock()
			defer changing.Unlock()
			return random.IntN(n)
		}
		s.set(func(ctx context.Context, issuer string) (*verifier.Verifier, error) {
			switch roll(20) {
			case 0:
				return nil, errors.New("down")
			case 1:
				panic("bug")
			case 2:
				return after(7*time.Second, s.ours)(ctx, issuer)
			}
			return after(time.Duration(roll(200))*time.Millisecond, s.ours)(ctx, issuer)
		})
		allowed := map[bool][]verifier.Kind{
			true:  {0, verifier.ErrUnavailable, verifier.ErrMisconfigured, verifier.ErrCanceled},
			false: {verifier.ErrIssuer, verifier.ErrUnavailable, verifier.ErrMisconfigured, verifier.ErrCanceled},
		}
		accepted := make([]int, 48)
		var all sync.WaitGroup
		for worker := range accepted {
			all.Go(func() {
				for range 40 {
					name, ours := tenantName(roll(8)), true
					if roll(3) == 0 {
						name, ours = strangerName(roll(1000)), false
					}
					ctx, stop := context.WithTimeout(s.Context(), time.Duration(1+roll(6000))*time.Millisecond)
					began := time.Now()
					kind := s.verify(ctx, from(name))
					stop()
					if !slices.Contains(allowed[ours], kind) || time.Since(began) > 5*time.Second {
						s.Errorf("%s: kind %q after %v", name, kind.String(), time.Since(began))
					}
					if kind == 0 {
						accepted[worker]++
					}
					time.Sleep(time.Duration(roll(300)) * time.Millisecond)
				}
			})
		}
		all.Wait()
		for worker, n := range accepted {
			if n < 5 {
				s.Errorf("worker %d was served %d times", worker, n)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.running != 0 || s.mostRunning > 16 {
			s.Errorf("%d calls running, up to %d at a time", s.running, s.mostRunning)
		}
		s.set(s.ours)
		for i := range 8 {
			s.expect(tenantName(i), 0, 1, 0)
		}
	})
}
