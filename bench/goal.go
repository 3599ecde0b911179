package main

import "fmt"

// goal is something that was to be reached, and what was.
type goal struct {
	work, limit, measured string
	reached               string // yes, no or, where there is no limit, a dash
}

func reached(figure, limit float64) string {
	if figure <= limit {
		return "yes"
	}
	return "**no**"
}

// reachedAll reports on several figures with limits of their own.
func reachedAll(pairs ...[2]float64) string {
	for _, p := range pairs {
		if p[0] > p[1] {
			return "**no**"
		}
	}
	return "yes"
}

// goals are those that the project set itself before it began.
func (r *results) goals() []goal {
	all := r.verifyGoals()
	all = append(all, r.servingGoals()...)
	return append(all, r.refusalGoals()...)
}

func (r *results) verifyGoals() []goal {
	var all []goal
	limits := map[string]float64{"RS256": 1.20, "PS256": 1.20, "ES256": 1.07, "EdDSA": 1.09}
	for _, of := range algorithms() {
		seen := r.times(firstVerify, of, noCache)
		all = append(all, goal{
			"first verification, " + of + ", no cache", "≤ " + number(limits[of]) + " × bare crypto",
			wide(seen, number), reached(seen.median, limits[of]),
		})
	}
	rsa, ed := r.of(firstVerify, "RS256", noCache), r.of(firstVerify, "EdDSA", noCache)
	all = append(all, goal{
		"allocations of that, RS256 and EdDSA", "≤ 14, ≤ 5",
		whole(spreadOf(rsa.Allocs).median) + ", " + whole(spreadOf(ed.Allocs).median),
		reachedAll([2]float64{spreadOf(rsa.Allocs).median, 14.5}, [2]float64{spreadOf(ed.Allocs).median, 5.5}),
	})
	added := spreadOf(r.cacheAdds())
	all = append(all, goal{
		"what the cache adds to a first verification", "one SHA-256 and one insertion",
		fmt.Sprintf("%s µs, %s octets", wide(added, micro), whole(r.cacheAddsOctets())), "–",
	})
	hit, allocs := r.times(repeatedToken, "RS256", ours), spreadOf(r.of(repeatedToken, "RS256", ours).Allocs)
	all = append(all, goal{
		"repeated token", "≤ 0.05 × bare crypto, ≤ 1 allocation", wide(hit, number) + ", " + whole(allocs.median),
		reachedAll([2]float64{hit.median, 0.05}, [2]float64{allocs.median, 1.5}),
	})
	for _, of := range []string{distinct, repeated} {
		seen := r.relativeSpeedUp(of, ours)
		all = append(all, goal{"speed-up on two processors, " + of, "≥ 0.95 × bare crypto's", wide(seen, number), reached(0.95, seen.median)})
	}
	return all
}

// cacheAdds is what the cache adds to a first verification, in ns.
func (r *results) cacheAdds() figures {
	return r.of(firstVerify, "RS256", ours).CPU.less(r.of(firstVerify, "RS256", noCache).CPU)
}

func (r *results) cacheAddsOctets() float64 {
	return spreadOf(r.of(firstVerify, "RS256", ours).Bytes.less(r.of(firstVerify, "RS256", noCache).Bytes)).median
}

// handlerAdds is what httpauth itself adds to Verify.
func (r *results) handlerAdds() (cpu, allocs float64) {
	guarded, alone := r.of(handlerCall, withAuth, ours), r.of(handlerCall, noAuth, ours)
	return spreadOf(guarded.CPU.less(alone.CPU)).median, spreadOf(guarded.Allocs.less(alone.Allocs)).median
}

// overGoOIDC is a server's processor time with bearerproof, compared with go-oidc.
func (r *results) overGoOIDC(transport, of string) spread {
	return spreadOf(r.of(transport, of, ours).CPU.over(r.of(transport, of, "go-oidc").CPU))
}

func (r *results) servingGoals() []goal {
	cpu, allocs := r.handlerAdds()
	alone, other := r.overOpen(overHTTP, repeated, ours), r.overGoOIDC(overHTTP, repeated)
	floor := number(r.overOpen(overHTTP, repeated, least).median)
	return []goal{
		{"what the net/http middleware itself adds to Verify", "≤ 3 allocations", whole(allocs) + " (" + micro(cpu) + " µs)", reached(allocs, 3.5)},
		{"net/http, repeated token: processor time of the server", "≤ 1.10 × the handler alone", wide(alone, number) + "; " + least + " alone: " + floor, reached(alone.median, 1.10)},
		{"the same, compared with go-oidc", "≤ 0.333 ×", wide(other, number), reached(other.median, 1./3)},
	}
}

func (r *results) refusalGoals() []goal {
	dots, huge := r.of(refusedToken, manyDots, ours), r.of(refusedToken, oneMiB, ours)
	two, times := r.of(refusedToken, twoDots, ours), r.times(refusedToken, twoDots, ours)
	keys, full := r.manyKeys(noCache), spreadOf(r.of(cacheMemory, largest, ours).Bytes)
	dotsAllocs, hugeAllocs, twoAllocs := spreadOf(dots.Allocs).median, spreadOf(huge.Allocs).median, spreadOf(two.Allocs).median
	return []goal{
		{
			"16 KiB and 1 MiB with the wrong number of dots", "0 allocations", whole(dotsAllocs) + ", " + whole(hugeAllocs),
			reachedAll([2]float64{dotsAllocs, 0.5}, [2]float64{hugeAllocs, 0.5}),
		},
		{
			"16 KiB of garbage with two dots", "≤ 1.20 × its SHA-256, ≤ 2 allocations", wide(times, number) + ", " + whole(twoAllocs),
			reachedAll([2]float64{times.median, 1.20}, [2]float64{twoAllocs, 2.5}),
		},
		{"1,000 keys in the set, compared with one", "≤ 1.05 ×", wide(keys, number), reached(keys.median, 1.05)},
		{"memory of the cache at its default size, full of the largest tokens", "≤ 16 MiB", mebi(full.median) + " MiB", reached(full.median, 16<<20)},
	}
}

func (r *results) goalsTable() string {
	text := "| work | goal | measured | reached |\n|---|---|---|---|\n"
	for _, g := range r.goals() {
		text += fmt.Sprintf("| %s | %s | %s | %s |\n", g.work, g.limit, g.measured, g.reached)
	}
	return text
}
