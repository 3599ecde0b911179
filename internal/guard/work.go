package guard

import (
	"crypto"
	"fmt"

	"github.com/bearerproof/bearerproof/verifier"
)

// A work is done Warmup times, and then Rounds times Times times while it is counted,
// round by round: now and then the runtime does something of its own in one.
const (
	Warmup = 4
	Rounds = 5
	Times  = 4
)

// Work is what one token causes.
type Work struct {
	// Name is what its counts are listed under. It has no two spaces side by side.
	Name string

	// Of is whose work it is. What is not ours is counted to compare.
	Of Owner

	// Beyond names the work that is a part of this one and cannot be avoided, or "".
	// Only the instructions beyond it are limited.
	Beyond string

	// Beside names another work to compare with, or "".
	Beside string

	// Do does it. It is called with 0, 1 and so on, each once, below Samples.
	Do func(n int) error
}

// Samples is how often a work is done.
const Samples = Warmup + Rounds*Times

// Owner says whose work a Work is.
type Owner int

// Owners of work.
const (
	Ours Owner = iota
	StandardLibrary
)

// Warm does the work as often as it takes until all times are alike.
func (w Work) Warm() error { return w.run(0, Warmup) }

// Round does the work of one round, from 0 on.
func (w Work) Round(round int) error {
	from := Warmup + round*Times
	return w.run(from, from+Times)
}

func (w Work) run(from, to int) error {
	for n := from; n < to; n++ {
		if err := w.Do(n); err != nil {
			return fmt.Errorf("guard: %s: %w", w.Name, err)
		}
	}
	return nil
}

// Works returns everything that is counted.
func Works() ([]Work, error) {
	m := &mint{map[string]crypto.Signer{}, map[verifier.Algorithm]sample{}}
	var all []Work
	for _, some := range []func(*mint) ([]Work, error){firstWorks, otherWorks, cacheWorks, keySetWorks, refusedWorks} {
		works, err := some(m)
		if err != nil {
			return nil, fmt.Errorf("guard: %w", err)
		}
		all = append(all, works...)
	}
	return all, nil
}
