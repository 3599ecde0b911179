package resilience

import (
	"context"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// cell finds a cell by the names of its parts.
func cell(t *testing.T, fault string, state State) Cell {
	t.Helper()
	cells := Cells()
	i := slices.IndexFunc(cells, func(c Cell) bool { return c.Fault.Name == fault && c.State == state })
	if i < 0 {
		t.Fatalf("there is no fault %q", fault)
	}
	return cells[i]
}

// wantDifference wants one of the differences to have these words.
func wantDifference(t *testing.T, differences []string, words string) {
	t.Helper()
	if !slices.ContainsFunc(differences, func(d string) bool { return strings.Contains(d, words) }) {
		t.Errorf("the differences are %q, want one with %q", differences, words)
	}
}

// A library that remembers nothing meets every fault, and nothing but the fault.
func TestEveryFaultBeginsAndEnds(t *testing.T) {
	outcomes := map[effect]Outcome{
		failing: Unavailable, throttling: Unavailable,
		hanging:  Canceled, // the caller leaves first, since there is no other limit
		harmless: Accepted, ahead: Accepted,
		reused: Invalid, stubborn: Invalid,
	}
	// What the library falls for.
	tolerated := []string{"redirect to another origin", "redirect from https to http"}
	for _, fault := range Faults() {
		if fault.Name == "body of 100 MB" {
			continue // it would be read for each token, and has a test of its own
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			seen := Observe(t, Cell{fault, Cold}, double(forgetful))
			want := outcomes[fault.effect]
			if slices.Contains(tolerated, fault.Name) {
				want = Accepted
			}
			if seen.Held.Outcome != want {
				t.Errorf("a token under the held key was %s, want %s", seen.Held.Outcome, want)
			}
			if seen.Held.Fetches != 1 || seen.Calm.Fetches != 60 || seen.Pressed.Fetches != 120 {
				t.Errorf("there were %d, %d and %d fetches, want one for each token", seen.Held.Fetches, seen.Calm.Fetches, seen.Pressed.Fetches)
			}
			if seen.HeldAfter != 0 || seen.NextAfter != 0 {
				t.Errorf("tokens were accepted %v and %v afterwards, want at once", seen.HeldAfter, seen.NextAfter)
			}
			if seen.Running != 0 || seen.Leaked != 0 {
				t.Errorf("%d goroutines run, and %d are left", seen.Running, seen.Leaked)
			}
		})
	}
}

func TestObserveSeesWhoFollowsRedirects(t *testing.T) {
	for _, fault := range []string{"redirect to another origin", "redirect from https to http"} {
		c := cell(t, fault, Cold)
		seen := Observe(t, c, double(forgetful))
		if seen.Elsewhere == 0 || seen.Held.Outcome != Accepted {
			t.Errorf("%v: %d requests went elsewhere, and the token was %s", c, seen.Elsewhere, seen.Held.Outcome)
		}
		wantDifference(t, c.Judge(seen), "requests to another origin")
	}
}

func TestObserveSeesWhoReadsEverything(t *testing.T) {
	c := cell(t, "body of 100 MB", Cold)
	seen := Observe(t, c, hoarding())
	if seen.LargestBody < 100_000_000 {
		t.Errorf("%d octets were read, want 100 MB", seen.LargestBody)
	}
	wantDifference(t, c.Judge(seen), "octets read of an answer")
}

func TestObserveSeesAFetchThatDiesWithItsCaller(t *testing.T) {
	c := cell(t, "empty key beside", CallerLeft)
	seen := Observe(t, c, double(forgetful))
	if seen.Held.Fetches != 2 {
		t.Errorf("there were %d fetches, want that of the caller who left and another", seen.Held.Fetches)
	}
	if seen.Left != patienceOfLeaver {
		t.Errorf("the caller left after %v, want %v", seen.Left, patienceOfLeaver)
	}
	wantDifference(t, c.Judge(seen), "held key: 2 fetches, want 1 to 1")
}

func TestObserveSeesWhoWaitsForAHungIssuer(t *testing.T) {
	c := cell(t, "hang before the header", Warm)
	seen := Observe(t, c, double(forgetful))
	if want := (Answer{Canceled, patience, 1}); seen.Held != want {
		t.Errorf("the answer was %v, want %v", seen.Held, want)
	}
	if seen.Calm.HeldRefused != 60 || seen.Calm.HeldWait != patience {
		t.Errorf("in the minute, %d tokens were refused after up to %v", seen.Calm.HeldRefused, seen.Calm.HeldWait)
	}
	differences := c.Judge(seen)
	wantDifference(t, differences, "held key: canceled, want accepted")
	wantDifference(t, differences, "held key: answered after 1m0s, want 0s at most")
	wantDifference(t, differences, "refused tokens of the held key in a calm minute: 60")
}

func TestObserveSeesACallThatIgnoresItsContext(t *testing.T) {
	c := cell(t, "hang before the header", Cold)
	seen := Observe(t, c, double(func(_ context.Context, s Setup, raw string) error {
		return forgetful(context.Background(), s, raw)
	}))
	if want := (Answer{Stuck, patience + grace, 1}); seen.Held != want {
		t.Errorf("the answer was %v, want %v", seen.Held, want)
	}
	if seen.Leaked != 0 {
		t.Errorf("%d goroutines are left, though the issuer is back", seen.Leaked)
	}
}

// hoarding keeps the first set that it gets for ever.
func hoarding() Library {
	library := double(nil)
	library.New = func(_ context.Context, s Setup) (Subject, error) {
		var mu sync.Mutex // guards kept
		var kept map[string]*rsa.PublicKey
		return subject{func(ctx context.Context, raw string) error {
			mu.Lock()
			defer mu.Unlock()
			if kept == nil {
				var err error
				if kept, err = fetch(ctx, s); err != nil {
					return errNoKeys
				}
			}
			return check(kept, raw)
		}}, nil
	}
	return library
}

func TestObserveSeesAKeyThatWorksForEver(t *testing.T) {
	c := cell(t, "kid reused for another key", Warm)
	seen := Observe(t, c, hoarding())
	if seen.Withdrawn != Never || seen.NextAfter != Never {
		t.Errorf("the withdrawn key worked for %v, and the next one did after %v; want for ever and never", seen.Withdrawn, seen.NextAfter)
	}
	differences := c.Judge(seen)
	wantDifference(t, differences, "the withdrawn key worked on: for ever")
	wantDifference(t, differences, "the next key was missing afterwards: for ever")
}

func TestObserveSeesASetThatIsTooOld(t *testing.T) {
	c := cell(t, "500", BeyondMaxStale)
	seen := Observe(t, c, hoarding())
	if seen.Held.Outcome != Accepted {
		t.Errorf("the token was %s", seen.Held.Outcome)
	}
	wantDifference(t, c.Judge(seen), "held key: accepted, want unavailable")
}

// eager fetches in New, and fails with it.
func eager() Library {
	library := hoarding()
	lazily := library.New
	library.New = func(ctx context.Context, s Setup) (Subject, error) {
		if _, err := fetch(ctx, s); err != nil {
			return nil, err
		}
		return lazily(ctx, s)
	}
	return library
}

func TestObserveSeesALibraryThatCannotStart(t *testing.T) {
	c := cell(t, "500", Cold)
	seen := Observe(t, c, eager())
	if want := (Answer{NotMade, 0, 1}); seen.Held != want {
		t.Errorf("the answer was %v, want %v", seen.Held, want)
	}
	if seen.HeldAfter != 0 {
		t.Errorf("it was made %v after the fault ended, want at once", seen.HeldAfter)
	}
	wantDifference(t, c.Judge(seen), "held key: not made, want unavailable")
}

func TestObserveSurvivesGoroutinesThatCannotBeEnded(t *testing.T) {
	library := double(forgetful)
	made := library.New
	library.New = func(ctx context.Context, s Setup) (Subject, error) {
		go func() {
			for range time.Tick(time.Hour) {
				continue
			}
		}()
		return made(ctx, s)
	}
	c := cell(t, "500", Warm)
	seen := Observe(t, c, library)
	if seen.Running != 1 || seen.Leaked != 1 {
		t.Errorf("%d goroutines run, and %d are left; want 1 and 1", seen.Running, seen.Leaked)
	}
	wantDifference(t, c.Judge(seen), "goroutines after the end: 1")
}

func TestObserveSaysWhatItCannotSee(t *testing.T) {
	unset := double(forgetful)
	unset.Clock = SystemClock
	refusing := double(func(context.Context, Setup, string) error { return errForged })
	broken := double(forgetful)
	broken.New = func(context.Context, Setup) (Subject, error) { return nil, errors.New("no") }
	for _, test := range []struct {
		library Library
		cell    Cell
		words   string
	}{
		{unset, cell(t, "clock jumps an hour ahead", Warm), "takes no clock"},
		{refusing, cell(t, "500", Warm), "a good token was refused"},
		{broken, cell(t, "500", SoftExpired), "the state cannot be reached: no"},
		{broken, cell(t, "500", CallerLeft), "the state cannot be reached: no"},
	} {
		seen := Observe(t, test.cell, test.library)
		if !strings.Contains(seen.Unobservable, test.words) {
			t.Errorf("%v is unobservable for %q, want %q", test.cell, seen.Unobservable, test.words)
		}
		wantDifference(t, test.cell.Judge(seen), "nothing was observed")
	}
}
