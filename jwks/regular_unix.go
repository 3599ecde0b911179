//go:build unix

package jwks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openAtOnce is a flag with which opening a named pipe does not wait for a writer.
const openAtOnce = syscall.O_NONBLOCK

// onlyOurs says who else could have written a file, or returns nil.
func onlyOurs(info fs.FileInfo) error {
	const byOthers = 0o022
	if mode := info.Mode().Perm(); mode&byOthers != 0 {
		return fmt.Errorf("its mode %#o lets others write it", mode)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("its owner is unknown")
	}
	if us := os.Geteuid(); owner.Uid != 0 && int(owner.Uid) != us {
		return fmt.Errorf("it belongs to user %d and not to this process's, %d", owner.Uid, us)
	}
	return nil
}

// syncDirectory makes a rename durable, where the file system has a way to.
func syncDirectory(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the path is a setting of the program
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
