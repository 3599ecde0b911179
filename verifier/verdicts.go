package verifier

import (
	"container/list"
	"crypto/sha256"
	"time"
)

// verdicts remembers for a short time what resolve said against issuers. Issuers are
// what anybody sends, so they are kept as hashes, and only so many. It is not safe for
// concurrent use.
type verdicts struct {
	span     time.Duration // how long one is remembered
	most     int
	byIssuer map[[sha256.Size]byte]*list.Element
	order    *list.List // of verdict, the oldest first
}

type verdict struct {
	id    [sha256.Size]byte
	err   error
	since time.Time
}

func newVerdicts(span time.Duration, most int) verdicts {
	return verdicts{span: span, most: most, byIssuer: make(map[[sha256.Size]byte]*list.Element), order: list.New()}
}

// add remembers an error. When there are too many, the oldest goes.
func (v *verdicts) add(id [sha256.Size]byte, err error, since time.Time) {
	v.remove(id)
	if len(v.byIssuer) >= v.most {
		v.remove(v.order.Front().Value.(verdict).id)
	}
	v.byIssuer[id] = v.order.PushBack(verdict{id, err, since})
}

// of returns the error that is remembered for an issuer, or nil.
func (v *verdicts) of(id [sha256.Size]byte, now time.Time) error {
	element := v.byIssuer[id]
	if element == nil {
		return nil
	}
	remembered := element.Value.(verdict)
	if now.Sub(remembered.since) >= v.span {
		v.remove(id)
		return nil
	}
	return remembered.err
}

func (v *verdicts) remove(id [sha256.Size]byte) {
	if element := v.byIssuer[id]; element != nil {
		v.order.Remove(element)
		delete(v.byIssuer, id)
	}
}
