package jwks_test

import (
	"slices"
	"time"
)

// judgeFetches: G2, in its three parts.
func (w *world) judgeFetches() {
	w.judgeCeiling()
	w.judgeFailures()
	w.judgeGoodFetches()
}

// judgeCeiling: never above 10 and one a second.
func (w *world) judgeCeiling() {
	for last := range w.began {
		for first := range last {
			span := w.began[last].Sub(w.began[first])
			if n := last - first + 1; n > ceiling+int(span/ceilingPeriod) {
				w.violate("G2", "%d fetches in %v", n, span)
				return
			}
		}
	}
}

// judgeFailures: while fetches fail, 4 in 6.3 s (1, 2 and 4 s, less a tenth), and one
// each 5 s from then on.
func (w *world) judgeFailures() {
	n, first := 0, time.Time{}
	for _, f := range w.ended {
		if !f.failed {
			n = 0
			continue
		}
		if n++; n == 1 {
			first = f.began
		}
		if span := f.began.Sub(first); n > attemptsIn(span) {
			w.violate("G2", "%d failed fetches in %v", n, span)
			return
		}
	}
}

func attemptsIn(span time.Duration) int {
	const fourth = 6300 * time.Millisecond
	switch {
	case span < 900*time.Millisecond:
		return 1
	case span < 2700*time.Millisecond:
		return 2
	case span < fourth:
		return 3
	}
	return 4 + int((span-fourth)/longestWait)
}

// judgeGoodFetches: 3 and one each cooldown for the sake of requests, if there are so
// many, one for each key that became good, and the scheduled ones.
func (w *world) judgeGoodFetches() {
	all := slices.DeleteFunc(slices.Clone(w.ended), func(f fetched) bool { return f.failed })
	shortest := w.shortestInterval()
	for first, f := range all {
		known := w.born // since when keys may have become good that no fetch has brought
		for _, before := range all[:first] {
			if before.fresh {
				known = before.began
			}
		}
		cold := 0
		for i, l := range all[first:] {
			if l.cold {
				cold++
			}
			span, n := l.began.Sub(f.began), i+1
			if w.disputed(known, l.began) {
				break // followed as far as the ceiling goes
			}
			scheduled := 1 + int(span/(shortest*9/10))
			rotations := count(w.rotated, func(t time.Time) bool { return !t.Before(known) && !t.After(l.began) })
			flood := missBudget + int(span/w.life.cooldown) + rotations
			if n <= cold+scheduled {
				continue
			}
			requests := count(w.provoked, func(s stay) bool { return !s.from.After(l.began) && !s.to.Before(f.began) })
			if most := cold + scheduled + min(requests, flood); n > most {
				w.violate("G2", "%d good fetches in %v with %d requests that asked for one and %d new keys, want at most %d", n, span, requests, rotations, most)
				return
			}
		}
	}
}

// shortestInterval is the shortest that can have been in force.
func (w *world) shortestInterval() time.Duration {
	if w.life.caches {
		return min(w.life.interval, time.Minute)
	}
	return w.life.interval
}

func (w *world) disputed(from, to time.Time) bool {
	overlaps := func(d dispute) bool { return !d.from.After(to) && (d.to.IsZero() || !d.to.Before(from)) }
	return slices.ContainsFunc(w.disputes, overlaps)
}

func count[T any](all []T, counts func(T) bool) int {
	n := 0
	for _, one := range all {
		if counts(one) {
			n++
		}
	}
	return n
}
