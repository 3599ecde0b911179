package jwks

import (
	"fmt"
	"runtime"
	"sync"
	"weak"
)

// place is a snapshot's file while a source has it. It lives as long as a Snapshot
// that was claimed.
type place struct {
	source string
	saving sync.Mutex // held while the file is written
}

// registry knows the files that are in use.
type registry struct {
	mu sync.Mutex // guards what follows
	at map[string]weak.Pointer[place]
}

// places are this process's, since two sources must not write one file.
var places = registry{at: make(map[string]weak.Pointer[place])} //nolint:gochecknoglobals // files are the process's, too

// enter returns the place of a file for a source. A place that a source of the same
// name has is shared: that is a source which was made anew.
func (r *registry) enter(path, source string) (*place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.at[path].Value(); p != nil {
		if p.source != source {
			return nil, fmt.Errorf("snapshot %q belongs to another source: each needs a file of its own", path)
		}
		return p, nil
	}
	p := &place{source: source}
	pointer := weak.Make(p)
	r.at[path] = pointer
	runtime.AddCleanup(p, func(path string) { r.leave(path, pointer) }, path)
	return p, nil
}

// leave forgets a place that nobody has any more.
func (r *registry) leave(path string, pointer weak.Pointer[place]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at[path] == pointer {
		delete(r.at, path)
	}
}
