package machine

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"
)

const (
	syncBlock = 8 << 10
	syncCount = 200
)

// SyncTime is the median of how long it takes to write a block of 8 KiB to a file in a
// directory so that it survives a loss of power, as far as the disk tells the truth.
// The file has its length before, as that of a database's log has.
func SyncTime(dir string) (median time.Duration, err error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, syncBlock*syncCount)); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	block := make([]byte, syncBlock)
	var took []time.Duration
	for n := range syncCount {
		begin := time.Now()
		if _, err := f.WriteAt(block, int64(n*syncBlock)); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took[syncCount/2], nil
}
