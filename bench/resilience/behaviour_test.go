package resilience_test

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bearerproof/bearerproof/internal/resilience"
)

// behaviour is a row of the summary: something that an operator notices.
type behaviour struct {
	name  string
	count func(sample) finding
}

// sample is what was observed of one peer.
type sample []record

// finding is what was counted, and how dear it is: less is better. NaN is neither.
type finding struct {
	text string
	cost float64
}

// running are the states with a set that may be used.
func running() []resilience.State {
	return []resilience.State{resilience.Warm, resilience.SoftExpired, resilience.Idle}
}

func behaviours() []behaviour {
	all := append(startBehaviours(), outageBehaviours()...)
	all = append(all, keyBehaviours()...)
	return append(all, costBehaviours()...)
}

// startBehaviours are of a process that starts while the issuer is away.
func startBehaviours() []behaviour {
	start := func(s sample) sample { return s.in([]resilience.State{resilience.Cold}, away) }
	return []behaviour{
		{"first token of a process that starts while the issuer is away", func(s sample) finding {
			return outcomes(start(s), func(rec record) []answer { return []answer{rec.Held} })
		}},
		{"longest wait of that first token", func(s sample) finding {
			return longest(start(s), func(rec record) milliseconds { return rec.Held.Wait })
		}},
	}
}

// outageBehaviours are of a process that had keys, and of what comes after an outage.
func outageBehaviours() []behaviour {
	holding := func(s sample) sample { return s.in(running(), away, odd) }
	return []behaviour{
		{"a held key goes on working during a fault", func(s sample) finding { return share(holding(s), heldServed) }},
		{"longest wait of a request with a held key during a fault", func(s sample) finding {
			return longest(holding(s), func(rec record) milliseconds {
				return longer(rec.Held.Wait, longer(rec.Calm.HeldWait, rec.Pressed.HeldWait))
			})
		}},
		{"a held key is served although the issuer was away for 25 h (a matter of policy)", func(s sample) finding {
			f := share(s.in([]resilience.State{resilience.BeyondMaxStale}, away), heldServed)
			f.cost = math.NaN()
			return f
		}},
		{"first tokens of both kinds while the issuer is away: is the outage told from a bad token", func(s sample) finding {
			return outcomes(s.in(nil, away), func(rec record) []answer { return []answer{rec.Held, rec.Next} })
		}},
		{"the first fetch goes on though its caller leaves, and answers the next caller", callerLeft},
		{"after the issuer was away, the held key is accepted within", func(s sample) finding {
			return longest(s.in(nil, away), func(rec record) milliseconds { return rec.HeldAfter })
		}},
		{"after the issuer was away, the next key is accepted within", func(s sample) finding {
			return longest(s.in(nil, away), func(rec record) milliseconds { return rec.NextAfter })
		}},
		{"cells in which that takes 60 s at most", func(s sample) finding { return share(s.in(nil, away), nextSoon) }},
		{"cells in which the next key is still missing 10 min later", func(s sample) finding {
			return cells(s.in(nil, away), func(rec record) bool { return rec.NextAfter == never })
		}},
	}
}

// keyBehaviours are of odd and withdrawn keys.
func keyBehaviours() []behaviour {
	return []behaviour{
		{"cells in which an odd JWK costs the held key", func(s sample) finding {
			return cells(s.in(nil, odd), func(rec record) bool { return !heldServed(rec) })
		}},
		{"cells in which an odd JWK keeps the next key from being accepted within 60 s", func(s sample) finding {
			return cells(s.in(nil, odd), func(rec record) bool { return !nextSoon(rec) })
		}},
		{"cells in which a token is accepted under a published key that is unfit (its private half is published, or it has 1,024 bits)", func(s sample) finding {
			return cells(s.with(func(rec record) bool { return rec.Odd != "" }), func(rec record) bool {
				return rec.Odd == resilience.Accepted
			})
		}},
		{"a withdrawn key stops when another key has its kid, after at most", func(s sample) finding { return s.withdrawn("kid reused") }},
		{"a withdrawn key stops when a cache answers 304 to every validator, after at most", func(s sample) finding { return s.withdrawn("304 to every validator") }},
	}
}

// costBehaviours are what others pay.
func costBehaviours() []behaviour {
	return []behaviour{
		{"most fetches in a minute while the issuer is away, with a token of the held key a second", func(s sample) finding {
			return highest(s.in(nil, away).made(), func(rec record) int { return rec.Calm.Fetches })
		}},
		{"most fetches in a minute while the issuer is away, with a token of each key a second", func(s sample) finding {
			return highest(s.in(nil, away).made(), func(rec record) int { return rec.Pressed.Fetches })
		}},
		{"most that is read of one answer (a set with 100 MB of white space behind it)", octets},
		{"cells in which a redirect to another origin is followed", func(s sample) finding {
			return cells(s.with(func(rec record) bool { return strings.HasPrefix(rec.Fault, "redirect") }), func(rec record) bool {
				return rec.Elsewhere > 0
			})
		}},
		{"most goroutines while nothing is asked", func(s sample) finding {
			return highest(s, func(rec record) int { return rec.Running })
		}},
		{"most goroutines left after the end", func(s sample) finding {
			return highest(s, func(rec record) int { return rec.Leaked })
		}},
	}
}

// heldServed reports whether no token under the held key was refused.
func heldServed(rec record) bool {
	return rec.Held.Outcome == resilience.Accepted && rec.Calm.HeldRefused == 0 && rec.Pressed.HeldRefused == 0
}

func nextSoon(rec record) bool { return rec.NextAfter != never && rec.NextAfter <= 60_000 }

// sample returns what was observed of a peer.
func (r *results) sample(peer string) sample {
	var all sample
	for _, fault := range observable() {
		all = append(all, r.ofFault(peer, fault)...)
	}
	return all
}

func (s sample) with(of func(record) bool) sample {
	var some sample
	for _, rec := range s {
		if of(rec) {
			some = append(some, rec)
		}
	}
	return some
}

// in returns the records of faults of some kinds. No states are all.
func (s sample) in(states []resilience.State, kinds ...kind) sample {
	var names []string
	for _, state := range states {
		names = append(names, state.String())
	}
	var faults []string
	for _, f := range observable() {
		if slices.Contains(kinds, kindOf(f)) {
			faults = append(faults, f.Name)
		}
	}
	return s.with(func(rec record) bool {
		return slices.Contains(faults, rec.Fault) && (states == nil || slices.Contains(names, rec.State))
	})
}

// made returns the records of cells in which there was a verifier: one that is made
// again with each request is another matter.
func (s sample) made() sample {
	return s.with(func(rec record) bool {
		return rec.Held.Outcome != resilience.NotMade && rec.Next.Outcome != resilience.NotMade
	})
}

func (s sample) withdrawn(fault string) finding {
	some := s.with(func(rec record) bool { return strings.HasPrefix(rec.Fault, fault) })
	f := longest(some, func(rec record) milliseconds { return rec.Withdrawn })
	if f.cost == math.Inf(1) {
		f.text = "not in 26 h in " + cells(some, func(rec record) bool { return rec.Withdrawn == never }).text
	}
	return f
}

// callerLeft counts where the first answer took no fetch but the one that was under way.
func callerLeft(s sample) finding {
	some := s.in([]resilience.State{resilience.CallerLeft}, away, odd, withdrawing)
	some = some.with(func(rec record) bool { return rec.Held.Fetches > 0 })
	if len(some) == 0 {
		return finding{"no such fetch", math.NaN()}
	}
	return share(some, func(rec record) bool { return rec.Held.Fetches == 1 })
}

// share counts the cells in which something good is true, and cells those in which
// something bad is.
func share(s sample, of func(record) bool) finding {
	n := len(s.with(of))
	return finding{fmt.Sprintf("%d of %d", n, len(s)), 1 - float64(n)/float64(len(s))}
}

func cells(s sample, of func(record) bool) finding {
	f := share(s, of)
	f.cost = 1 - f.cost
	return f
}

func highest(s sample, of func(record) int) finding {
	n := 0
	for _, rec := range s {
		n = max(n, of(rec))
	}
	return finding{fmt.Sprint(n), float64(n)}
}

// octets counts whole mebibytes: one octet more or less is no difference.
func octets(s sample) finding {
	f := highest(s, func(rec record) int { return int(rec.LargestBody) })
	if f.cost < 1<<20 {
		return finding{fmt.Sprintf("%.0f KiB", f.cost/(1<<10)), 0}
	}
	f.cost = math.Round(f.cost / (1 << 20))
	f.text = fmt.Sprintf("%.0f MiB", f.cost)
	return f
}

func longest(s sample, of func(record) milliseconds) finding {
	var most milliseconds
	for _, rec := range s {
		most = longer(most, of(rec))
	}
	if most == never {
		return finding{"never", math.Inf(1)}
	}
	return finding{most.String(), float64(most)}
}

// outcomes counts refusals of good tokens by what a program can learn of them, and
// tokens that were accepted. The right answer is "unavailable".
func outcomes(s sample, of func(record) []answer) finding {
	count := make(map[string]int)
	refused := 0
	for _, rec := range s {
		for _, a := range of(rec) {
			word := string(a.Outcome)
			if a.Outcome != resilience.Accepted {
				refused++
				if a.Outcome != resilience.NotMade && a.Wait >= 60_000 {
					word = "no answer in a minute"
				}
			}
			count[word]++
		}
	}
	var parts []string
	for _, word := range []string{"accepted", "unavailable", "invalid", "unclear", "canceled", "no answer in a minute", "not made", "stuck"} {
		if count[word] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", word, count[word]))
		}
	}
	return finding{strings.Join(parts, ", "), float64(refused-count["unavailable"]) / float64(max(refused, 1))}
}

// summary writes the table of behaviours, and where a peer does better.
func (r *results) summary(w io.Writer) {
	var names, better []string
	rows := make(map[string][]string)
	for _, b := range behaviours() {
		names = append(names, b.name)
		ours := b.count(r.sample(r.run.Peers[0].Peer))
		var those []string
		for _, p := range r.run.Peers {
			f := b.count(r.sample(p.Peer))
			rows[b.name] = append(rows[b.name], f.text)
			if f.cost < ours.cost {
				those = append(those, fmt.Sprintf("%s (%s)", p.Peer, f.text))
			}
		}
		if len(those) > 0 {
			better = append(better, fmt.Sprintf("- %s: %s; %s %s.", b.name, strings.Join(those, ", "), r.run.Peers[0].Peer, ours.text))
		}
	}
	r.lay(w, "behaviour", names, rows)
	if len(better) == 0 {
		fmt.Fprintf(w, "\nIn no row does a library do better than %s.\n", r.run.Peers[0].Peer)
		return
	}
	fmt.Fprintf(w, "\nWhere a library does better than %s:\n\n%s\n", r.run.Peers[0].Peer, strings.Join(better, "\n"))
}

func TestFindings(t *testing.T) {
	accepted := answer{Outcome: resilience.Accepted}
	s := sample{
		{Fault: "500", State: "cold", Held: answer{resilience.Unavailable, 5_000, 1}, Next: answer{resilience.Canceled, 60_000, 1}, HeldAfter: never, LargestBody: 1<<20 + 1},
		{Fault: "500", State: "warm", Held: accepted, Next: answer{Outcome: resilience.Invalid}, Calm: minute{HeldRefused: 1}},
		{Fault: "empty key beside", State: "warm", Held: accepted, Next: accepted, NextAfter: 61_000},
		{Fault: "500", State: "caller left", Held: answer{resilience.Accepted, 500, 1}, Next: accepted},
		{Fault: "kid reused for another key", State: "caller left", Held: answer{resilience.Unclear, 0, 2}, Withdrawn: never},
		{Fault: "kid reused for another key", State: "cold", Held: answer{Outcome: resilience.NotMade}, Withdrawn: 7},
	}
	tests := map[string]struct{ got, want finding }{
		"outage, first answers": {
			outcomes(s.in(nil, away), func(rec record) []answer { return []answer{rec.Held, rec.Next} }),
			finding{"accepted 3, unavailable 1, invalid 1, no answer in a minute 1", 2. / 3},
		},
		"held key served":   {share(s.in(running(), away, odd), heldServed), finding{"1 of 2", 0.5}},
		"next key late":     {cells(s.in(nil, odd), func(rec record) bool { return !nextSoon(rec) }), finding{"1 of 1", 1}},
		"longest wait":      {longest(s.in(nil, away), func(rec record) milliseconds { return rec.Held.Wait }), finding{"5s", 5_000}},
		"never again":       {longest(s, func(rec record) milliseconds { return rec.HeldAfter }), finding{"never", math.Inf(1)}},
		"octets":            {octets(s), finding{"1 MiB", 1}},
		"few octets":        {octets(s[1:]), finding{"0 KiB", 0}},
		"fetch goes on":     {callerLeft(s), finding{"1 of 2", 0.5}},
		"withdrawn key":     {s.withdrawn("kid"), finding{"not in 26 h in 1 of 2", math.Inf(1)}},
		"with a verifier":   {share(s.made(), func(record) bool { return true }), finding{"5 of 5", 0}},
		"fetches, the most": {highest(s, func(rec record) int { return rec.Held.Fetches }), finding{"2", 2}},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
}

// A library that does better is named, whatever is compared.
func TestSummaryNamesWhoIsBetter(t *testing.T) {
	r := &results{run: run{Peers: []version{{Peer: "ours"}, {Peer: "other"}}}, records: make(map[key]record)}
	for _, c := range resilience.Cells() {
		for i, p := range r.run.Peers {
			good := answer{Outcome: resilience.Accepted, Fetches: 1}
			r.add(record{Peer: p.Peer, Fault: c.Fault.Name, State: c.State.String(), Held: good, Next: good, Calm: minute{Fetches: 5 - i}})
		}
	}
	var text strings.Builder
	r.summary(&text)
	_, better, _ := strings.Cut(text.String(), "Where a library does better than ours:\n\n")
	want := "- most fetches in a minute while the issuer is away, with a token of the held key a second: other (4); ours 5.\n"
	if better != want {
		t.Errorf("better: %q, want %q", better, want)
	}
}
