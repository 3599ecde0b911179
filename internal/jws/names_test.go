package jws

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The worst that fits into a token of 16 KiB: the work for finding duplicates grows
// with n log n, whatever the names are and in whatever order they come. It is counted,
// and not timed.
func TestR37DuplicatesAreFoundInLittleMoreThanLinearWork(t *testing.T) {
	for shape, name := range map[string]func(i, n int) string{
		"short":                  func(i, _ int) string { return fmt.Sprintf("%02x", i) },
		"falling":                func(i, n int) string { return fmt.Sprintf("%04d", n-i) },
		"up and down":            func(i, n int) string { return fmt.Sprintf("%04d", min(2*i, 2*(n-i)+1)) },
		"zigzag":                 func(i, n int) string { return fmt.Sprintf("%04d", (i%2)*n+i/2) },
		"shuffled":               func(i, _ int) string { return fmt.Sprintf("%05d", i*7919%10007) },
		"with one beginning":     func(i, _ int) string { return strings.Repeat("x", 100) + fmt.Sprintf("%04d", i) },
		"all escapes":            func(i, _ int) string { return fmt.Sprintf(`\u0061\u%04x`, 0x4e00+i) },
		"of one length and rest": func(i, _ int) string { return fmt.Sprintf("%04d", i) + strings.Repeat("x", 40) },
		"prefixes":               func(i, _ int) string { return strings.Repeat("x", i) },
		"the killer of quicksort": func(i, n int) string {
			if i%2 == 0 {
				return fmt.Sprintf("%04d", i/2)
			}
			return fmt.Sprintf("%04d", n/2+(i*i+i)%n) + fmt.Sprint(i)
		},
	} {
		const most = 12 << 10 // octets of a payload
		var text strings.Builder
		var n int
		text.WriteString("{")
		for n = 0; ; n++ {
			member := fmt.Sprintf(`"%s":0,`, name(n, 1024))
			if text.Len()+len(member) > most {
				break
			}
			text.WriteString(member)
		}
		octets, names := text.Len(), n
		work := workOf(t, strings.TrimSuffix(text.String(), ",")+"}")
		if limit := 4 * octets * bitsOf(names); work > limit {
			t.Errorf("%s: %d names in %d octets take %d steps, and not %d", shape, names, octets, work, limit)
		}
	}
}

// Twice the names are twice the work, and a little more: not four times.
func TestR37WorkForDuplicatesGrowsLinearly(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	before := 0
	for n := 1 << 8; n <= 1<<15; n *= 2 {
		var text strings.Builder
		for i, value := range random.Perm(n) {
			fmt.Fprintf(&text, `%c"%06d":0`, "{,"[min(i, 1)], value)
		}
		work := workOf(t, text.String()+"}")
		if before > 0 && float64(work) > 2.5*float64(before) {
			t.Errorf("%d names take %d steps, half of them %d", n, work, before)
		}
		before = work
	}
}

func bitsOf(n int) int {
	bits := 1
	for ; n > 1; n /= 2 {
		bits++
	}
	return bits
}

// workOf counts the octets that are compared to find that an object's names differ.
func workOf(t *testing.T, text string) (work int) {
	t.Helper()
	var o object
	var at []uint32
	if err := o.read(text, 2, 0, membersFunc(func(_ string, v Value) error {
		at = append(at[:0], o.names.at...)
		return v.Skip()
	})); err != nil {
		t.Fatal(err)
	}
	if repeats(at, func(a, b uint32) int {
		i := 0
		for text[int(a)+i] == text[int(b)+i] && text[int(a)+i] != '"' {
			i++
		}
		work += i + 1
		return o.names.compare(a, b)
	}) {
		t.Fatal("a duplicate was found")
	}
	return work
}

type membersFunc func(name string, v Value) error

func (f membersFunc) Member(name Name, v Value) error { return f(name.String(), v) }

// A duplicate is found wherever it stands among many, and however it is written.
func TestDuplicatesAreFoundAmongMany(t *testing.T) {
	for _, n := range []int{1, 2, 12, 13, 50, 500} {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"n%d":%d`, i, i))
		}
		braced := func(members []string) string { return "{" + strings.Join(members, ",") + "}" }
		for _, i := range []int{0, n / 2, n - 1} {
			for _, name := range []string{fmt.Sprintf(`"n%d"`, i), fmt.Sprintf(`"\u006e%d"`, i), fmt.Sprintf(`"n\u003%d%s"`, mostSignificant(i), fmt.Sprint(i)[1:])} {
				for _, place := range []int{0, n / 2, n} {
					text := braced(slices.Insert(slices.Clone(members), place, name+":[{}]"))
					for _, text := range []string{text, `{"x":` + text + `}`, `{"n0":[{"n0":0},` + text + `]}`} {
						var o object
						err := o.read(text, 8, 0, membersFunc(func(_ string, v Value) error { return v.Skip() }))
						if err == nil || err.Error() != "has a duplicate member" {
							t.Fatalf("%.100s…: %v", text, err)
						}
					}
				}
			}
		}
		var o object
		if err := o.read(braced(members), 8, 0, membersFunc(func(_ string, v Value) error { return v.Skip() })); err != nil {
			t.Errorf("%d members: %v", n, err)
		}
	}
}

func mostSignificant(i int) int {
	for i > 9 {
		i /= 10
	}
	return i
}

// The order of names is total, or else sorting would hide duplicates: each character is
// compared as the one that it stands for, and the end comes before all of them.
func TestNamesAreOrderedByTheirCharacters(t *testing.T) {
	sorted := []string{``, `\u0000`, `\u0001`, ` `, `!`, `!!`, `\"`, `\u0022\u0022`, `#`, `A`, `\\`, `\u005c\u0021`, `a`, `a\u0000`, `a `, `a\"`, `\u0061a`, `ab`, `b`, `\u007f`, `é`, `é!`, `\u00e9\u0022`, `\u00ea`, `ê!`, `\uffff`, `😀`, `\ud83d\ude01`}
	var text strings.Builder
	var at []uint32
	for _, name := range sorted {
		text.WriteString(`"`)
		at = append(at, uint32(text.Len()))
		text.WriteString(name + `"`)
	}
	n := names{text: text.String()}
	for i := range sorted {
		for j := range sorted {
			if got := n.compare(at[i], at[j]); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s: %d", sorted[i], sorted[j], got)
			}
		}
	}
}
