package resilience_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/bearerproof/bearerproof/internal/resilience"
)

// cell writes what stands in a table's cell.
type cell func(peer string, fault *resilience.Fault) string

// table writes a table with a row for each fault that anybody could be observed in.
func (r *results) table(w io.Writer, title string, text cell) {
	rows := make(map[string][]string)
	var names []string
	for _, fault := range observable() {
		names = append(names, fault.Name)
		for _, p := range r.run.Peers {
			rows[fault.Name] = append(rows[fault.Name], text(p.Peer, fault))
		}
	}
	r.lay(w, title, names, rows)
}

// lay writes a table, a column for each peer.
func (r *results) lay(w io.Writer, title string, names []string, rows map[string][]string) {
	fmt.Fprintf(w, "| %s |", escaped(title))
	for _, p := range r.run.Peers {
		fmt.Fprintf(w, " %s |", p.Peer)
	}
	fmt.Fprintf(w, "\n|---%s|\n", strings.Repeat("|---", len(r.run.Peers)))
	for _, name := range names {
		fmt.Fprintf(w, "| %s |", escaped(name))
		for _, text := range rows[name] {
			fmt.Fprintf(w, " %s |", escaped(text))
		}
		fmt.Fprintln(w)
	}
}

// escaped is a text that Markdown shows as it is, but for what is bold.
func escaped(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "\n", " ").Replace(text)
}

// first is what became of the first tokens, bold where it is something else than is
// expected of bearerproof.
func (r *results) first(s resilience.State) cell {
	return func(peer string, fault *resilience.Fault) string {
		c := resilience.Cell{Fault: fault, State: s}
		rec, expected := r.of(peer, c), c.Expect()
		if rec.Unobservable != "" {
			return "not observable"
		}
		return marked(rec.Held, expected.Held) + " / " + marked(rec.Next, expected.Next)
	}
}

func marked(seen answer, expected resilience.Bound) string {
	if seen.Outcome != expected.Outcome {
		return "**" + seen.String() + "**"
	}
	return seen.String()
}

// of is what is to be said of a cell.
type of[T any] func(record) (a, b T)

// most is two counts, and slowest two times: each the worst one of all states in which
// there was a verifier.
func (r *results) most(of of[int]) cell {
	return worst(r, sample.made, of, func(a, b int) int { return max(a, b) })
}

func (r *results) slowest(of of[milliseconds]) cell { return worst(r, sample.made, of, longer) }

// latest is two times, each the worst one of all states.
func (r *results) latest(of of[milliseconds]) cell {
	return worst(r, func(s sample) sample { return s }, of, longer)
}

func worst[T any](r *results, choose func(sample) sample, of of[T], worse func(a, b T) T) cell {
	return func(peer string, fault *resilience.Fault) string {
		var a, b T
		some := choose(r.ofFault(peer, fault))
		for _, rec := range some {
			x, y := of(rec)
			a, b = worse(a, x), worse(b, y)
		}
		if len(some) == 0 {
			return "not observable"
		}
		return fmt.Sprintf("%v / %v", a, b)
	}
}

// ofFault returns the records of all states that could be observed.
func (r *results) ofFault(peer string, fault *resilience.Fault) sample {
	var all sample
	for _, s := range resilience.States() {
		if rec := r.of(peer, resilience.Cell{Fault: fault, State: s}); rec.Unobservable == "" {
			all = append(all, rec)
		}
	}
	return all
}
