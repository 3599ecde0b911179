package jwks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// maxLoad is how long a source waits for its snapshot, because a file system may
// hang. It is less than policy.restoreTime.
const maxLoad = 400 * time.Millisecond

// Snapshot is a file in which a source leaves its key set for the process that comes
// after it. [FileSnapshot] makes one, and Options.Snapshot hands it to a source. It
// belongs to that one source.
type Snapshot struct {
	path string // absolute, or as given where that cannot be made
	err  error  // why it cannot
	read func(path string) (record, error)
	now  func() time.Time

	mu    sync.Mutex // guards what follows
	place *place     // the file, once a source claimed the Snapshot
}

// FileSnapshot returns a Snapshot in the file at path, for one source. It does no
// I/O; what is wrong with the path shows in the constructor of the source, and what
// is wrong with the file in its log. The directory must exist and be writable, since
// the file is replaced whole: give it a volume, not the mount of a single file.
//
// The file holds the issuer's name, the address of its key set, the time of its
// answer, and the public keys of that answer: no private key and no token. It is text,
// and its digest shows damage, not forgery: whoever can write the file, or replace it
// with one of the same owner, can add a key and so mint tokens that are accepted. It
// has mode 0600, and is not used if others may write it, if it belongs to another user
// but root, or if it is not a regular file. Permissions and owners are looked at on
// Unix systems only.
//
// Each replica has a file of its own. Within a process, sources of two issuers or
// addresses cannot have one file between them.
//
// The source writes the file after each good fetch that brought the set whole, and
// never puts an older answer in the place of a newer one. It reads the file once, and
// only if its first fetch failed: a process that starts while the issuer is away then
// serves with the keys of the process before it. Options.MaxStale counts from the
// issuer's original answer, so a restart does not extend it. The file of another
// issuer or address, a damaged one, or one from the future is not used.
func FileSnapshot(path string) *Snapshot {
	absolute, err := filepath.Abs(path)
	if path == "" {
		err = errors.New("the path is empty")
	}
	if err != nil {
		return &Snapshot{path: path, err: err}
	}
	return &Snapshot{path: absolute, read: readSnapshot, now: time.Now}
}

// claim makes the Snapshot that of a source, named by its issuer and address. A
// Snapshot that has a source already is refused, and so is one whose file belongs to
// a source of another name in this process. A nil Snapshot is none, and fine.
func (s *Snapshot) claim(source string) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return fmt.Errorf("snapshot %q: %w", s.path, s.err)
	}
	if s.path == "" {
		return errors.New("a Snapshot that FileSnapshot did not make")
	}
	if s.place != nil {
		return fmt.Errorf("snapshot %q belongs to another source already", s.path)
	}
	place, err := places.enter(s.path, source)
	if err != nil {
		return err
	}
	s.place = place
	return nil
}

// save puts a key set, which a source got at a time, in the place of what the file
// holds, unless that is a newer one of the same source; one from the future, which a
// clock that was ahead has left, is not. The set is the JSON of public
// keys, of 1 MiB at most. After an error the file is as it was, unless the error is
// that the directory could not be synced.
func (s *Snapshot) save(issuer, url string, at time.Time, set []byte) error {
	if s == nil {
		return nil
	}
	r := record{issuer: issuer, url: url, at: at.UTC().Round(0), set: set}
	data, err := r.encode()
	if err != nil {
		return fmt.Errorf("jwks: snapshot %q: %w", s.path, err)
	}
	place, err := s.claimed()
	if err != nil {
		return err
	}
	place.saving.Lock()
	defer place.saving.Unlock()
	if held, err := s.read(s.path); err == nil && held.issuer == issuer && held.url == url && held.at.After(r.at) && !held.at.After(s.now()) {
		return fmt.Errorf("jwks: snapshot %q: a newer one is there, of %s", s.path, held.at.Format(time.RFC3339))
	}
	if err := replaceFile(s.path, data); err != nil {
		return fmt.Errorf("jwks: snapshot %q: %w", s.path, withoutPath(err))
	}
	return nil
}

func (s *Snapshot) claimed() (*place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.place == nil {
		return nil, fmt.Errorf("jwks: snapshot %q belongs to no source", s.path)
	}
	return s.place, nil
}

// load returns the key set of a source and the time at which the source got it. Its
// error is [fs.ErrNotExist] if there is no file, and otherwise says why the file is
// not used; it repeats nothing of the file but the name of an issuer. It takes no
// longer than maxLoad.
func (s *Snapshot) load(issuer, url string, now time.Time) (set []byte, at time.Time, err error) {
	if s == nil {
		return nil, time.Time{}, fs.ErrNotExist
	}
	r, err := s.readInTime()
	switch {
	case err != nil:
	case r.issuer != issuer:
		err = fmt.Errorf("it is of issuer %s", quoted(r.issuer))
	case r.url != url:
		err = errors.New("it is of another address of the issuer")
	case r.at.After(now):
		err = errors.New("its time is in the future")
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("jwks: snapshot %q: %w", s.path, err)
	}
	return r.set, r.at, nil
}

// readInTime gives up on a file system that hangs. The goroutine that does not is the
// only one, since a source reads its snapshot once.
func (s *Snapshot) readInTime() (record, error) {
	type result struct {
		record record
		err    error
	}
	results := make(chan result, 1)
	go func() {
		r, err := s.read(s.path)
		results <- result{r, err}
	}()
	timer := time.NewTimer(maxLoad)
	defer timer.Stop()
	select {
	case r := <-results:
		return r.record, r.err
	case <-timer.C:
		return record{}, fmt.Errorf("reading it takes longer than %v", maxLoad)
	}
}

// readSnapshot reads a file that only this process's user, or root, can have written.
func readSnapshot(path string) (record, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return record{}, withoutPath(err)
	}
	if !named.Mode().IsRegular() { // a symbolic link too
		return record{}, errNotRegular
	}
	data, info, err := readRegular(path, maxRecordBytes)
	if err != nil {
		return record{}, err
	}
	if !os.SameFile(named, info) {
		return record{}, errors.New("it was replaced while it was read")
	}
	if err := onlyOurs(info); err != nil {
		return record{}, err
	}
	return readRecord(data)
}
