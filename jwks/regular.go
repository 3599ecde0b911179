package jwks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

var errNotRegular = errors.New("it is not a regular file")

// readRegular reads a regular file of at most so many bytes. It refuses what is not a
// regular file, from which a read might never return. Its errors tell neither path
// nor content.
func readRegular(path string, most int64) ([]byte, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openAtOnce, 0) //nolint:gosec // the path is a setting of the program
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	if int64(len(data)) > most {
		return nil, nil, fmt.Errorf("it is longer than %d bytes", most)
	}
	return data, info, nil
}

// withoutPath takes the path out of an error: whoever adds to it names the path that
// was configured.
func withoutPath(err error) error {
	if wrapped, ok := errors.AsType[*fs.PathError](err); ok {
		return wrapped.Err
	}
	if wrapped, ok := errors.AsType[*os.LinkError](err); ok {
		return wrapped.Err
	}
	return err
}
