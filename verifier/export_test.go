package verifier

// Hints lists all hints.
func Hints() []Hint {
	var all []Hint
	for _, h := range hints {
		all = append(all, Hint{h.cause, h.advice})
	}
	return all
}
