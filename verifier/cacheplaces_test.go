package verifier

import (
	"sync"
	"testing"
)

// all are the entries, those of one list together.
func (p *cachePlaces) all() []*cachedToken {
	var all []*cachedToken
	lists := p.lists.Load()
	if lists == nil {
		return nil
	}
	for i := range *lists {
		for e := (*lists)[i].Load(); e != nil; e = e.next.Load() {
			all = append(all, e)
		}
	}
	return all
}

func placesOf(lists int) *cachePlaces {
	p := &cachePlaces{}
	p.begin(lists)
	return p
}

// at is an entry of the only list of places that have one.
func at(place uint64) *cachedToken { return &cachedToken{place: place} }

// Entries of one list are told apart by their places, wherever in it they are, and
// whichever of them goes.
func TestCachePlacesShareAList(t *testing.T) {
	for gone := range 3 {
		p := placesOf(1)
		entries := []*cachedToken{at(7), at(8), at(9)}
		for _, e := range entries {
			p.put(e)
		}
		p.take(entries[gone])
		for i, e := range entries {
			want := e
			if i == gone {
				want = nil
			}
			if got := p.find(e.place); got != want {
				t.Errorf("without entry %d, entry %d is %v", gone, i, got)
			}
		}
		if p.find(10) != nil {
			t.Error("found what was never there")
		}
	}
}

// Places are spread over all lists by the bits that did not choose the shard, of which a
// cache of the greatest size uses twelve.
func TestCachePlacesAreSpread(t *testing.T) {
	p := placesOf(mostShardSize)
	for n := range uint64(mostShardSize) {
		p.put(at(n<<32 | 0xfff))
	}
	lists := *p.lists.Load()
	for i := range lists {
		if e := lists[i].Load(); e == nil || e.next.Load() != nil {
			t.Fatalf("list %d does not have one entry", i)
		}
	}
}

// Whoever reads while others change the list gets to its end, and finds what stays.
func TestCachePlacesAreReadWithoutALock(t *testing.T) {
	p := placesOf(1)
	stays, passes := at(1), []*cachedToken{at(2), at(3), at(4)}
	p.put(passes[0])
	p.put(stays)
	p.put(passes[1])
	p.put(passes[2])
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				if p.find(1) != stays {
					t.Error("what stays was not found")
					return
				}
				if p.find(5) != nil {
					t.Error("found what was never there")
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range 20_000 {
		i := n % len(passes)
		p.take(passes[i])
		passes[i] = at(uint64(i) + 2) // an entry that was taken out does not come back
		p.put(passes[i])
	}
	close(done)
	readers.Wait()
}
