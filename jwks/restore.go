package jwks

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// restorable reports whether a failed fetch is to be answered with the snapshot: it
// is the first fetch. Only the fetch under way asks.
func (r *Remote) restorable() bool {
	return r.options.Snapshot != nil && !r.restored && r.current.Load() == nil
}

// timeout is how long the fetch under way may take. Where its failure brings the
// snapshot, those who wait for it must live to see that.
func (r *Remote) timeout() time.Duration {
	if r.restorable() {
		return min(r.options.Timeout, r.policy.maxWait-r.policy.restoreTime)
	}
	return r.options.Timeout
}

// restore returns the set that an earlier process left, or nil. It is asked for once,
// when the first fetch has failed. Only the fetch under way calls it.
func (r *Remote) restore(f *flight) *keySet {
	if !r.restorable() {
		return nil
	}
	r.restored = true
	set, err := r.readSnapshot(r.now())
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // there is none at the first start ever
		f.unrestored = err
	}
	return set
}

func (r *Remote) readSnapshot(now time.Time) (*keySet, error) {
	data, at, err := r.options.Snapshot.load(r.issuer, r.address, now)
	if err != nil {
		return nil, err
	}
	set, err := readSet(data)
	if err != nil {
		return nil, err
	}
	// From now on the age counts by the monotonic clock too, like that of any set.
	at = now.Add(-now.Sub(at))
	set.began, set.read, set.restored = at, at, true
	set.interval, set.fresh = r.options.Interval, r.options.Interval
	if !r.usable(set, now) {
		return nil, fmt.Errorf("jwks: the snapshot is older than Options.MaxStale (%v)", r.options.MaxStale)
	}
	return set, nil
}

// keep writes the set of a fetch down for the process that comes after this one. It
// is called when the fetch has landed, so that nobody waits for a disk.
func (r *Remote) keep(f *flight) {
	if r.options.Snapshot == nil || f.got.document == nil {
		return
	}
	for next := r.keeper.begin(f); next != nil; next = r.keeper.end() {
		if err := r.write(next); err != nil {
			e := SnapshotFailed{Source: r.source, Err: err, Writing: true}
			r.observers.tell(func(o Observer) { o.SnapshotFailed(e) })
		}
	}
}

func (r *Remote) write(f *flight) error {
	public, err := publicPart(f.got.document, f.got.set.skipped)
	if err != nil {
		return err
	}
	return r.options.Snapshot.save(r.issuer, r.address, f.began.Round(0), public)
}

// publicPart returns a JWK set of those JWKs of a document that are used. One that
// has a private member, which belongs on nobody's disk, is not.
func publicPart(document []byte, skipped []SkippedKey) ([]byte, error) {
	jwks, err := splitSet(document)
	if err != nil {
		return nil, err
	}
	unused := make(map[int]bool)
	for _, s := range skipped {
		unused[s.Index] = true
	}
	var kept struct {
		Keys []jsontext.Value `json:"keys"`
	}
	for i, raw := range jwks {
		if !unused[i] {
			kept.Keys = append(kept.Keys, raw)
		}
	}
	return json.Marshal(kept)
}
