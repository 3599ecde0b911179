package jwks

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// abandonedAfter is the age, against one that was written just now, at which a
// temporary file is what a crash left. Writing one takes milliseconds.
const abandonedAfter = time.Minute

// replaceFile puts data in the place of a file's, in one step and durably: whatever
// happens, the file is the old one or the new one.
func replaceFile(path string, data []byte) error {
	dir, base := filepath.Split(path)
	temporary, err := os.CreateTemp(dir, "."+base+".*.tmp") // with O_EXCL and mode 0600
	if err != nil {
		return err
	}
	if err := writeDurably(temporary, data); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	sweep(dir, base, temporary.Name())
	if err := os.Rename(temporary.Name(), path); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return syncDirectory(dir)
}

// writeDurably writes and closes a file.
func writeDurably(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// sweep removes the temporary files that crashes have left. They are told by their
// age against the one that is there now, so that only the file system's clock counts.
func sweep(dir, base, current string) {
	now, err := os.Lstat(current)
	if err != nil {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it is no less tidy than before
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, "."+base+".") || !strings.HasSuffix(name, ".tmp") || !entry.Type().IsRegular() {
			continue
		}
		if old, err := entry.Info(); err == nil && now.ModTime().Sub(old.ModTime()) > abandonedAfter {
			os.Remove(filepath.Join(dir, name)) //nolint:errcheck // the next sweep tries again
		}
	}
}
