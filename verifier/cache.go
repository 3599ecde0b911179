package verifier

import (
	"crypto/sha256"
	"hash"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// NoCache as Config.CacheSize switches the cache of verified tokens off.
const NoCache = -1

// Size of a cache.
const (
	defaultCacheSize = 4096
	mostCacheSize    = 1 << 20
	mostShardSize    = 256     // entries, which bounds the work under one lock
	leastShardSize   = 64      // entries that a shard has the memory for, also where it may have fewer
	bytesPerEntry    = 4 << 10 // of memory, on average
	entryOverhead    = 640     // bytes of an entry, its Token and its place in a map, generously
)

// tokenCache remembers tokens that were accepted, so that their signatures are not
// checked again. It saves nothing but that: the key must still be the issuer's, and
// [Verifier.accept] runs on every use.
//
// An entry is found by a fast keyed hash of the whole token, and believed by the
// SHA-256 of the whole token: a token that is not kept, garbage above all, costs the
// fast hash only. The text is not kept. There are no entries for refusals, so that
// nothing which was refused can stay refused for longer than without a cache, and
// strangers cannot fill it.
type tokenCache struct {
	size int              // set once
	now  func() time.Time // set once
	seed maphash.Seed     // set once

	table atomic.Pointer[cacheTable] // nil until a token is kept, so that an idle verifier has none
}

// cacheTable is the memory of a cache.
type cacheTable struct {
	shards  []cacheShard // a power of two of them, each with a lock of its own
	digests sync.Pool    // of *tokenDigest
}

// newTokenCache returns the cache for a Config.CacheSize, or nil for none.
func newTokenCache(size int, now func() time.Time) *tokenCache {
	switch size {
	case NoCache:
		return nil
	case 0:
		size = defaultCacheSize
	}
	return &tokenCache{size: size, now: now, seed: maphash.MakeSeed()}
}

// visit is the part of the cache in one call of Verify. The zero visit is that of a
// call without cache.
type visit struct {
	cache *tokenCache
	place uint64       // the fast hash of the token
	hit   *cachedToken // or nil
}

// visit looks a token up. A hit says that these very octets were accepted once, under
// the key that the entry names, and nothing about now.
func (c *tokenCache) visit(raw string) visit {
	if c == nil {
		return visit{}
	}
	at := visit{cache: c, place: maphash.String(c.seed, raw)}
	table := c.table.Load()
	if table == nil {
		return at
	}
	e := table.shard(at.place).places.find(at.place)
	if e != nil && e.id == table.digest(raw) {
		e.use()
		at.hit = e
	}
	return at
}

// accepted keeps a token that was accepted under a key, unless it came from here.
func (at visit) accepted(raw string, t *Token, key *Key, leeway time.Duration) {
	if at.cache == nil || at.hit != nil && at.hit.token == t {
		return
	}
	table := at.cache.made()
	table.shard(at.place).keep(&cachedToken{
		id:         table.digest(raw),
		place:      at.place,
		token:      t,
		thumbprint: key.thumbprint,
		dies:       t.claims.expires.Add(leeway),
		cost:       memoryOf(raw, t),
	}, at.cache.now)
}

// refused lets go of a token that expired or whose key was withdrawn. Other refusals
// (keys that cannot be had now, a Check) may not last.
func (at visit) refused(err error) {
	if at.hit == nil {
		return
	}
	switch KindOf(err) {
	case ErrExpired, ErrUnknownKey, ErrSignature:
		at.cache.table.Load().shard(at.place).drop(at.hit)
	default:
	}
}

// made returns the table, and makes it for the first token.
func (c *tokenCache) made() *cacheTable {
	if table := c.table.Load(); table != nil {
		return table
	}
	shards := 1
	for shards*mostShardSize < c.size {
		shards *= 2
	}
	table := &cacheTable{shards: make([]cacheShard, shards)}
	each := (c.size + shards - 1) / shards
	for i := range table.shards {
		table.shards[i].limit = cacheLimit{each, max(each, leastShardSize) * bytesPerEntry}
	}
	if !c.table.CompareAndSwap(nil, table) {
		return c.table.Load()
	}
	return table
}

func (t *cacheTable) shard(place uint64) *cacheShard {
	return &t.shards[place%uint64(len(t.shards))]
}

// tokenDigest computes the SHA-256 of a string, which the standard library does for a
// slice only, without an allocation.
type tokenDigest struct {
	hash  hash.Hash
	chunk [1024]byte
	sum   [sha256.Size]byte
}

// digest identifies a token.
func (t *cacheTable) digest(raw string) [sha256.Size]byte {
	d, _ := t.digests.Get().(*tokenDigest)
	if d == nil {
		d = &tokenDigest{hash: sha256.New()}
	}
	defer t.digests.Put(d)
	d.hash.Reset()
	for len(raw) > 0 {
		n := copy(d.chunk[:], raw)
		d.hash.Write(d.chunk[:n])
		raw = raw[n:]
	}
	clear(d.chunk[:]) // a part of a token is a secret too
	d.hash.Sum(d.sum[:0])
	return d.sum
}

// memoryOf is at least what an entry keeps alive. A claim is mostly a part of the
// payload, and a copy where it was written with escapes; that is not known here.
func memoryOf(raw string, t *Token) int {
	c := &t.claims
	memory := entryOverhead + len(raw) // the payload's text, and the header's, of which the kid is a part
	for _, text := range [...]string{c.issuer, c.subject, c.id, c.scope, c.clientID, c.party, c.typ} {
		memory += len(text)
	}
	memory += cap(c.audience) * 16 // a string's pointer and length
	for _, text := range c.audience {
		memory += len(text)
	}
	return memory
}
