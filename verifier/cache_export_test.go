package verifier

// Cached says how many tokens a verifier remembers, and how many bytes it counts for
// them.
func Cached(v *Verifier) (entries, bytes int) {
	if v.cache == nil || v.cache.table.Load() == nil {
		return 0, 0
	}
	for i := range v.cache.table.Load().shards {
		s := &v.cache.table.Load().shards[i]
		s.mu.Lock()
		entries += s.probation.entries + s.protected.entries
		bytes += s.probation.bytes + s.protected.bytes
		s.mu.Unlock()
	}
	return entries, bytes
}

// Collide moves the entry of one token to the place of another, as if their fast
// hashes were the same.
func Collide(v *Verifier, raw, other string) {
	e := v.cache.visit(raw).hit
	from, to := v.cache.table.Load().shard(e.place), v.cache.visit(other).place
	from.drop(e)
	e.place = to
	v.cache.table.Load().shard(to).keep(e, v.cache.now)
}
