package verifier

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
)

// noon is when nothing has expired.
func noon() time.Time { return time.Unix(1767225600, 0) }

// placeOf is as good as a hash.
func placeOf(n uint64) uint64 { return rand.NewPCG(n, n).Uint64() }

// entryNamed is an entry of 1000 bytes that expires an hour after noon.
func entryNamed(n uint64) *cachedToken {
	return &cachedToken{
		id:    sha256.Sum256(binary.BigEndian.AppendUint64(nil, n)),
		place: placeOf(n),
		cost:  1000,
		dies:  noon().Add(time.Hour),
	}
}

func shardOf(entries, bytes int) *cacheShard {
	return &cacheShard{limit: cacheLimit{entries, bytes}}
}

// uses is a request with the token: it finds the entry, or enters it. It reports which.
func (s *cacheShard) uses(n uint64) bool {
	if e := s.places.find(placeOf(n)); e != nil {
		e.use()
		return true
	}
	s.keep(entryNamed(n), noon)
	return false
}

// mustBeSound fails unless the places and the queues say the same, within the limits.
func (s *cacheShard) mustBeSound(tb testing.TB) {
	tb.Helper()
	seen, entries, bytes := 0, 0, 0
	for _, q := range []*cacheQueue{&s.probation, &s.protected} {
		ofThis, bytesOfThis := 0, 0
		var older *cachedToken
		for e := q.oldest; e != nil; e = e.younger {
			if e.in != q || e.older != older || s.places.find(e.place) != e {
				tb.Fatalf("entry %d is not where it says", e.place)
			}
			older = e
			ofThis++
			bytesOfThis += e.cost
		}
		if q.youngest != older || q.entries != ofThis || q.bytes != bytesOfThis {
			tb.Fatalf("a queue of %d entries and %d bytes says %d and %d", ofThis, bytesOfThis, q.entries, q.bytes)
		}
		seen, entries, bytes = seen+ofThis, entries+q.entries, bytes+q.bytes
	}
	if found := len(s.places.all()); seen != found {
		tb.Fatalf("%d entries in queues, %d at their places", seen, found)
	}
	if entries > s.limit.entries || bytes > s.limit.bytes {
		tb.Fatalf("%d entries and %d bytes, the limits are %+v", entries, bytes, s.limit)
	}
}

func TestCacheKeepsWhatFits(t *testing.T) {
	s := shardOf(256, 1<<20)
	for n := range uint64(256) {
		if s.uses(n) {
			t.Fatalf("%d was there already", n)
		}
	}
	for n := range uint64(256) {
		if !s.uses(n) {
			t.Errorf("%d is gone though there was room", n)
		}
	}
	s.mustBeSound(t)
}

// Tokens in use become protected in the middle of a flood of as many that are used
// once, and stay so, though they come so seldom that probation is over each time.
func TestCacheFloodTakesNoPlaceFromTokensInUse(t *testing.T) {
	for name, limit := range map[string]cacheLimit{
		"by entries": {256, 1 << 20},
		"by bytes":   {256, 200_000},
	} {
		t.Run(name, func(t *testing.T) {
			s := shardOf(limit.entries, limit.bytes)
			const hot, uses = 150, 200_000
			missed := 0
			for n := range uint64(uses) {
				s.uses(1<<32 + n)
				if !s.uses(n % hot) {
					missed++
				}
			}
			s.mustBeSound(t)
			if most := 20 * hot; missed > most {
				t.Errorf("%d of %d uses of hot tokens missed, want at most %d", missed, uses, most)
			}
		})
	}
}

// Tokens in use before the flood stay through it.
func TestCacheProtectsThroughAFlood(t *testing.T) {
	s := shardOf(256, 1<<20)
	const hot = 200
	for range 2 {
		for n := range uint64(hot) {
			s.uses(n)
		}
	}
	for n := range uint64(1_000_000) {
		s.uses(1<<32 + n)
		if n%1000 == 0 {
			s.mustBeSound(t)
			for h := range uint64(hot) {
				if !s.uses(h) {
					t.Fatalf("hot token %d is gone after %d others", h, n)
				}
			}
		}
	}
}

// New tokens that come again become protected also while others flood.
func TestCacheLearnsNewTokensInAFlood(t *testing.T) {
	s := shardOf(256, 1<<20)
	for n := range uint64(10_000) {
		s.uses(1<<32 + n)
	}
	for round := range uint64(100) {
		for h := range uint64(20) {
			if there := s.uses(h); !there && round > 0 {
				t.Fatalf("token %d is gone in round %d", h, round)
			}
		}
		s.uses(1<<33 + round)
	}
}

// What was in use and is no more makes room for what is now.
func TestCacheForgetsWhatIsNoMoreInUse(t *testing.T) {
	s := shardOf(256, 1<<20)
	for generation := range uint64(5) {
		for range 3 {
			for n := range uint64(200) {
				s.uses(generation<<32 + n)
			}
		}
		there := 0
		for n := range uint64(200) {
			if s.places.find(placeOf(generation<<32+n)) != nil {
				there++
			}
		}
		if there < 150 {
			t.Errorf("generation %d has %d of 200 entries", generation, there)
		}
	}
	s.mustBeSound(t)
}

// Hash flooding: tokens that share a place replace each other, and tokens that share a
// shard share its limits.
func TestCacheIsBoundedUnderHashFlooding(t *testing.T) {
	s := shardOf(256, 1<<20)
	for n := range uint64(1_000_000) {
		e := entryNamed(n)
		e.place = 7
		s.keep(e, noon)
	}
	s.mustBeSound(t)
	if there := len(s.places.all()); there != 1 {
		t.Errorf("%d entries at one place", there)
	}
}

// One token presented a million times is one entry, and moves nothing.
func TestCacheOneTokenAMillionTimes(t *testing.T) {
	s := shardOf(256, 1<<20)
	for range 1_000_000 {
		s.uses(7)
	}
	s.mustBeSound(t)
	if there := len(s.places.all()); there != 1 || s.probation.entries != 1 {
		t.Errorf("%d entries, %d on probation", there, s.probation.entries)
	}
}

func TestCacheLetsExpiredTokensGoFirst(t *testing.T) {
	s := shardOf(16, 1<<20)
	for range 2 {
		for n := range uint64(16) {
			s.uses(n) // all are in use
		}
	}
	s.places.find(placeOf(3)).dies = noon() // which is the end of it
	for n := range uint64(4) {
		s.keep(entryNamed(100+n), noon)
	}
	if s.places.find(placeOf(3)) != nil {
		t.Error("an expired token was kept")
	}
	s.mustBeSound(t)
}

// Shards are small, so that a newcomer's work under a lock is, and make up the size.
func TestCacheHasSmallShards(t *testing.T) {
	for _, size := range []int{1, 3, 64, 256, 257, 1000, defaultCacheSize, 100_000, mostCacheSize} {
		shards := newTokenCache(size, noon).made().shards
		entries, bytes := 0, 0
		for i := range shards {
			limit := shards[i].limit
			if limit.entries > 256 {
				t.Fatalf("size %d: a shard of %d entries", size, limit.entries)
			}
			entries, bytes = entries+limit.entries, bytes+limit.bytes
		}
		if entries < size || entries >= size+len(shards) || len(shards)&(len(shards)-1) != 0 {
			t.Errorf("size %d: %d shards for %d entries", size, len(shards), entries)
		}
		if bytes != max(entries*4096, 256<<10) {
			t.Errorf("size %d: %d bytes", size, bytes)
		}
	}
}

func TestCacheKeepsNoTokenThatIsTooLarge(t *testing.T) {
	s := shardOf(256, 1<<20)
	for n, cost := range []int{1 << 17, 1<<17 + 1} {
		e := entryNamed(uint64(n))
		e.cost = cost
		s.keep(e, noon)
	}
	if s.places.find(placeOf(0)) == nil || s.places.find(placeOf(1)) != nil {
		t.Errorf("kept an eighth: %t, more: %t", s.places.find(placeOf(0)) != nil, s.places.find(placeOf(1)) != nil)
	}
}

// Large tokens that are used once take no place from small ones in use either.
func TestCacheFloodOfLargeTokens(t *testing.T) {
	s := shardOf(256, 1<<20)
	for range 2 {
		for n := range uint64(200) {
			s.uses(n)
		}
	}
	for n := range uint64(100_000) {
		e := entryNamed(1<<32 + n)
		e.cost = 1 << 17
		s.keep(e, noon)
	}
	s.mustBeSound(t)
	for n := range uint64(200) {
		if s.places.find(placeOf(n)) == nil {
			t.Fatalf("token %d is gone", n)
		}
	}
}

// Any order of uses, removals and sizes leaves a cache sound, the smallest too.
func TestCacheStaysSound(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := shardOf(1+random.IntN(20), 100_000+random.IntN(100_000))
		for range 2000 {
			e := entryNamed(random.Uint64N(40))
			e.cost = 1 + random.IntN(20_000)
			e.dies = noon().Add(time.Duration(random.IntN(3)-1) * time.Minute)
			switch old := s.places.find(e.place); {
			case old == nil || random.IntN(10) == 0:
				s.keep(e, noon)
			case random.IntN(5) == 0:
				s.drop(old)
				s.drop(old) // twice is once
			default:
				old.use()
			}
			s.mustBeSound(t)
		}
	}
}
