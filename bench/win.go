package main

import (
	"fmt"
	"strings"
)

// perToken writes how often something happens for a token. Less than once in a hundred
// tokens depends on how many there were.
func perToken(count float64) string {
	if count < 0.01 {
		return "under 0.01"
	}
	return number(count)
}

// wins lists where a library does better than bearerproof as it comes, whatever is
// measured: a bullet for each thing and figure.
func (r *results) wins() string {
	var all []string
	compare := func(what, of string, unit func(float64) string, libraries []string, figure func(library string) float64) {
		own := figure(ours)
		var better []string
		for _, library := range libraries {
			if library == bare || !authenticates(library) || strings.HasPrefix(library, ours) {
				continue
			}
			// What reads the same is no difference.
			if those := figure(library); those < own && unit(those) != unit(own) {
				better = append(better, fmt.Sprintf("%s %s", library, unit(those)))
			}
		}
		if len(better) > 0 {
			all = append(all, fmt.Sprintf("- %s, %s: %s; bearerproof %s.", what, of, strings.Join(better, ", "), unit(own)))
		}
	}
	for _, s := range (&lab{}).studies() {
		if s.name == oneProcessor || s.name == twoProcessors { // the same work as elsewhere
			continue
		}
		what := s.name + ", " + s.of
		compare(what, "µs", micro, s.libraries, func(l string) float64 { return spreadOf(r.of(s.name, s.of, l).CPU).median })
		compare(what, "allocations", whole, s.libraries, func(l string) float64 { return spreadOf(r.of(s.name, s.of, l).Allocs).median })
		compare(what, "octets allocated", whole, s.libraries, func(l string) float64 { return spreadOf(r.of(s.name, s.of, l).Bytes).median })
		compare(what, "fetches", perToken, s.libraries, func(l string) float64 { return spreadOf(r.of(s.name, s.of, l).Fetches).median })
	}
	for _, of := range []string{distinct, repeated} {
		slower := func(l string) float64 { return 1 / spreadOf(r.speedUp(of, l)).median }
		compare("two processors, "+of, "speed-up", func(f float64) string { return number(1 / f) }, names(contenders()), slower)
	}
	for _, transport := range transports() {
		for _, of := range []string{repeated, distinct} {
			compare(transport+", "+of, "µs", micro, guarded(), func(l string) float64 { return spreadOf(r.of(transport, of, l).CPU).median })
			compare(transport+", "+of, "µs by the clock", micro, guarded(), func(l string) float64 { return spreadOf(r.of(transport, of, l).Wall).median })
		}
	}
	if len(all) == 0 {
		return "In nothing that was measured does a library do better than bearerproof."
	}
	return strings.Join(all, "\n")
}
