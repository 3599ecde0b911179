package main

import (
	"fmt"
	"strings"

	"github.com/bearerproof/bearerproof/bench/peers"
)

// table is a Markdown table, its first column text and the others figures.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	row := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	row(t.head)
	fmt.Fprintf(&b, "|---%s|\n", strings.Repeat("|--:", len(t.head)-1))
	for _, cells := range t.rows {
		row(cells)
	}
	return b.String()
}

func (r *results) of(name, of, library string) cell { return r.cells[id{name, of, library}] }

// times is how many times the cryptography's processor time something takes.
func (r *results) times(name, of, library string) spread {
	return spreadOf(r.of(name, of, library).CPU.over(r.of(name, of, bare).CPU))
}

// called is a library's name as it stands in the tables: with a mark if there is a check
// that it does not make.
func (r *results) called(library string) string {
	if len(r.unchecked(library)) > 0 {
		library += " †"
	}
	if strings.HasPrefix(library, ours) {
		return "**" + library + "**"
	}
	return library
}

// unchecked are the checks that a library does not make, for any algorithm.
func (r *results) unchecked(library string) []peers.Check {
	for _, found := range r.sound {
		if found.Library == library && len(found.Unchecked) > 0 {
			return found.Unchecked
		}
	}
	return nil
}

// verifyTable is for work that is one verification.
func (r *results) verifyTable(name, of string) string {
	t := table{head: []string{"library", "× bare crypto", "µs", "a second, on one core", "allocations", "octets allocated"}}
	for _, p := range contenders() {
		c, there := r.cells[id{name, of, p.Name}]
		if !there {
			continue
		}
		cpu := spreadOf(c.CPU)
		t.add(r.called(p.Name), wide(r.times(name, of, p.Name), number), wide(cpu, micro), number(1e9/cpu.median),
			whole(spreadOf(c.Allocs).median), whole(spreadOf(c.Bytes).median))
	}
	return t.String()
}

// speedUp is how much faster the same work is on two processors, by the clock.
func (r *results) speedUp(of, library string) figures {
	return r.of(oneProcessor, of, library).Wall.over(r.of(twoProcessors, of, library).Wall)
}

// relativeSpeedUp is that, compared with the cryptography's in the same round.
func (r *results) relativeSpeedUp(of, library string) spread {
	return spreadOf(r.speedUp(of, library).over(r.speedUp(of, bare)))
}

func (r *results) parallelTable() string {
	t := table{head: []string{"library", "distinct tokens: speed-up", "÷ bare crypto's", "repeated token: speed-up", "÷ bare crypto's"}}
	for _, p := range contenders() {
		cells := []string{r.called(p.Name)}
		for _, of := range []string{distinct, repeated} {
			cells = append(cells, wide(spreadOf(r.speedUp(of, p.Name)), number), wide(r.relativeSpeedUp(of, p.Name), number))
		}
		t.add(cells...)
	}
	return t.String()
}

// refusedTable has a column for each kind of bad token.
func (r *results) refusedTable(figure func(cell) string) string {
	t := table{head: append([]string{"library"}, refusals()...)}
	for _, p := range contenders() {
		cells := []string{r.called(p.Name)}
		for _, of := range refusals() {
			cells = append(cells, figure(r.of(refusedToken, of, p.Name)))
		}
		t.add(cells...)
	}
	return t.String()
}

func (r *results) refusedCPU() string {
	return r.refusedTable(func(c cell) string { return micro(spreadOf(c.CPU).median) })
}

func (r *results) refusedMemory() string {
	return r.refusedTable(func(c cell) string {
		return whole(spreadOf(c.Allocs).median) + " / " + kibi(spreadOf(c.Bytes).median)
	})
}

func (r *results) refusedFetches() string {
	t := table{head: []string{"library", forged, stranger}}
	for _, p := range fetching() {
		cells := []string{r.called(p.Name)}
		for _, of := range t.head[1:] {
			cells = append(cells, perToken(spreadOf(r.of(refusedToken, of, p.Name).Fetches).median))
		}
		t.add(cells...)
	}
	return t.String()
}

func (r *results) keysTable() string {
	t := table{head: []string{"library", "1 key, µs", "100 keys, µs", "1,000 keys, µs", "1,000 ÷ 1"}}
	for _, p := range fetching() {
		cells := []string{r.called(p.Name)}
		for _, of := range keyCounts() {
			cells = append(cells, micro(spreadOf(r.of(keySetSize, of, p.Name).CPU).median))
		}
		t.add(append(cells, wide(r.manyKeys(p.Name), number))...)
	}
	return t.String()
}

// manyKeys is what 1,000 keys cost, compared with one.
func (r *results) manyKeys(library string) spread {
	return spreadOf(r.of(keySetSize, "1000", library).CPU.over(r.of(keySetSize, "1", library).CPU))
}

// overOpen is a server's processor time, compared with that of the same handler alone.
func (r *results) overOpen(transport, of, library string) spread {
	return spreadOf(r.of(transport, of, library).CPU.over(r.of(transport, of, open).CPU))
}

func (r *results) servingTable(transport string) string {
	t := table{head: []string{
		"before the handler", "repeated token, µs", "× handler alone", "requests/s",
		"distinct tokens, µs", "× handler alone", "requests/s",
	}}
	for _, library := range guarded() {
		cells := []string{r.called(library)}
		for _, of := range []string{repeated, distinct} {
			c := r.of(transport, of, library)
			cells = append(cells, wide(spreadOf(c.CPU), micro), number(r.overOpen(transport, of, library).median), number(1e9/spreadOf(c.Wall).median))
		}
		t.add(cells...)
	}
	return t.String()
}

func (r *results) librariesTable() string {
	notes := make(map[string]string)
	for _, p := range contenders() {
		var all []string
		for _, check := range r.unchecked(p.Name) {
			note := p.Unchecked[check]
			if len(all) == 0 || !strings.HasSuffix(all[len(all)-1], note) {
				all = append(all, note)
			}
		}
		notes[p.Name] = strings.Join(all, "; ")
	}
	var b strings.Builder
	b.WriteString("| library | version | what it does not check |\n|---|---|---|\n")
	for _, v := range r.run.Libraries {
		if v.Version == "devel" {
			v.Version = "this repository"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.called(v.Library), v.Version, notes[v.Library])
	}
	return b.String()
}
