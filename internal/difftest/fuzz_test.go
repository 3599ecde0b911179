package difftest

import "testing"

// Whatever is signed, by whichever key, and damaged in whichever way: the two sides
// agree, or differ for a reason of the list.
func FuzzDifferential(f *testing.F) {
	for _, example := range examples {
		f.Add(example.recipe.header, example.recipe.payload, uint8(example.recipe.signer), example.recipe.damage)
	}
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, header, payload string, by uint8, damage []byte) {
		r := recipe{header, payload, signer(by) % numSigners, damage[:min(len(damage), 12)]}
		raw := r.token()
		if v := j.judge(t.Context(), raw); v.outcome == faulty {
			t.Fatalf("%s\n%v\ntoken %q", v.why, r, raw)
		}
	})
}
