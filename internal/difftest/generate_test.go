package difftest

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// road is what is done to an input, and when.
type road uint8

const (
	untouched    road = iota // a good token, with a subject and members of its own
	mutatedFirst             // before it is signed, so that the mutation reaches the claims
	damagedAfter             // after it is signed; some of these are mutated before, too
	notSigned                // no signature, or one of other octets
	garbage                  // no token, or hardly one
	numRoads
)

// roads has each road's share, in percent.
var roads = [numRoads]int{untouched: 4, mutatedFirst: 38, damagedAfter: 36, notSigned: 8, garbage: 14}

// generator makes inputs, each from the seed and its number alone.
type generator struct {
	seed uint64
	pool []func() string // tokens that are good or mutated before signing, to be damaged; signing is dear
}

// newGenerator makes a generator with a pool of that size.
func newGenerator(seed, pool uint64) *generator {
	g := &generator{seed: seed}
	for i := range pool {
		g.pool = append(g.pool, sync.OnceValue(func() string {
			r := dice{rand.New(rand.NewPCG(seed, ^i))}
			return r.recipe(r.oneIn(2)).token()
		}))
	}
	return g
}

// pooled returns a token of the pool.
func (g *generator) pooled(r dice) string { return g.pool[r.IntN(len(g.pool))]() }

// input is one token, and how it was made.
type input struct {
	road   road
	recipe recipe
	raw    string
}

// input makes input number i.
func (g *generator) input(i uint64) input {
	// Numbers that follow each other start streams that have nothing in common.
	r := dice{rand.New(rand.NewPCG(g.seed, i*0x9e3779b97f4a7c15))}
	in := input{road: r.road()}
	switch in.road {
	case untouched, mutatedFirst:
		in.recipe = r.recipe(in.road == mutatedFirst)
	case notSigned:
		in.recipe = r.recipe(r.oneIn(2))
		in.recipe.signer = unsigned
		if r.oneIn(2) {
			in.recipe.damage = []byte{takeOtherPart, 0, 2} // the signature
		}
	case damagedAfter:
		in.recipe = recipe{header: g.pooled(r), signer: verbatim, damage: r.damage()}
	default:
		in.recipe = recipe{header: r.garbage(g), signer: verbatim, damage: r.damage()}
	}
	in.raw = in.recipe.token()
	return in
}

// dice makes the choices for one input.
type dice struct{ *rand.Rand }

func (r dice) oneIn(n int) bool { return r.IntN(n) == 0 }

func (r dice) pick(some []string) string { return some[r.IntN(len(some))] }

func (r dice) road() road {
	n := r.IntN(100)
	for way, share := range roads {
		if n < share {
			return road(way)
		}
		n -= share
	}
	return garbage
}

// signer chooses a key. Most are cheap to sign and to verify with.
func (r dice) signer() signer {
	n := r.IntN(1000)
	for _, choice := range []struct {
		signer signer
		share  int
	}{
		{es256Signer, 40},
		{unencodedSigner, 4},
		{es384Signer, 2},
		{rs256Signer, 3},
		{rs384Signer, 1},
		{ps256Signer, 2},
		{saltSigner, 1},
		{weakSigner, 3},
		{mldsaSigner, 2},
		{longSigner, 2},
	} {
		if n < choice.share {
			return choice.signer
		}
		n -= choice.share
	}
	return ed25519Signer
}

// recipe makes a token that is good but for the key, or one that is mutated before it
// is signed.
func (r dice) recipe(mutated bool) recipe {
	made := recipe{signer: r.signer()}
	header := goodHeader.with("alg", strconv.Quote(signers[made.signer].alg.String())).with("kid", strconv.Quote(signers[made.signer].kid))
	if made.signer == unencodedSigner {
		header = append(header, member{`"b64"`, "false"}, member{`"crit"`, `["b64"]`})
	}
	payload := goodPayload.with("sub", strconv.Quote(r.word())).with("jti", strconv.Quote(strconv.FormatUint(r.Uint64(), 36)))
	if r.oneIn(4) {
		payload = append(payload, member{strconv.Quote("x" + r.word()), r.value(3)})
	}
	if r.oneIn(4) {
		header = header.with("typ", r.pick([]string{"", `"JWT"`, `"jwt"`, `"application/at+jwt"`}))
	}
	if !mutated {
		made.header, made.payload = header.String(), payload.String()
		return made
	}
	before := made
	before.header, before.payload = header.String(), payload.String()
	for {
		made = r.mutated(before, header, payload)
		if made.header != before.header || made.payload != before.payload {
			return made
		}
	}
}

// mutated changes members of the header or the payload, or octets of their text.
func (r dice) mutated(before recipe, header, payload object) recipe {
	way := r.IntN(20)
	for range 1 + r.IntN(2) {
		if way < 6 {
			header = r.edit(header, headerEdits)
		} else {
			payload = r.edit(payload, payloadEdits)
		}
	}
	after := before
	after.header, after.payload = header.String(), payload.String()
	switch way {
	case 0:
		after.header = r.octets(before.header)
	case 17, 18:
		after.payload = r.octets(before.payload)
	case 19:
		after.payload = r.octets(after.payload)
	}
	return after
}

// edit changes one member of an object, mostly to a value of the list.
func (r dice) edit(o object, edits []edit) object {
	switch r.IntN(12) {
	case 0: // one more member, which nobody knows
		return append(o, member{strconv.Quote("x" + r.word()), r.value(4)})
	case 1: // a name twice
		again := o[r.IntN(len(o))]
		if r.oneIn(2) {
			again.value = r.value(1)
		}
		return append(o, member{r.respell(again.name), again.value})
	case 2: // a name in another spelling, which may be another name
		changed := append(object(nil), o...)
		i := r.IntN(len(o))
		changed[i].name = r.respell(o[i].name)
		return changed
	case 3: // one member fewer
		i := r.IntN(len(o))
		return append(append(object(nil), o[:i]...), o[i+1:]...)
	case 4: // any value
		changed := append(object(nil), o...)
		changed[r.IntN(len(o))].value = r.value(2)
		return changed
	case 5: // deep or long
		return append(o, member{`"deep"`, r.large()})
	}
	e := edits[r.IntN(len(edits))]
	return o.with(e.name, r.pick(e.values))
}

// respell writes a name with an escape, or in other letters.
func (r dice) respell(name string) string {
	i := 1 + r.IntN(max(len(name)-2, 1))
	switch r.IntN(4) {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return name[:1] + strings.ToUpper(name[1:2]) + name[2:]
	case 2:
		return name[:i] + " " + name[i:]
	}
	if name[i] == '\\' || name[i] == '"' || name[i] >= 0x80 {
		return name
	}
	return name[:i] + `\u00` + strconv.FormatUint(uint64(name[i])|0x100, 16)[1:] + name[i+1:]
}

// large is a value near a limit of depth or of length.
func (r dice) large() string {
	if r.oneIn(8) {
		return `"` + strings.Repeat("x", 11_800+r.IntN(600)) + `"`
	}
	n := []int{1, 30, 31, 32, 62, 63, 64, 65, 100, 500}[r.IntN(10)]
	if r.oneIn(2) {
		return strings.Repeat(`[`, n) + strings.Repeat("]", n)
	}
	return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
}

// word is one to eight letters.
func (r dice) word() string {
	var word strings.Builder
	for range 1 + r.IntN(8) {
		word.WriteByte(byte('a' + r.IntN(26)))
	}
	return word.String()
}

// value is any JSON value, nested no deeper than depth.
func (r dice) value(depth int) string {
	n := r.IntN(10)
	if depth == 0 {
		n = r.IntN(7)
	}
	switch n {
	case 0, 1, 2:
		return r.pick(scalars)
	case 3:
		return strconv.FormatInt(r.Int64N(1<<40)-1<<20, 10)
	case 4, 5, 6:
		return `"` + r.pick(texts) + r.word() + `"`
	case 7:
		return "[" + r.value(depth-1) + "," + r.value(depth-1) + "]"
	case 8:
		return `{"` + r.word() + `":` + r.value(depth-1) + `,"` + r.pick(texts) + `":` + r.value(depth-1) + "}"
	}
	return `{"a":` + r.value(depth-1) + `,` + r.pick([]string{`"a"`, `"b"`, `"A"`, `"\u0061"`}) + `:` + r.value(depth-1) + `}`
}

// octets changes a few octets of a text.
func (r dice) octets(text string) string {
	for range 1 + r.IntN(3) {
		if text == "" {
			return text
		}
		i := r.IntN(len(text))
		end := min(i+1+r.IntN(8), len(text))
		switch r.IntN(7) {
		case 0:
			text = text[:i] + string([]byte{text[i] ^ 1<<r.IntN(8)}) + text[i+1:]
		case 1:
			text = text[:i] + r.pick(pieces) + text[i:]
		case 2:
			text = text[:i] + r.pick(pieces) + text[i+1:]
		case 3:
			text = text[:i] + text[end:]
		case 4:
			text = text[:end] + text[i:]
		case 5:
			text = r.pick(edges) + text
		case 6:
			text += r.pick(edges)
		}
	}
	return text
}

// damage strikes a token once or twice.
func (r dice) damage() []byte {
	damage := make([]byte, 3*(1+r.IntN(2)))
	for i := range damage {
		damage[i] = byte(r.Uint32())
	}
	// Spelling is where the two sides differ most: half of the blows are of that kind.
	if r.oneIn(2) {
		damage[0] = []byte{insertSpace, pad, setSpareBits, setSpareBits, setSpareBits, addBehind, useStandardAlphabet}[r.IntN(7)]
	}
	return damage
}

// garbage is no token, or hardly one.
func (r dice) garbage(g *generator) string {
	good := g.pooled(r)
	parts := strings.Split(good, ".")
	switch r.IntN(6) {
	case 0:
		octets := make([]byte, r.IntN(64))
		for i := range octets {
			octets[i] = byte(r.Uint32())
		}
		return string(octets)
	case 1:
		return r.pick([]string{"", ".", "..", "...", "e30.e30.", "e30.e30.e30", "null", "{}", "bearer", "eyJhbGciOiJub25lIn0.e30."})
	case 2: // the JSON serialisation (RFC 7515 §7.2)
		return `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`
	case 3:
		return good + "." + parts[1] + "." + parts[2]
	case 4:
		return parts[0] + ".." + parts[2]
	}
	return good[:r.IntN(len(good))] + g.pooled(r)
}

// An input can be made again from its seed and its number, whoever makes it. The
// signatures of RSA-PSS and ML-DSA alone have something random in them.
func TestInputsAreDeterministic(t *testing.T) {
	first, second, other := newGenerator(1, 64), newGenerator(1, 64), newGenerator(2, 64)
	differ := 0
	for i := range uint64(200) {
		a, b := first.input(i), second.input(i)
		if a.road != b.road || a.recipe.signer != verbatim && (a.recipe.header != b.recipe.header || a.recipe.payload != b.recipe.payload) {
			t.Errorf("input %d is made twice as\n%v\n%v", i, a.recipe, b.recipe)
		}
		if a.raw != other.input(i).raw {
			differ++
		}
	}
	if differ < 190 {
		t.Errorf("of two seeds, only %d of 200 inputs differ", differ)
	}
}
